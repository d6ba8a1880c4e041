import type { Repository } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";

/** A line of `git diff-tree`: modes before and after, ids, what happened. */
const CHANGE = /^:([0-7]{6}) ([0-7]{6}) [0-9a-f]+ [0-9a-f]+ [A-Z]$/;
const SUBMODULE = "160000";

/** Paths that differ between two commits, and which of them are, or were, submodules. */
export async function changedPaths(
  git: Git,
  repo: Repository,
  from: string,
  to: string,
  call?: Call,
): Promise<{ path: string; submodule: boolean }[]> {
  if (from === to) return [];
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--end-of-options", from, to];
  const { stdout } = await git.run(repo.commonDir, args, { kind: "scan" }, call);
  const fields = stdout.split("\0").slice(0, -1);
  const found: { path: string; submodule: boolean }[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const [change = "", path] = fields.slice(at, at + 2);
    const modes = CHANGE.exec(change);
    if (modes === null || path === undefined) throw senseless(args, stdout);
    found.push({ path, submodule: modes[1] === SUBMODULE || modes[2] === SUBMODULE });
  }
  return found;
}
