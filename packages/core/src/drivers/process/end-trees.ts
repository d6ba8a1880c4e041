import { setTimeout as sleep } from "node:timers/promises";
import { interrupted, throwIfAborted } from "../../errors/index.js";
import { elapsedMs } from "../../model/index.js";
import type { Call, EndReport } from "../../ports/index.js";
import { type Group, groupsOf, isStillOurs, membersOf } from "./groups.js";
import type { Row, Table } from "./table.js";
import { type EndTarget, findVictims, type Scan } from "./victims.js";

/** What ending processes needs of a system. */
export interface ProcessHands {
  /** `before`: an earlier scan of the same ending, of which it need not read again what cannot have changed. */
  scan(before: Scan | undefined, call?: Call): Promise<Scan>;
  /** The processes alone, without what only a whole scan reads: quicker. */
  table(call?: Call): Promise<Table>;
  /** Start times of the pids that exist; zombies do not. */
  starts(pids: readonly number[], call?: Call): Promise<ReadonlyMap<number, string>>;
  /** Sends a signal; false if that process may not be signalled. Gone is fine. */
  signal(pid: number, name: "SIGTERM" | "SIGCONT" | "SIGKILL"): Promise<boolean>;
  /** The same for a whole process group, 0 sends nothing; false if there is none, or none that may be signalled. */
  signalGroup(group: number, name: "SIGTERM" | "SIGKILL" | 0): Promise<boolean>;
  /** Pids that are never ended: the caller's own. */
  readonly spared: ReadonlySet<number>;
}

/** How long after the first KILL new processes are still looked for and ended. */
const PERSIST_MS = 5_000;

/**
 * Ends every process of the targets: TERM, and after `graceMs` KILL. As soon as those found are gone,
 * looks again for what they started meanwhile, until a look finds nothing.
 *
 * What forks on and on, and ends itself, is another process by the time it is signalled: it is met by a
 * signal to its whole group, which the system delivers between two forks.
 */
export async function endTrees(hands: ProcessHands, targets: readonly EndTarget[], graceMs: number, call: Call = {}): Promise<EndReport> {
  const known = new Map<number, Row>();
  const groups = new Map<number, Group>();
  const untouchable = new Set<number>();
  const killAt = elapsedMs() + graceMs;
  const giveUpAt = killAt + PERSIST_MS;
  let last: Scan | undefined;
  for (;;) {
    throwIfAborted(call.signal);
    const killing = elapsedMs() >= killAt;
    const scan: Scan = await hands.scan(last, call);
    last = scan;
    const victims = findVictims(targets, scan, known, hands.spared, groups.values()).filter((row) => !untouchable.has(row.pid));
    if (elapsedMs() >= giveUpAt) return await report(hands, known, call);
    if (victims.length === 0) {
      const unseen = await livingOn(hands, groups, scan.table, call);
      if (unseen.length === 0) return await report(hands, known, call);
      await signalGroups(hands, unseen, killing, call);
      continue;
    }
    const isNew = (row: Row): boolean => known.get(row.pid)?.start !== row.start;
    const whole = groupsOf(victims, scan.table);
    // A group that is there again with nobody who had his signal: it forks faster than it can be told.
    const elusive = whole.filter(({ id }) => killing || (groups.has(id) && membersOf(id, scan.table).every(isNew)));
    if (elusive.length > 0) await signalGroups(hands, elusive, killing, call);
    for (const group of whole) groups.set(group.id, group);
    for (const victim of victims) {
      const isFirst = isNew(victim);
      known.set(victim.pid, victim);
      if (!killing && !isFirst) continue;
      if (!(await signalIfSame(hands, victim, killing, call))) untouchable.add(victim.pid);
    }
    await gone(hands, victims, Math.min(killing ? elapsedMs() + 200 : killAt, giveUpAt), call);
  }
}

/** Signals the groups that are, by a look right before it, still the ones that were found. */
async function signalGroups(hands: ProcessHands, groups: readonly Group[], killing: boolean, call: Call): Promise<void> {
  const table = await hands.table(call);
  for (const group of groups)
    if (isStillOurs(group, table, hands.spared)) await hands.signalGroup(group.id, killing ? "SIGKILL" : "SIGTERM");
}

/** The groups of ours that live on, though a look showed none of them: they may have forked and ended while it went by. */
async function livingOn(hands: ProcessHands, groups: ReadonlyMap<number, Group>, before: Table, call: Call): Promise<Group[]> {
  const there: Group[] = [];
  for (const group of groups.values()) {
    if (membersOf(group.id, before).length === 0 && (await hands.signalGroup(group.id, 0))) there.push(group);
  }
  if (there.length === 0) return [];
  await rest(5, call);
  const now = [...(await hands.table(call)).values()];
  // The system counts those that ended and were not fetched by their parent: with the same ones as before it is nothing but them.
  return there.filter(({ id }) => {
    const rows = now.filter((row) => row.group === id);
    return rows.length === 0 || rows.some((row) => !row.zombie || !before.has(row.pid));
  });
}

/** Signals a process if it is still the one that was found; false if it may not be signalled. */
async function signalIfSame(hands: ProcessHands, victim: Row, killing: boolean, call: Call): Promise<boolean> {
  const now = await hands.starts([victim.pid], call);
  if (now.get(victim.pid) !== victim.start) return true;
  if (killing) return await hands.signal(victim.pid, "SIGKILL");
  const allowed = await hands.signal(victim.pid, "SIGTERM");
  // A suspended process hears of TERM only once it goes on.
  if (allowed) await hands.signal(victim.pid, "SIGCONT");
  return allowed;
}

/** Waits until all are gone, at most until `deadline`. */
async function gone(hands: ProcessHands, victims: readonly Row[], deadline: number, call: Call): Promise<void> {
  let left = victims;
  for (let pause = 2; left.length > 0; pause = Math.min(20, pause * 2)) {
    const now = await hands.starts(
      left.map((row) => row.pid),
      call,
    );
    left = left.filter((row) => now.get(row.pid) === row.start);
    if (left.length === 0 || elapsedMs() >= deadline) return;
    await rest(pause, call);
  }
}

async function report(hands: ProcessHands, known: ReadonlyMap<number, Row>, call: Call): Promise<EndReport> {
  const now = await hands.starts([...known.keys()], call);
  const isLeft = (row: Row): boolean => now.get(row.pid) === row.start;
  const rows = [...known.values()];
  return { ended: rows.filter((row) => !isLeft(row)).map((row) => row.pid), left: rows.filter(isLeft).map((row) => row.pid) };
}

async function rest(ms: number, call: Call): Promise<void> {
  try {
    await sleep(ms, undefined, call.signal === undefined ? {} : { signal: call.signal });
  } catch {
    if (call.signal !== undefined) throw interrupted(call.signal);
  }
}
