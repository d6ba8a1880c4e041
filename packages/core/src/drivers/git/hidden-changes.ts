import type { Worktree } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { withScratchIndex } from "./scratch-index.js";

/** Changed files among those whose changes git was told not to look for. Asked of a copy of the index without those marks. */
export function hiddenChanges(
  git: Git,
  worktree: Pick<Worktree, "path" | "adminDir">,
  flagged: readonly string[],
  call?: Call,
): Promise<readonly string[]> {
  if (flagged.length === 0) return Promise.resolve([]);
  return withScratchIndex(git.host, worktree.adminDir, async (file) => {
    const env = { GIT_INDEX_FILE: file };
    await unflag(git, worktree.path, flagged, env, call);
    // Not those that are missing: a file left out by skip-worktree is nobody's work.
    const args = ["diff-files", "-z", "--name-only", "--diff-filter=d", "--ignore-submodules=none"];
    const { stdout } = await git.run(worktree.path, args, { kind: "scan", env }, call);
    const marked = new Set(flagged);
    return stdout.split("\0").filter((path) => marked.has(path));
  });
}

/** Takes the marks off in a copy of the index. */
export async function unflag(git: Git, folder: string, paths: readonly string[], env: Record<string, string>, call?: Call): Promise<void> {
  const input = paths.map((path) => `${path}\0`).join("");
  for (const mark of ["--no-assume-unchanged", "--no-skip-worktree"]) {
    await git.run(folder, ["update-index", "-z", mark, "--stdin"], { env, input }, call);
  }
}
