import type { AdapterInfo } from "@aifleet/core";
import { FleetCommand } from "../base.js";
import { table } from "../render/table.js";

const LEARNT: Readonly<Record<AdapterInfo["status"], string>> = {
  hooks: "hooks, then screen",
  screen: "screen",
  activity: "output",
};

export class Agents extends FleetCommand {
  static override summary = "Show the agent programs: installed, version, how their status is learnt.";
  static override description =
    "Each installed program is asked for its version. `agents.<name>` in the settings makes any other program an agent. " +
    "Running agents are shown by `fleet list`.";
  static override usage = "agents";
  static override examples = ["fleet agents", "fleet agents --json"];

  override async run(): Promise<void> {
    const { flags } = await this.parse(Agents);
    const ui = this.ui(flags);
    const adapters = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.adapters(call), {
      ignoreProjectConfig: true,
      withoutGit: true,
    });
    if (ui.json) return ui.document({ adapters });
    const columns = [
      { title: "AGENT" },
      { title: "VERSION" },
      { title: "STATUS BY", dropped: 2 },
      { title: "MODES", dropped: 1 },
      { title: "RESUMES", dropped: 0 },
      { title: "PROGRAM", shrinksTo: 12 },
    ];
    const rows = adapters.map((one) => [
      { text: `${one.name}${one.isDefault ? " *" : ""}` },
      one.problem === null
        ? { text: one.version ?? "-" }
        : { text: one.path === null && one.program !== null ? "not installed" : "unusable", color: "dim" as const },
      { text: LEARNT[one.status] },
      { text: one.modes.join(" ") || "-" },
      { text: one.resumes ? "yes" : "no" },
      { text: one.path ?? (one.program === null ? (one.problem ?? "-") : one.program) },
    ]);
    ui.lines(table(columns, rows, { width: ui.width, paint: ui.paint }));
    if (ui.width !== null && adapters.some(({ isDefault }) => isDefault)) ui.note("* used where no agent is named (agent.default)");
  }
}
