import { join } from "node:path";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { countCommits } from "./rev-list.js";

const LINE = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) .*?\t?([^\t\n]*)$/gm;

/**
 * Commits that HEAD once stood on and was taken off, by a reset or by leaving a detached HEAD. What an
 * amend or a rebase replaced has a successor and does not count. From a file; empty for nearly everyone.
 */
export async function leftBehind(files: HostFiles, adminDir: string): Promise<string[]> {
  const log = (await files.read(join(adminDir, "logs", "HEAD"))) ?? "";
  const left = new Set<string>();
  for (const [, from = "", to = "", message = ""] of log.matchAll(LINE)) {
    if (from !== to && !/^0+$/.test(from) && /^(reset|checkout):/.test(message)) left.add(from);
  }
  return [...left];
}

/** Those of the commits that no branch, tag, remote branch, other worktree or one of `held` reaches, nor another of them. */
export async function tipsHeldByNone(
  git: Git,
  commonDir: string,
  commits: readonly string[],
  held: readonly string[],
  call?: Call,
): Promise<string[]> {
  if (commits.length === 0) return [];
  const input = `${commits.join("\n")}\n`;
  const which = ["--ignore-missing", "--stdin", "--not", "--branches", "--tags", "--remotes", ...held];
  if ((await countCommits(git, commonDir, which, input, call)) === 0) return [];
  const args = ["rev-list", "--parents", ...which];
  const { stdout } = await git.run(commonDir, args, { kind: "scan", input }, call);
  const lines = stdout.split("\n").filter((line) => line !== "");
  if (lines.length === 0 || lines.some((line) => !/^[0-9a-f]{40,64}( [0-9a-f]{40,64})*$/.test(line))) throw senseless(args, stdout);
  const parents = new Set(lines.flatMap((line) => line.split(" ").slice(1)));
  return lines.map((line) => line.split(" ")[0] as string).filter((commit) => !parents.has(commit));
}
