import { FleetError } from "../../../errors/index.js";
import type { Repository, Worktree } from "../../../model/index.js";
import type { WorktreeSpec } from "../../../ports/index.js";
import type { Git } from "../client.js";
import { isAdminDirOf, readLink } from "../links.js";
import { writeMark } from "../marks.js";
import { retrying } from "../repository-lock.js";
import { unregister } from "../unregister.js";
import { branchAt, restOf, withRest } from "./registered.js";

/**
 * Registers a worktree through `git worktree add --no-checkout`, for repositories whose format asks
 * for more than the plain files (sparse checkouts, settings per worktree, reftable, …). The branch exists.
 */
export async function registerByGit(git: Git, repo: Repository, spec: WorktreeSpec, seed: Omit<Worktree, "adminDir">): Promise<Worktree> {
  const { files } = git.host;
  const start = seed.branch === null ? ["--detach", "--", seed.path, spec.base] : ["--", seed.path, seed.branch];
  const args = ["worktree", "add", "--no-checkout", "--quiet", ...start];
  let adminDir: string | null = null;
  try {
    // Judged by what is there afterwards: git has been seen to fail with all made, and to succeed with nothing.
    await retrying(() => git.run(repo.commonDir, args));
    const link = await readLink(files, seed.path);
    if (link === null || !isAdminDirOf(repo.commonDir, link.adminDir)) {
      throw new FleetError("DRIVER_FAILED", `git made no worktree at ${seed.path}.`);
    }
    adminDir = link.adminDir;
    if ((await branchAt(git, seed.path)) !== seed.branch) {
      throw new FleetError("DRIVER_FAILED", `git checked out something else than ${seed.branch ?? spec.base} at ${seed.path}.`);
    }
    const worktree: Worktree = { ...seed, adminDir };
    if (spec.mark !== undefined) await writeMark(files, adminDir, spec.mark(worktree));
    return worktree;
  } catch (error) {
    const left = await restOf(async () => {
      adminDir ??= (await readLink(files, seed.path))?.adminDir ?? null;
      // First: a folder that cannot be removed must stay registered to be found again.
      await files.removeTree(seed.path);
      if (adminDir !== null && isAdminDirOf(repo.commonDir, adminDir)) await unregister(files, repo.commonDir, adminDir);
    });
    throw left === null ? error : withRest(error, left);
  }
}
