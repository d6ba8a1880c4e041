import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";

/** How many commits a `rev-list` finds. A number always, so that silence is never taken for "none". */
export async function countCommits(git: Git, folder: string, args: readonly string[], input: string, call?: Call): Promise<number> {
  const argv = ["rev-list", "--count", ...args];
  const { stdout } = await git.run(folder, argv, { kind: "scan", input }, call);
  return parseCount(argv, stdout);
}

/** The number that `rev-list --count` printed. Throws where it printed anything else. */
export function parseCount(argv: readonly string[], stdout: string): number {
  if (!/^\d+\n$/.test(stdout)) throw senseless(argv, stdout);
  return Number(stdout);
}

/**
 * The commits a `rev-list` finds. Counted first: what hangs on the answer is whether commits are lost, and an
 * empty answer is what a git gives, too, that did nothing.
 */
export async function listCommits(git: Git, folder: string, args: readonly string[], input: string, call?: Call): Promise<string[]> {
  if ((await countCommits(git, folder, args, input, call)) === 0) return [];
  const argv = ["rev-list", ...args];
  const { stdout } = await git.run(folder, argv, { kind: "scan", input }, call);
  const commits = stdout.split("\n").filter((line) => line !== "");
  if (commits.length === 0 || commits.some((commit) => !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit))) throw senseless(argv, stdout);
  return commits;
}
