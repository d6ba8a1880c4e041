import { basename } from "node:path";
import type { Repository, WarmWorktree } from "../../model/index.js";
import type { Deps } from "../deps.js";
import { type Marked, readMarked } from "../marked.js";
import { projectName } from "../names.js";

/** A warm worktree of ours, by the mark that was found. */
export interface Warm {
  /** With its registration where it is now. */
  readonly warm: WarmWorktree;
  /** The mark as it was read: only who finds it unchanged may take the worktree over, or away. */
  readonly text: string;
  /** Whether folder and registration name each other, and both are where the worktree was set up: what a setup builds may not be moved. */
  readonly inPlace: boolean;
  /** Where the folder lies now, null if it is not there. */
  readonly path: string | null;
}

/** The warm worktrees among marks. A copy of a mark in another worktree's registration is none. */
export function warmAmong(marked: readonly Marked[]): readonly Warm[] {
  return marked.flatMap(({ commonDir, mark, says }) => {
    if (says.kind !== "warm" || basename(says.warm.adminDir) !== basename(mark.adminDir)) return [];
    const inPlace = mark.present && mark.adminDir === says.warm.adminDir && mark.worktreePath === says.warm.worktree;
    const warm = { ...says.warm, commonDir, adminDir: mark.adminDir };
    return [{ warm, text: mark.text, inPlace, path: mark.present ? mark.worktreePath : null }];
  });
}

/** The pool of a repository. Throws nothing: where it cannot be read, there is none to be had now. */
export async function readPool(deps: Deps, commonDir: string): Promise<readonly Warm[]> {
  return warmAmong((await readMarked(deps, commonDir)) ?? []);
}

/**
 * Replaces a warm worktree's mark if it still is what was read; says whether it did. Of several commands that want one worktree
 * exactly one is told so, and it alone may go on.
 */
export function swapMark(deps: Deps, repo: Repository, adminDir: string, from: string, to: string): Promise<boolean> {
  return deps.locks.hold(`${deps.paths.run}/pool-${projectName(repo)}`, async () => {
    if ((await deps.git.readMark(adminDir)) !== from) return false;
    await deps.git.writeMark(adminDir, to);
    return true;
  });
}
