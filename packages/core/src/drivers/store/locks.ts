import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FleetError, interrupted, throwIfAborted, toFleetError } from "../../errors/index.js";
import { token } from "../../host/index.js";
import { elapsedMs } from "../../model/index.js";
import type { Call, Locks, ProcessDriver } from "../../ports/index.js";
import { dropLock, lockFolders, sweepLock } from "./lock-folder.js";
import { ownOwner, readOwner } from "./owner.js";
import { enter, isUnused, leave } from "./queue.js";

/** How long a lock is waited for where the caller does not say. */
const TIMEOUT_MS = 10_000;
/** proper-lockfile judges by age; ours never get this old (see lock-folder.ts). */
const NEVER_STALE_MS = 1_000_000_000;
/** Where a lock goes from hand to hand it is waited for up to this many times as long. */
const MOST_TURNS = 11;
/** How often a holder renews its lock, for those on other machines who cannot ask about it. */
const RENEW_MS = 10_000;

/** Names of locks, and of what arises while one is taken or dropped. */
const LOCK_NAME = /\.lock(\.|$)/;

/** Names the process, so that what it leaves half made, with no owner in it yet, can be told from what it still makes. */
function newNonce(): string {
  return `p${process.pid}-${token()}`;
}

/** Locks between processes as folders `<path>.lock`. `processes` tells whether a holder still lives. */
export function fileLocks(options: { readonly processes: ProcessDriver }): Locks {
  const { processes } = options;
  return {
    async hold(path, work, { timeoutMs = TIMEOUT_MS } = {}, call = {}) {
      throwIfAborted(call.signal);
      const file = resolve(path);
      // Not by the wall clock, which may be set back meanwhile.
      const until = elapsedMs() + timeoutMs;
      const isFree = isUnused(file);
      if (!(await enter(file, timeoutMs, MOST_TURNS * timeoutMs, call.signal))) throw locked(file);
      try {
        const { release, waited } = await acquire(file, until, timeoutMs, processes, call);
        try {
          return await work({ waited: waited || !isFree });
        } finally {
          await release();
        }
      } finally {
        leave(file);
      }
    },
    async sweep(folder, names) {
      const left = names.filter((name) => LOCK_NAME.test(name));
      if (left.length === 0) return;
      const owner = ownOwner(await processes.self(), newNonce());
      // The guard of a lock has a longer name, and where it is left by somebody killed it must go first.
      left.sort((a, b) => b.length - a.length);
      for (const name of left) await sweepLock(join(folder, name), owner, processes);
    },
  };
}

interface Acquired {
  readonly release: () => Promise<void>;
  /** Another process held it at the first attempt. */
  readonly waited: boolean;
}

/** Takes the lock, asking again every 25 to 75 ms: a fixed pace would let the same ones lose each time. */
async function acquire(file: string, until: number, timeoutMs: number, processes: ProcessDriver, call: Call): Promise<Acquired> {
  const owner = ownOwner(await processes.self(call), newNonce());
  const folders = lockFolders(owner, processes);
  const lockfile = await import("proper-lockfile");
  const lock = lockfile.lock ?? lockfile.default.lock;
  await dropStuck(file);
  let patience = until;
  let last: string | undefined;
  for (let waited = false; ; waited = true) {
    throwIfAborted(call.signal);
    try {
      const release = await lock(file, {
        realpath: false,
        retries: 0,
        stale: NEVER_STALE_MS,
        update: RENEW_MS,
        fs: folders,
        // Somebody removed the lock by hand. The work under way cannot be called back, and must not crash.
        onCompromised: () => undefined,
      });
      return { waited, release: () => release().catch(() => void stuck.set(file, owner.nonce)) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ELOCKED" && code !== "EEXIST" && code !== "ENOENT") throw toFleetError(error, `Cannot lock ${file}`);
    }
    const holder = readOwner(`${file}.lock`)?.nonce;
    if (holder !== undefined && holder !== last) {
      // It goes from hand to hand: many ask for it, nobody is stuck.
      if (last !== undefined) patience = Math.min(elapsedMs() + timeoutMs, until + MOST_TURNS * timeoutMs);
      last = holder;
    }
    const now = elapsedMs();
    if (now >= patience) throw locked(file);
    await pause(Math.min(25 + Math.random() * 50, Math.max(1, patience - now)), call);
  }
}

/** Locks of this process that a disk would not let go, with the nonce of each. */
const stuck = new Map<string, string>();

/** Tries once more; throws what the disk says, rather than wait for ourselves. */
async function dropStuck(file: string): Promise<void> {
  const nonce = stuck.get(file);
  if (nonce === undefined) return;
  try {
    if (readOwner(`${file}.lock`)?.nonce === nonce) dropLock(`${file}.lock`, nonce);
    stuck.delete(file);
  } catch (error) {
    throw toFleetError(error, `Cannot unlock ${file}`);
  }
}

async function pause(ms: number, call: Call): Promise<void> {
  try {
    await sleep(ms, undefined, call.signal === undefined ? {} : { signal: call.signal });
  } catch {
    if (call.signal !== undefined) throw interrupted(call.signal);
  }
}

function locked(file: string): FleetError<"LOCKED"> {
  const pid = readOwner(`${file}.lock`)?.pid;
  return new FleetError("LOCKED", `${file} is locked${pid === undefined ? "" : ` by process ${pid}`}.`, {
    hint: "Run the command again once the other one is done.",
    data: { path: file, pid: pid ?? null },
  });
}
