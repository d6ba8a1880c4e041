import { join } from "node:path";
import { FleetError } from "../../../errors/index.js";
import type { Repository } from "../../../model/index.js";
import type { Call } from "../../../ports/index.js";
import type { Git } from "../client.js";
import { failureOf } from "../full-disk.js";
import { nameEachOther } from "../links.js";
import { branchAt, type Registered } from "./registered.js";
import { type AddSettings, mayHavePostCheckout } from "./settings.js";

/** Fills a registered worktree with its files, and runs the post-checkout hook as `git worktree add` would. Throws if it is not whole. */
export async function fillWorktree(git: Git, repo: Repository, made: Registered, settings: AddSettings, call?: Call): Promise<void> {
  const { path, adminDir } = made.worktree;
  if (made.spec.adminDir !== undefined) return switchWorktree(git, made, call);
  // Not quiet: its progress, on stderr, is what tells a long checkout from a stuck one.
  const reset = ["reset", "--hard", "--no-recurse-submodules", "--no-quiet"];
  const { env = {} } = made.spec;
  await git.run(path, reset, { env }, call);
  const { files } = git.host;
  if (!(await nameEachOther(files, path, adminDir)) || (await files.stat(join(adminDir, "index"))) === null) {
    throw new FleetError("DRIVER_FAILED", `git reported success, but the worktree at ${path} is not whole.`);
  }
  if (!(await mayHavePostCheckout(git, repo, settings, path))) return;
  // A hook's exit code says nothing of the checkout, which is done: git itself only passes it on. 127 and 126: it could not be started.
  const none = "0".repeat(made.commit.length);
  const accept = Array.from({ length: 256 }, (_, code) => code);
  await git.run(path, ["hook", "run", "--ignore-missing", "post-checkout", "--", none, made.commit, "1"], { accept, env }, call);
}

/**
 * Switches a worktree that is there to its branch, whose tip it comes to stand at. Git moves HEAD last, so that HEAD tells whether
 * it is done; its exit code may be that of a post-checkout hook. It overwrites no file that is not as git knows it.
 */
async function switchWorktree(git: Git, { spec, worktree }: Registered, call?: Call): Promise<void> {
  const accept = Array.from({ length: 256 }, (_, code) => code);
  const args = ["switch", "--no-guess", "--no-recurse-submodules", "--progress", spec.branch];
  const outcome = await git.run(worktree.path, args, { accept, env: spec.env ?? {} }, call);
  if ((await branchAt(git, worktree.path)) !== spec.branch) throw await failureOf(git.host, args, outcome, worktree.path);
  // Where it stood until now is no commit that somebody has left.
  await git.host.files.remove(join(worktree.adminDir, "logs", "HEAD"));
}
