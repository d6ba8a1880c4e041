import { setTimeout as sleep } from "node:timers/promises";
import { interrupted, throwIfAborted } from "../../errors/index.js";
import type { Call, EndReport } from "../../ports/index.js";
import type { Row } from "./table.js";
import { type EndTarget, findVictims, type Scan } from "./victims.js";

/** What ending processes needs of a system. */
export interface ProcessHands {
  scan(call?: Call): Promise<Scan>;
  /** Start times of the pids that exist; zombies do not. */
  starts(pids: readonly number[], call?: Call): Promise<ReadonlyMap<number, string>>;
  /** Sends a signal; false if that process may not be signalled. Gone is fine. */
  signal(pid: number, name: "SIGTERM" | "SIGCONT" | "SIGKILL"): Promise<boolean>;
  /** Pids that are never ended: the caller's own. */
  readonly spared: ReadonlySet<number>;
}

/** How long after the first KILL new processes are still looked for and ended. */
const PERSIST_MS = 5_000;

/**
 * Ends every process of the targets: TERM, and after `graceMs` KILL. As soon as those found are gone,
 * looks again for what they started meanwhile, until a look finds nothing.
 */
export async function endTrees(hands: ProcessHands, targets: readonly EndTarget[], graceMs: number, call: Call = {}): Promise<EndReport> {
  const known = new Map<number, Row>();
  const untouchable = new Set<number>();
  const killAt = Date.now() + graceMs;
  const giveUpAt = killAt + PERSIST_MS;
  for (;;) {
    throwIfAborted(call.signal);
    const killing = Date.now() >= killAt;
    const victims = findVictims(targets, await hands.scan(call), known, hands.spared).filter((row) => !untouchable.has(row.pid));
    if (victims.length === 0 || Date.now() >= giveUpAt) return await report(hands, known, call);
    for (const victim of victims) {
      const isNew = known.get(victim.pid)?.start !== victim.start;
      known.set(victim.pid, victim);
      if (!killing && !isNew) continue;
      if (!(await signalIfSame(hands, victim, killing, call))) untouchable.add(victim.pid);
    }
    await gone(hands, victims, Math.min(killing ? Date.now() + 200 : killAt, giveUpAt), call);
  }
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
    if (left.length === 0 || Date.now() >= deadline) return;
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
