import type { HostFiles } from "../../ports/index.js";
import type { Stat } from "./stat.js";

/** All processes, and of which of them it was read just now: what else is said of the others may have changed, but not who they are. */
export interface Followed {
  readonly table: ReadonlyMap<number, Stat>;
  readonly fresh: ReadonlySet<number>;
}

/** Where the system is in giving out pids. */
interface Given {
  /** The last one. */
  readonly last: number;
  /** How many since it started, threads among them. */
  readonly forks: number;
  /** How many processes and threads there are. */
  readonly tasks: number;
  /** The pids begin anew before this one. */
  readonly most: number;
}

interface Look {
  readonly table: ReadonlyMap<number, Stat>;
  readonly pids: ReadonlySet<number>;
  readonly given: Given | null;
}

/**
 * Looks at all processes again and again, and reads only those that are followed, those that are new and those whose parent is not what it
 * was: most processes of a host have nothing to do with agents, and never will, since they do not descend from one.
 *
 * The system gives out pids in turn. One that was there before, and lies outside of what was given out since, is the process that it was.
 */
export function followProcesses(
  files: HostFiles,
  all: () => Promise<readonly number[]>,
  read: (pids: readonly number[]) => Promise<ReadonlyMap<number, Stat>>,
): (followed: ReadonlySet<number>) => Promise<Followed> {
  let last: Look | undefined;
  let isOurs: Promise<boolean> | undefined;
  return async (followed) => {
    isOurs ??= showsOwnPids(files);
    const before = last;
    last = undefined;
    const pids = await all();
    // After the pids and before what is read of them: who takes over a pid from now on is seen to be new the next time.
    const given = (await isOurs) ? await givenOut(files) : null;
    const table = before === undefined ? new Map<number, Stat>() : keptOf(before, pids, given, followed);
    const found = await read(table.size === 0 ? pids : pids.filter((pid) => !table.has(pid)));
    for (const [pid, stat] of found) table.set(pid, stat);
    last = { table, pids: new Set(pids), given };
    return { table, fresh: new Set(found.keys()) };
  };
}

/** What need not be read again. */
function keptOf(
  { table, pids: known, given: then }: Look,
  pids: readonly number[],
  now: Given | null,
  followed: ReadonlySet<number>,
): Map<number, Stat> {
  const isNew = then === null || now === null ? null : givenBetween(then, now);
  if (isNew === null) return new Map();
  const same = new Set<number>();
  for (const pid of pids) {
    if (isNew(pid)) continue;
    // Given out, but not in turn: nothing can be told by that here.
    if (!known.has(pid)) return new Map();
    same.add(pid);
  }
  const kept = new Map<number, Stat>();
  for (const pid of same) {
    const stat = followed.has(pid) ? undefined : table.get(pid);
    if (stat !== undefined && (stat.parent === 0 || same.has(stat.parent))) kept.set(pid, stat);
  }
  return kept;
}

/** Tells which pids were given out meanwhile; null where it may have been any of them. */
function givenBetween(then: Given, now: Given): ((pid: number) => boolean) | null {
  const forks = now.forks - then.forks;
  // Those that are taken, also as a group's or a session's, are passed over on the way round.
  if (forks < 0 || forks + 3 * Math.max(then.tasks, now.tasks) > now.most / 2 || then.most !== now.most) return null;
  return now.last >= then.last ? (pid) => pid > then.last && pid <= now.last : (pid) => pid > then.last || pid <= now.last;
}

/** Null where the system does not tell. */
async function givenOut(files: HostFiles): Promise<Given | null> {
  const [load, stat, most] = await files.readMany(["/proc/loadavg", "/proc/stat", "/proc/sys/kernel/pid_max"]);
  const [, tasks, last] = /\/(\d+) (\d+)\n?$/.exec(load ?? "") ?? [];
  const forks = /^processes (\d+)$/m.exec(stat ?? "")?.[1];
  const given = { last: Number(last), tasks: Number(tasks), forks: Number(forks), most: Number(most ?? undefined) };
  return Object.values(given).every((count) => Number.isSafeInteger(count) && count > 0) ? given : null;
}

/** Whether the pids there are those of this process's own namespace, as is the last one that was given out. */
async function showsOwnPids(files: HostFiles): Promise<boolean> {
  return (await files.realPath("/proc/self").catch(() => null)) === `/proc/${process.pid}`;
}
