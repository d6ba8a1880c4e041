import { several, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { showStopped } from "../render/stopped.js";
import { chosen } from "../target.js";

export class Resume extends FleetCommand {
  static override summary = "Start agents again that were stopped, ended or lost.";
  static override description =
    "Takes up the conversation where the program can; else starts it afresh in the same worktree. One that was never started goes back into the queue.";
  static override usage = "resume [BRANCH|GLOB…] [--batch ID] [--all]";
  static override examples = ["fleet resume fix-auth", "fleet resume --all"];
  static override args = { branches: several("Branches, ids or globs.") };
  static override flags = targetFlags;

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Resume);
    const ui = this.ui(flags);
    const { target, single } = chosen(args.branches, flags);
    const { result, warnings } = await this.withFleet(flags, ui, async ({ fleet, call, warnings }) => ({
      result: await fleet.resume(target, call),
      warnings,
    }));
    process.exitCode = showStopped(ui, result, { single, word: "resumed", warnings });
  }
}
