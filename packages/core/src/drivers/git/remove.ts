import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { FleetError, throwIfAborted } from "../../errors/index.js";
import type { Repository, Worktree } from "../../model/index.js";
import type { Call, Host, Locks } from "../../ports/index.js";
import { dropExclude } from "./exclude.js";
import { nameEachOther } from "./links.js";
import { unregister } from "./unregister.js";

type Place = Pick<Worktree, "path" | "adminDir">;

/**
 * Unregisters a worktree and deletes its folder. The folder is renamed first, beside itself: from then
 * on the place is free and nothing half deleted ever stands under its name, however big it is.
 */
export async function removeWorktree(host: Host, locks: Locks, repo: Repository, worktree: Place, call?: Call): Promise<void> {
  throwIfAborted(call?.signal);
  refuseMain(repo, worktree);
  const { files } = host;
  if (!(await nameEachOther(files, worktree.path, worktree.adminDir))) {
    await forget(host, locks, repo, worktree);
    return;
  }
  const away = join(dirname(worktree.path), `.aifleet-gone-${basename(worktree.path).slice(0, 60)}-${randomBytes(6).toString("hex")}`);
  const moved = await renamed(host, worktree.path, away);
  await forget(host, locks, repo, worktree);
  await deleteTree(host, moved ? away : worktree.path);
}

/** Unregisters a worktree and moves its folder, as it is but for the `.git` file, to `to`. */
export async function moveAway(host: Host, locks: Locks, repo: Repository, worktree: Place, to: string, call?: Call): Promise<void> {
  throwIfAborted(call?.signal);
  refuseMain(repo, worktree);
  const { files } = host;
  if (!(await nameEachOther(files, worktree.path, worktree.adminDir))) {
    await forget(host, locks, repo, worktree);
    return;
  }
  if ((await files.stat(to)) !== null) throw new FleetError("DRIVER_FAILED", `${to} exists already; nothing was moved.`);
  await files.makeFolder(dirname(to), 0o700);
  if (!(await renamed(host, worktree.path, to))) await copyTree(host, worktree.path, to, call);
  await forget(host, locks, repo, worktree);
  await files.remove(join(to, ".git"));
}

/** By `rm`, which is four times as fast as Node at the ten thousands of files a worktree may have; what it cannot remove is left to the host. Not interrupted: nobody would come back for the rest. */
async function deleteTree(host: Host, path: string): Promise<void> {
  const { exitCode } = await host.run(["rm", "-rf", "--", path]);
  if (exitCode !== 0) await host.files.removeTree(path);
}

async function forget(host: Host, locks: Locks, repo: Repository, worktree: Place): Promise<void> {
  await unregister(host.files, repo.commonDir, worktree.adminDir);
  await dropExclude(host.files, locks, repo, worktree.adminDir);
}

/** False where the folder cannot be renamed but may be dealt with otherwise: another file system, a mount point. */
async function renamed(host: Host, from: string, to: string): Promise<boolean> {
  try {
    await host.files.rename(from, to);
    return true;
  } catch (error) {
    if ((await host.files.stat(from)) === null) throw error;
    return false;
  }
}

/** To another file system. The copy is whole before the original goes; a copy that failed is removed. */
async function copyTree(host: Host, from: string, to: string, call?: Call): Promise<void> {
  try {
    const { exitCode, stderr } = await host.run(["cp", "-a", "--", from, to], {}, call);
    if (exitCode !== 0) throw new FleetError("DRIVER_FAILED", `The worktree ${from} could not be copied to ${to}: ${stderr.trim()}`);
  } catch (error) {
    await host.files.removeTree(to);
    throw error;
  }
  await host.files.removeTree(from);
}

function refuseMain(repo: Repository, worktree: Place): void {
  if (worktree.adminDir === repo.commonDir || worktree.path === repo.path) {
    throw new FleetError("DRIVER_FAILED", `${worktree.path} is the repository itself, not one of its worktrees; nothing was removed.`);
  }
}
