import { join } from "node:path";
import { diskFailure, FleetError, isFleetError, toFleetError } from "../../../errors/index.js";
import type { Repository, Worktree } from "../../../model/index.js";
import type { Locks, WorktreeSpec } from "../../../ports/index.js";
import { requireGone } from "../branch-file.js";
import type { Git } from "../client.js";
import { nameEachOther } from "../links.js";
import { removeBranchSection } from "../refs.js";
import { takeAway } from "../remove.js";
import { retrying } from "../repository-lock.js";
import { resolveCommit } from "../resolve.js";
import { unregister } from "../unregister.js";

/** So many worktrees' small files at a time go their ways through the thread pool. */
export const AT_ONCE = 8;

/** What one spec has come to so far: enough to go on from, and enough to undo. */
export interface Registered {
  readonly spec: WorktreeSpec;
  readonly worktree: Worktree;
  readonly commit: string;
}

/**
 * Unmakes a worktree that this call made: folder, registration, and the branch if it made that and it has not moved.
 * The folder leaves its place first: one that cannot (a disk that has become read-only) must stay registered to be found again.
 */
export async function undoWorktree(git: Git, locks: Locks, repo: Repository, made: Registered): Promise<void> {
  const { path, adminDir } = made.worktree;
  // One that was there before stays, unless it has come to stand on the branch that goes.
  if (made.spec.adminDir !== undefined && (await branchAt(git, path)) !== made.spec.branch)
    return undoBranch(git, locks, repo, made.spec, made.commit);
  const ours = await nameEachOther(git.host.files, path, adminDir);
  const away = ours ? await takeAway(git.host, made.worktree) : null;
  await unregister(git.host.files, repo.commonDir, adminDir);
  if (away !== null) await git.host.files.removeTree(away.now);
  await undoBranch(git, locks, repo, made.spec, made.commit);
}

/** Deletes the branch a spec made while it still stands where it was made. Throws if it is there all the same. */
export async function undoBranch(git: Git, locks: Locks, repo: Repository, spec: WorktreeSpec, commit: string): Promise<void> {
  if (spec.mode === "use" || spec.mode === "detach") return;
  const ref = `refs/heads/${spec.branch}`;
  const remove = async () => {
    const { exitCode, stderr } = await git.run(repo.commonDir, ["update-ref", "-d", ref, commit], { accept: [0, 1, 128] });
    if (exitCode === 0) {
      await requireGone(git, repo, spec.branch);
      return true;
    }
    // Moved or gone already: not ours to delete. Still there: something stood in git's way, so again.
    if ((await resolveCommit(git, repo.commonDir, ref)) !== commit) return false;
    const doing = `The branch ${spec.branch} could not be deleted`;
    throw diskFailure(stderr, doing) ?? new FleetError("DRIVER_FAILED", `${doing}: ${stderr.trim()}`);
  };
  const gone = await retrying(remove, {}, (error) => isFleetError(error, "DRIVER_FAILED"));
  if (gone && spec.mode === "track") await removeBranchSection(git, locks, repo, spec.branch);
}

/** The branch that is checked out in a folder, null where none is. */
export async function branchAt(git: Git, folder: string): Promise<string | null> {
  const { stdout } = await git.run(folder, ["symbolic-ref", "--quiet", "HEAD"], { kind: "quick", accept: [0, 1] });
  return /^refs\/heads\/(.+)\n$/.exec(stdout)?.[1] ?? null;
}

/** Undoes something; what could not be undone is told, not thrown, so that the first error stays the one that is seen. */
export async function restOf(undo: () => Promise<void>): Promise<Error | null> {
  try {
    await undo();
    return null;
  } catch (error) {
    return toFleetError(error);
  }
}

/** The error with a word on what is left, which is how its caller knows that not all was unmade. */
export function withRest(error: unknown, rest: Error): FleetError {
  const first = toFleetError(error);
  return new FleetError(first.code, first.message, {
    ...(first.hint === null ? {} : { hint: first.hint }),
    data: { ...first.data, left: [rest.message] } as never,
    cause: first.cause ?? first,
  });
}

/** Path of an admin directory's file. */
export function adminFile(made: Registered, name: string): string {
  return join(made.worktree.adminDir, name);
}
