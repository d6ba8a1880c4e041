import { required } from "../args.js";
import { FleetCommand } from "../base.js";

export class Path extends FleetCommand {
  static override summary = "Print the path of an agent's worktree.";
  static override usage = "path BRANCH";
  static override examples = ['cd "$(fleet path fix-auth)"'];
  static override args = { branch: required("Branch or id of the agent.") };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Path);
    const ui = this.ui(flags);
    const { branch, worktree } = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.agent(args.branch, call));
    if (ui.json) ui.document({ branch, path: worktree });
    else ui.data(`${worktree}\n`);
  }
}
