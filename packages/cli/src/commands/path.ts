import { existsSync } from "node:fs";
import { required } from "../args.js";
import { FleetCommand } from "../base.js";
import { Failure } from "../failure.js";

export class Path extends FleetCommand {
  static override summary = "Print the path of an agent's worktree.";
  static override usage = "path BRANCH";
  static override examples = ['cd "$(fleet path fix-auth)"'];
  static override args = { branch: required("Branch or id of the agent.") };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Path);
    const ui = this.ui(flags);
    const { branch, worktree, status } = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.agent(args.branch, call));
    if (!existsSync(worktree))
      throw new Failure("AGENT_NOT_FOUND", `${branch} has no worktree: it is ${status}.`, "`fleet list` says why.");
    if (ui.json) ui.document({ branch, path: worktree });
    else ui.data(`${worktree}\n`);
  }
}
