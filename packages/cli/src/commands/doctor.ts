import type { DoctorFinding } from "@aifleet/core";
import { booleanFlag, stringFlag } from "../args.js";
import { type CommonFlags, FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import type { Color } from "../render/color.js";
import type { Ui } from "../render/ui.js";
import { clean } from "../render/width.js";

const LOOKS: Readonly<Record<DoctorFinding["state"], readonly [symbol: string, color: Color]>> = {
  ok: ["✓", "green"],
  note: ["·", "cyan"],
  problem: ["✗", "red"],
  fixed: ["✓", "yellow"],
};

export class Doctor extends FleetCommand {
  static override summary = "Check the tools, the settings and the fleet's own state, or an agent program.";
  static override description =
    "Exit code 1 while a problem is left. --fix mends what can be mended without losing anything. --probe starts an agent program in a " +
    "scratch worktree and sees whether it is ready, takes a prompt, is read rightly and comes back with its conversation; nothing of it stays. " +
    "It sends one short prompt, which costs one answer of its model; --no-prompt leaves out what needs that.";
  static override usage = ["doctor [--fix]", "doctor --probe NAME [--no-prompt]"];
  static override examples = [
    "fleet doctor",
    "fleet doctor --fix",
    "fleet doctor --probe claude",
    "fleet doctor --probe codex --no-prompt",
  ];
  static override flags = {
    fix: booleanFlag({ description: "Mend what can be mended safely.", default: false }),
    probe: stringFlag({ description: "Try an agent program as it is installed here; `fleet agents` shows them.", helpValue: "NAME" }),
    "no-prompt": booleanFlag({ description: "With --probe: send no prompt.", default: false }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const ui = this.ui(flags);
    if (flags.probe !== undefined && flags.fix) throw usage("--probe and --fix exclude each other.");
    if (flags.probe === undefined && flags["no-prompt"])
      throw usage("--no-prompt is for --probe.", "For example: fleet doctor --probe claude --no-prompt");
    const healthy =
      flags.probe === undefined
        ? await this.#checkup(flags, flags.fix, ui)
        : await this.#probe(flags, flags.probe, !flags["no-prompt"], ui);
    process.exitCode = healthy ? 0 : 1;
  }

  async #checkup(flags: CommonFlags, fix: boolean, ui: Ui): Promise<boolean> {
    const report = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.doctor({ fix }, call), {
      ignoreProjectConfig: true,
      withoutGit: true,
    });
    if (ui.json) ui.document(report);
    else for (const finding of report.findings) show(ui, finding);
    return report.healthy;
  }

  async #probe(flags: CommonFlags, name: string, prompt: boolean, ui: Ui): Promise<boolean> {
    const tell = (finding: DoctorFinding): void => {
      if (!ui.json) show(ui, finding);
      // The first finding is that it is installed; it is started after that.
      if (prompt && finding.check === "program")
        ui.note(`One short prompt is sent to ${clean(name)}, which costs one answer of its model (--no-prompt: none).`);
    };
    const report = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.probe(name, { prompt, onFinding: tell }, call));
    if (ui.json) ui.document(report);
    return report.healthy;
  }
}

function show(ui: Ui, { check, state, message, fix }: DoctorFinding): void {
  const [symbol, color] = LOOKS[state];
  ui.line(`${ui.paint(color, symbol)} ${check}: ${clean(message)}`);
  if (fix !== null) ui.line(`  ${ui.paint("dim", clean(fix))}`);
}
