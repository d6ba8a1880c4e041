import { booleanFlag, required } from "../args.js";
import { FleetCommand } from "../base.js";
import { wantsColor } from "../render/color.js";

export class Diff extends FleetCommand {
  static override summary = "Show what an agent changed since its base.";
  static override description = "Committed, uncommitted and untracked changes together, against the commit the branch started from.";
  static override usage = "diff BRANCH [--stat]";
  static override examples = ["fleet diff fix-auth", "fleet diff fix-auth --stat", "fleet diff fix-auth | git apply"];
  static override args = { branch: required("Branch or id of the agent.") };
  static override flags = { stat: booleanFlag({ description: "Only how much changed in which file.", default: false }) };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff);
    const ui = this.ui(flags);
    const color = !ui.json && flags["no-color"] !== true && wantsColor(process.stdout);
    const diff = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.diff(args.branch, { stat: flags.stat, color }, call));
    if (ui.json) ui.document({ branch: args.branch, diff });
    else if (diff !== "") ui.data(diff.endsWith("\n") ? diff : `${diff}\n`);
  }
}
