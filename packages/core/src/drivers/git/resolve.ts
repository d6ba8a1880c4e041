import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { headOf } from "./head-tree.js";
import { plainPlaceOf } from "./root.js";

/** The commit a revision names, null if none. Where HEAD stands on a branch, the usual repository's files tell. */
export async function resolveCommit(git: Git, folder: string, revision: string, call?: Call): Promise<string | null> {
  // No name begins with a dash, and one that is an option of git's must not come near it.
  if (revision === "" || revision.startsWith("-") || /[\0\n]/.test(revision)) return null;
  if (revision === "HEAD") {
    const place = await plainPlaceOf(git, folder);
    const at = place === null ? null : await headOf(git.host.files, place.repo.commonDir, place.adminDir);
    if (at !== null) return at.head;
  }
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`];
  // 1: names nothing. 128: a text git cannot read as a revision, which names nothing either, unless git could not look at all.
  for (const isLast of [false, true]) {
    const { exitCode, stdout, stderr } = await git.run(folder, args, { kind: "quick", accept: [0, 1, 128] }, call);
    if (exitCode === 0) {
      if (!/^[0-9a-f]{40}([0-9a-f]{24})?\n$/.test(stdout)) throw senseless(args, stdout);
      return stdout.trim();
    }
    // Asked quietly it says nothing of a name that it does not know; where it says something, it may not have looked.
    if (exitCode !== 128 && stderr === "") return null;
    if (isLast) await git.run(folder, ["rev-parse", "--git-dir"], { kind: "quick" }, call);
  }
  return null;
}
