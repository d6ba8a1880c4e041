import { several, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { showStopped } from "../render/stopped.js";
import { chosen } from "../target.js";

export class Stop extends FleetCommand {
  static override summary = "End agents' programs; keep worktrees and records.";
  static override description =
    "Every process the agent started ends with it. A queued agent is taken out of the queue. `fleet resume` starts it again, or queues it.";
  static override usage = "stop [BRANCH|GLOB…] [--batch ID] [--all]";
  static override examples = ["fleet stop fix-auth", "fleet stop --batch k3x9"];
  static override args = { branches: several("Branches, ids or globs.") };
  static override flags = targetFlags;

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Stop);
    const ui = this.ui(flags);
    const { target, single } = chosen(args.branches, flags);
    const { result, warnings } = await this.withFleet(flags, ui, async ({ fleet, call, warnings }) => ({
      result: await fleet.stop(target, call),
      warnings,
    }));
    process.exitCode = showStopped(ui, result, { single, word: "stopped", warnings });
  }
}
