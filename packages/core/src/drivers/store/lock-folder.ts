import { mkdirSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { removeQuietly } from "../../config/durable.js";
import { makeFolders } from "../../host/folder.js";
import type { ProcessDriver } from "../../ports/index.js";
import { isDead, type LockOwner, OWNER_FILE, readOwner } from "./owner.js";

type Done<T = void> = (error: NodeJS.ErrnoException | null, value?: T) => void;

/**
 * The file system that proper-lockfile sees while it takes one lock.
 *
 * A lock is a folder with its owner in it, renamed into place whole. Age does not decide over it: the
 * owner's life does. So `stat` answers a time long past for a dead owner and one in the future for a
 * live one; a holder whose event loop is blocked keeps its lock, one that was killed loses it at once.
 */
export interface LockFolders {
  mkdir(path: string, done: Done): void;
  stat(path: string, done: Done<{ mtime: Date }>): void;
  utimes(path: string, atime: Date, mtime: Date, done: Done): void;
  rmdir(path: string, done: Done): void;
  rmdirSync(path: string): void;
}

const PAST = new Date(0);
const FUTURE = new Date(Date.UTC(2200, 0, 1));

export function lockFolders(owner: LockOwner, processes: ProcessDriver): LockFolders {
  // proper-lockfile compares what it wrote with what it reads; only ours answers with it.
  let renewed = FUTURE;
  const isOurs = (path: string): boolean => readOwner(path)?.nonce === owner.nonce;
  return {
    mkdir: (path, done) => settle(done, () => take(path, owner)),
    stat: (path, done) =>
      settleAsync(done, async () => {
        statSync(path);
        const other = readOwner(path);
        if (other?.nonce === owner.nonce) return { mtime: renewed };
        return { mtime: (await isDead(path, other, processes)) ? PAST : FUTURE };
      }),
    utimes: (path, atime, mtime, done) =>
      settle(done, () => {
        if (!isOurs(path)) throw Object.assign(new Error("The lock is not ours."), { code: "ENOENT" });
        renewed = mtime;
        utimesSync(path, atime, new Date());
      }),
    rmdir: (path, done) =>
      settleAsync(done, async () => {
        if (isOurs(path)) dropLock(path, owner.nonce);
        else await removeDead(path, owner, processes);
      }),
    rmdirSync: (path) => {
      if (isOurs(path)) dropLock(path, owner.nonce);
    },
  };
}

/** Puts the lock's folder in place, or fails with EEXIST. */
function take(path: string, owner: LockOwner): void {
  // Most who ask find it held: that must cost next to nothing, or many waiters keep the holder from working.
  if (readOwner(path) !== null) throw held();
  const made = `${path}.${owner.nonce}`;
  try {
    makeOwned(made, owner);
    renameSync(made, path);
  } catch (error) {
    removeQuietly(made);
    const { code } = error as NodeJS.ErrnoException;
    // A folder is renamed over an empty one only; a lock is never empty.
    if (code === "ENOTEMPTY" || code === "EEXIST") throw held();
    throw error;
  }
}

function held(): Error {
  return Object.assign(new Error("The lock is held."), { code: "EEXIST" });
}

function makeOwned(folder: string, owner: LockOwner): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    makeFolders(dirname(folder), 0o700);
    mkdirSync(folder, { mode: 0o700 });
  }
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner), { mode: 0o600 });
}

/** Takes a lock's folder away in one step, so that nobody sees half of it. */
export function dropLock(path: string, nonce: string): void {
  const away = `${path}.${nonce}.gone`;
  try {
    renameSync(path, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw error;
    // A full disk may have no room for the other name. Without its owner the folder is nobody's lock.
    rmSync(join(path, OWNER_FILE), { force: true });
    rmdirSync(path);
    return;
  }
  try {
    unlinkSync(join(away, OWNER_FILE));
    rmdirSync(away);
  } catch {
    removeQuietly(away);
  }
}

/**
 * Removes a dead owner's lock. Between judging and removing, another may have done both and taken the
 * lock itself; so only who holds the guard that bears the dead owner's nonce may remove it, and looks
 * again under it. A guard is a lock like any other, down to its own takeover.
 */
async function removeDead(path: string, owner: LockOwner, processes: ProcessDriver, depth = 0): Promise<void> {
  const judged = readOwner(path);
  if (!(await isDead(path, judged, processes))) return;
  const guard = `${path}.${judged?.nonce ?? "unnamed"}.guard`;
  try {
    take(guard, owner);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (depth < 3) await removeDead(guard, owner, processes, depth + 1);
    return;
  }
  try {
    const now = readOwner(path);
    if (now?.nonce === judged?.nonce && (await isDead(path, now, processes))) dropLock(path, owner.nonce);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    dropLock(guard, owner.nonce);
  }
}

/** Removes a lock, or the half of one, whose maker is dead. */
export async function sweepLock(path: string, owner: LockOwner, processes: ProcessDriver): Promise<void> {
  const half = /\.p(\d+)-[0-9a-z]{16,20}(\.gone)?$/.exec(path);
  if (half === null) {
    if (readOwner(path) !== null) await removeDead(path, owner, processes).catch(ignoreGone);
    return;
  }
  const maker = Number(half[1]);
  // A process of the same number may have come since; then it stays until that one has ended, too.
  if (maker !== process.pid && !(await processes.identify([maker])).has(maker)) rmSync(path, { recursive: true, force: true });
}

function ignoreGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

function settle(done: Done, work: () => void): void {
  try {
    work();
  } catch (error) {
    done(error as NodeJS.ErrnoException);
    return;
  }
  done(null);
}

function settleAsync<T>(done: Done<T>, work: () => Promise<T>): void {
  work().then(
    (value) => done(null, value),
    (error: NodeJS.ErrnoException) => done(error),
  );
}
