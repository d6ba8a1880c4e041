import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";

/** Which of the relative paths git ignores in that worktree. A tracked file is not ignored, whatever the patterns say. */
export async function ignoredPaths(git: Git, worktree: string, paths: readonly string[], call?: Call): Promise<Set<string>> {
  if (paths.length === 0) return new Set();
  const input = paths.map((path) => `${path}\0`).join("");
  // 1: none of them.
  const { stdout } = await git.run(worktree, ["check-ignore", "-z", "--stdin"], { kind: "quick", input, accept: [0, 1] }, call);
  return new Set(stdout.split("\0").filter((path) => path !== ""));
}
