import { booleanFlag, optional } from "../args.js";
import { FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import { agentJson } from "../render/agent.js";
import { word } from "../render/next.js";
import { savedJson, savedTable } from "../render/saved.js";
import { clean } from "../render/width.js";

export class Restore extends FleetCommand {
  static override summary = "Bring back what a forced kill saved.";
  static override description =
    "Branch, folder and record come back as they were, the agent stopped; `fleet resume` starts it. Without a name, or with --list, it shows what is saved.";
  static override usage = "restore [BRANCH|ID] [--list]";
  static override examples = ["fleet restore --list", "fleet restore fix-auth"];
  static override args = { branch: optional("Branch or id of the killed agent.") };
  static override flags = { list: booleanFlag({ description: "Show what is saved, newest first.", default: false }) };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Restore);
    const ui = this.ui(flags);
    const name = args.branch;
    if (name !== undefined && flags.list) throw usage("--list takes no name.");
    if (name === undefined) {
      const saved = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.trash({ sizes: true }, call), { ignoreProjectConfig: true });
      if (ui.json) return ui.document({ saved: saved.map(savedJson) });
      if (saved.length === 0) return ui.note("Nothing is saved.");
      return ui.lines(savedTable(saved, ui));
    }
    const { agent, warnings } = await this.withFleet(
      flags,
      ui,
      async ({ fleet, call, warnings }) => ({ agent: await fleet.restore(name, call), warnings }),
      { ignoreProjectConfig: true },
    );
    if (ui.json) return ui.document({ agent: agentJson(agent.info), warnings });
    ui.line(`${ui.paint("bold", clean(agent.branch))} is back in ${clean(agent.worktree)}`);
    ui.line(ui.paint("dim", `Next: fleet resume ${word(agent.branch)} · fleet path ${word(agent.branch)}`));
  }
}
