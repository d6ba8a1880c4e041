import type { CallOptions, Fleet, KillPreview, KillResult } from "@aifleet/core";
import { booleanFlag, several, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { Failure } from "../failure.js";
import { canAsk, confirm } from "../input/ask.js";
import { failedJson } from "../render/agent.js";
import { fileList } from "../render/errors.js";
import { exitOf } from "../render/next.js";
import { progress } from "../render/progress.js";
import type { Ui } from "../render/ui.js";
import { count } from "../render/units.js";
import { clean, oneLine } from "../render/width.js";
import { type Chosen, chosen } from "../target.js";

export class Kill extends FleetCommand {
  static override summary = "End agents and remove their worktrees, never losing work.";
  static override description =
    "An agent with uncommitted, untracked or precious ignored files, an operation under way or commits nobody else holds is refused (exit code 4). " +
    "--force removes it, too, and saves everything first; the command that restores it is printed. " +
    "The branch goes only where fleet made it and something else holds its commits, or with --delete-branch.";
  static override usage = "kill [BRANCH|GLOB…] [--batch ID] [--all] [--force] [--yes] [--delete-branch] [--keep-worktree]";
  static override examples = ["fleet kill fix-auth", "fleet kill --batch k3x9 --yes", 'fleet kill "try-*" --force'];
  static override args = { branches: several("Branches, ids or globs.") };
  static override flags = {
    ...targetFlags,
    force: booleanFlag({ char: "f", description: "Remove what holds unsaved work, too; it is all saved first.", default: false }),
    yes: booleanFlag({ char: "y", description: "Do not ask.", default: false }),
    "delete-branch": booleanFlag({ description: "Delete the branch even where only it holds its commits.", default: false }),
    "keep-worktree": booleanFlag({ description: "Leave worktree and branch to you; end and forget the agent.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Kill);
    const ui = this.ui(flags);
    const choice = chosen(args.branches, flags);
    const options = { force: flags.force, deleteBranch: flags["delete-branch"], keepWorktree: flags["keep-worktree"] };
    const bar = progress(ui, "killed");
    const result = await this.withFleet(
      flags,
      ui,
      async ({ fleet, call }) => {
        if (!flags.yes && !(await agreed(fleet, choice, { force: flags.force && !flags["keep-worktree"] }, ui, call))) return null;
        return fleet.kill(choice.target, options, call);
      },
      bar,
    ).finally(() => bar.stop());
    if (result === null) return ui.note("Nothing was killed.");
    process.exitCode = showKilled(ui, result, choice.single);
  }
}

/** Asks where the contract says so: several agents, or work that --force discards. One clean agent by name is never asked about. */
async function agreed(fleet: Fleet, choice: Chosen, options: { force: boolean }, ui: Ui, call: CallOptions): Promise<boolean> {
  if (choice.single && !options.force) return true;
  const previews = await fleet.previewKill(choice.target, call);
  const dirty = previews.filter(({ reasons }) => reasons.length > 0);
  if (choice.single && dirty.length === 0) return true;
  if (ui.json || !canAsk()) {
    throw new Failure(
      "CONFIRMATION_NEEDED",
      `This would kill ${count(previews.length, "agent")}${options.force && dirty.length > 0 ? `, ${dirty.length} with unsaved work` : ""}.`,
      "Add --yes to do it without being asked.",
      { branches: previews.map(({ branch }) => branch), flag: "--yes" },
    );
  }
  for (const preview of previews) ui.note(previewText(preview, options.force));
  return confirm(`Kill ${count(previews.length, "agent")}?`);
}

/** What happens to one agent, and what of its work is concerned. */
export function previewText({ branch, reasons, files }: KillPreview, force: boolean): string {
  if (reasons.length === 0) return `  ${clean(branch)}: nothing to lose`;
  const fate = force ? "removed, its work saved to the trash" : "refused";
  return `  ${clean(branch)}: ${fate} (${clean(reasons.join("; "))})\n${fileList(files, 5).replace(/^/gm, "  ").trimEnd()}`.trimEnd();
}

function showKilled(ui: Ui, { killed, refused }: KillResult, single: boolean): number {
  if (single && refused[0] !== undefined) throw refused[0].error;
  if (ui.json) ui.document({ killed, refused: failedJson(refused) });
  else {
    for (const { branch, saved, branchKept } of killed) {
      ui.line(`${ui.paint("green", "✓")} ${clean(branch)} killed${branchKept ? ", branch kept" : ""}`);
      if (saved !== null) ui.line(`  ${saved.folder === null ? "its commits are kept" : "saved"}; restore it with: ${saved.restore}`);
    }
    for (const { branch, error } of refused) {
      ui.note(`${ui.paintNote("red", "✗")} ${clean(branch)}: ${oneLine(error.message)}`);
      const { files } = error.data as { files?: unknown };
      if (Array.isArray(files)) ui.note(fileList(files.map(String), 5).replace(/^/gm, "  ").trimEnd());
    }
    if (refused.some(isKeptForItsWork)) ui.note("Add --force to remove what was refused; it is saved first.");
    // Not for its work but because something is wrong: that is what to mend.
    const hint = refused.find((one) => !isKeptForItsWork(one))?.error.hint;
    if (hint) ui.note(`hint: ${oneLine(hint)}`);
  }
  const failed = refused.find((one) => !isKeptForItsWork(one));
  return exitOf(killed.length, refused.length, refused.some(isKeptForItsWork) ? 4 : failed?.error.exitCode);
}

function isKeptForItsWork({ error }: KillResult["refused"][number]): boolean {
  return error.code === "WORKTREE_DIRTY";
}
