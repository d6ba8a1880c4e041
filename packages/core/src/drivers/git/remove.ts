import { basename, dirname, join } from "node:path";
import { diskFailure, FleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import { token } from "../../host/index.js";
import type { Repository, Worktree } from "../../model/index.js";
import type { Call, Host, Locks, RemoveOptions } from "../../ports/index.js";
import { dropExclude } from "./exclude.js";
import { nameEachOther } from "./links.js";
import { mountPoints, refuseMounts } from "./mounts.js";
import { holdRepository } from "./repository-lock.js";
import { takeOut } from "./unregister.js";

type Place = Pick<Worktree, "path" | "adminDir">;

/**
 * Unregisters a worktree and deletes its folder. The folder is renamed first, beside itself: from then
 * on the place is free and nothing half deleted ever stands under its name, however big it is.
 */
export async function removeWorktree(host: Host, locks: Locks, repo: Repository, worktree: Place, call?: Call): Promise<void> {
  const error = (await removeWorktrees(host, locks, repo, [worktree], {}, call)).get(worktree.adminDir);
  if (error !== undefined) throw error;
}

/** Several at once: each is taken away by itself, and what was taken away is deleted by one process. */
export async function removeWorktrees(
  host: Host,
  locks: Locks,
  repo: Repository,
  worktrees: readonly Place[],
  options: RemoveOptions = {},
  call?: Call,
): Promise<ReadonlyMap<string, Error>> {
  const errors = new Map<string, Error>();
  const attempt = async (adminDir: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      errors.set(adminDir, toFleetError(error));
    }
  };
  const mounts = await mountPoints(host);
  const away: Away[] = [];
  const rubbish: string[] = [];
  const leave = async (worktree: Place) => {
    rubbish.push(...(await forget(host, locks, repo, worktree)));
  };
  for (const worktree of worktrees) {
    await attempt(worktree.adminDir, async () => {
      throwIfAborted(call?.signal);
      refuseMain(repo, worktree);
      if (!(await nameEachOther(host.files, worktree.path, worktree.adminDir))) return leave(worktree);
      await refuseMounts(host.files, mounts, worktree.path);
      away.push(await takeAway(host, worktree));
    });
  }
  const folders = away.flatMap(({ adminDir, now }) => [now, adminDir]);
  const changed = options.changed === undefined || away.length === 0 ? new Set<string>() : await askChanged(options.changed, folders);
  const going: string[] = [];
  for (const worktree of away) {
    const { path, adminDir, now } = worktree;
    await attempt(adminDir, async () => {
      if (changed.has(now) || changed.has(adminDir)) {
        if (now !== path) await host.files.rename(now, path);
        throw new FleetError("WORKTREE_DIRTY", `${path} was written to while it was being removed; it is kept.`, {
          hint: "Run the command again, or use --force, which saves it all first.",
          data: { files: [], reasons: ["written to meanwhile"] },
        });
      }
      await leave(worktree);
      going.push(now);
    });
  }
  await deleteTrees(host, [...((await options.giveUp?.(going)) ?? going), ...rubbish]);
  await removeEmptyParents(host, locks, repo, going);
  return errors;
}

/** A worktree that has left its place. */
interface Away extends Place {
  /** Where its folder lies now. */
  readonly now: string;
}

/** What cannot be told counts as changed: everything is put back then. */
async function askChanged(
  changed: (folders: readonly string[]) => Promise<ReadonlySet<string>>,
  folders: readonly string[],
): Promise<ReadonlySet<string>> {
  try {
    return await changed(folders);
  } catch {
    return new Set(folders);
  }
}

/** Folders that held nothing but worktrees that are gone. Under the lock under which they are made. */
async function removeEmptyParents(host: Host, locks: Locks, repo: Repository, paths: readonly string[]): Promise<void> {
  const { files } = host;
  const isEmpty = async (folder: string) => (await files.list(folder))?.length === 0;
  for (const folder of new Set(paths.map((path) => dirname(path)))) {
    if (!(await isEmpty(folder))) continue;
    await holdRepository(locks, repo, async () => {
      if (await isEmpty(folder)) await files.remove(folder);
    });
  }
}

/** Renames a worktree's folder, beside itself. */
export async function takeAway(host: Host, { path, adminDir }: Place): Promise<Away> {
  const name = `.aifleet-gone-${process.pid}-${basename(path).slice(0, 60)}-${token()}`;
  const now = join(dirname(path), name);
  return { path, adminDir, now: (await renamed(host, path, now)) ? now : path };
}

/** Unregisters a worktree and moves its folder, as it is but for the `.git` file, to `to`. */
export async function moveAway(host: Host, locks: Locks, repo: Repository, worktree: Place, to: string, call?: Call): Promise<void> {
  throwIfAborted(call?.signal);
  refuseMain(repo, worktree);
  const { files } = host;
  if (!(await nameEachOther(files, worktree.path, worktree.adminDir))) {
    for (const rubbish of await forget(host, locks, repo, worktree)) await files.removeTree(rubbish);
    return;
  }
  if ((await files.stat(to)) !== null) throw new FleetError("DRIVER_FAILED", `${to} exists already; nothing was moved.`);
  await refuseMounts(files, await mountPoints(host), worktree.path);
  await files.makeFolder(dirname(to), 0o700);
  if (!(await renamed(host, worktree.path, to))) {
    await copyTree(host, worktree.path, to, call);
    // Nothing half deleted stands under the worktree's name.
    await files.removeTree((await takeAway(host, worktree)).now);
  }
  const rubbish = await forget(host, locks, repo, worktree);
  await files.remove(join(to, ".git"));
  for (const path of rubbish) await files.removeTree(path);
  await removeEmptyParents(host, locks, repo, [worktree.path]);
}

/** More paths than this go to one `rm` after the other: an argument list has an end. */
const AT_ONCE = 500;

/**
 * By `rm`, which is four times as fast as Node at the ten thousands of files a worktree may have; what it
 * cannot remove is left to the host, and what nobody here may remove (another user's files) lies under a name that says so.
 * Not interrupted: nobody would come back for the rest.
 */
async function deleteTrees(host: Host, paths: readonly string[]): Promise<void> {
  const [only] = paths;
  // A registration by itself is not worth a process.
  if (paths.length === 1 && only !== undefined && !basename(only).startsWith(".")) return host.files.removeTree(only);
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE);
    const { exitCode } = await host.run(["rm", "-rf", "--", ...some], { brief: true });
    if (exitCode === 0) continue;
    for (const path of some) {
      const left = join(dirname(path), basename(path).replace(/^\.aifleet-gone-\d+-/, ".aifleet-left-"));
      await host.files.removeTree(path).catch(() => (left === path ? undefined : host.files.rename(path, left)));
    }
  }
}

/** Takes a worktree out of the repository's books; answers with what is left to delete of them. */
async function forget(host: Host, locks: Locks, repo: Repository, worktree: Place): Promise<readonly string[]> {
  const away = await takeOut(host.files, repo.commonDir, worktree.adminDir);
  await dropExclude(host.files, locks, repo, worktree.adminDir);
  return away === null ? [] : [away];
}

/** False where the folder cannot be renamed but may be dealt with otherwise: another file system, a mount point. On a disk that takes no change at all, nothing is to be begun. */
async function renamed(host: Host, from: string, to: string): Promise<boolean> {
  try {
    await host.files.rename(from, to);
    return true;
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code !== "EXDEV" && code !== "EBUSY") throw error;
    return false;
  }
}

/** To another file system. Under its own name there is only a whole copy; one that failed is removed. */
async function copyTree(host: Host, from: string, to: string, call?: Call): Promise<void> {
  const part = `${to}.part`;
  try {
    const { exitCode, stderr } = await host.run(["cp", "-a", "--", from, part], {}, call);
    if (exitCode !== 0) {
      const doing = `The worktree ${from} could not be copied to ${to}`;
      throw diskFailure(stderr, doing) ?? new FleetError("DRIVER_FAILED", `${doing}: ${stderr.trim()}`);
    }
    await host.files.rename(part, to);
  } catch (error) {
    await host.files.removeTree(part).catch(() => undefined);
    throw error;
  }
}

function refuseMain(repo: Repository, worktree: Place): void {
  if (worktree.adminDir === repo.commonDir || worktree.path === repo.path) {
    throw new FleetError("DRIVER_FAILED", `${worktree.path} is the repository itself, not one of its worktrees; nothing was removed.`);
  }
}
