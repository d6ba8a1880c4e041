import type { DoctorFinding } from "@aifleet/core";
import { booleanFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import type { Color } from "../render/color.js";
import { clean } from "../render/width.js";

const LOOKS: Readonly<Record<DoctorFinding["state"], readonly [symbol: string, color: Color]>> = {
  ok: ["✓", "green"],
  note: ["·", "cyan"],
  problem: ["✗", "red"],
  fixed: ["✓", "yellow"],
};

export class Doctor extends FleetCommand {
  static override summary = "Check the tools, the settings and the fleet's own state.";
  static override description = "Exit code 1 while a problem is left. --fix mends what can be mended without losing anything.";
  static override usage = "doctor [--fix]";
  static override examples = ["fleet doctor", "fleet doctor --fix"];
  static override flags = { fix: booleanFlag({ description: "Mend what can be mended safely.", default: false }) };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const ui = this.ui(flags);
    const report = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.doctor({ fix: flags.fix }, call), {
      ignoreProjectConfig: true,
      withoutGit: true,
    });
    if (ui.json) ui.document(report);
    else {
      for (const { check, state, message, fix } of report.findings) {
        const [symbol, color] = LOOKS[state];
        ui.line(`${ui.paint(color, symbol)} ${check}: ${clean(message)}`);
        if (fix !== null) ui.line(`  ${ui.paint("dim", clean(fix))}`);
      }
    }
    process.exitCode = report.healthy ? 0 : 1;
  }
}
