import { readdirSync, readFileSync } from "node:fs";

/** What a group of processes had done at one moment. */
export interface Pulse {
  /** Processor time, clock ticks. */
  readonly ticks: number;
  /** How often they gave up the processor or were made to. */
  readonly switches: number;
  /** Whether one of them waits for a disk, or runs, right now. */
  readonly busy: boolean;
}

/** A program that works on many files is switched this often at least, each second; one that sleeps in a loop is not. */
const SWITCHES_PER_SECOND = 15;
/** Ticks of 10 ms each second that count as work. */
const TICKS_PER_SECOND = 5;

/**
 * Looks at every process of a group, all threads; null where the system does not show it. A question
 * that prints nothing for seconds is either at work on a large repository or stuck, and this tells which.
 */
export function pulseOf(group: number): Pulse | null {
  let ticks = 0;
  let switches = 0;
  let busy = false;
  let seen = false;
  for (const pid of numbersIn("/proc")) {
    const stat = statOf(`/proc/${pid}/stat`);
    if (stat === null || stat.group !== group) continue;
    seen = true;
    ticks += stat.ticks;
    for (const thread of numbersIn(`/proc/${pid}/task`)) {
      const state = statOf(`/proc/${pid}/task/${thread}/stat`)?.state;
      busy ||= state === "R" || state === "D";
      for (const [, count] of read(`/proc/${pid}/task/${thread}/status`).matchAll(/ctxt_switches:\s+(\d+)/g)) switches += Number(count);
    }
  }
  return seen ? { ticks, switches, busy } : null;
}

/** Whether something was done between two looks. What cannot be seen is taken to be at work. */
export function isAtWork(before: Pulse | null, now: Pulse | null, ms: number): boolean {
  if (before === null || now === null) return true;
  const seconds = ms / 1000;
  return (
    now.busy || now.ticks - before.ticks >= TICKS_PER_SECOND * seconds || now.switches - before.switches >= SWITCHES_PER_SECOND * seconds
  );
}

/**
 * Bytes that the processes of a group, and those of their children that have ended, have written; null where the
 * system does not say. What fills a folder writes; what waits for something that never comes does not.
 */
export function writtenBy(group: number): number | null {
  let bytes: number | null = null;
  for (const pid of numbersIn("/proc")) {
    if (statOf(`/proc/${pid}/stat`)?.group !== group) continue;
    const found = /^wchar: (\d+)$/m.exec(read(`/proc/${pid}/io`))?.[1];
    if (found !== undefined) bytes = (bytes ?? 0) + Number(found);
  }
  return bytes;
}

function statOf(path: string): { readonly state: string; readonly group: number; readonly ticks: number } | null {
  const text = read(path);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields.length < 15) return null;
  // Own time and that of children that have ended.
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
  return { state: fields[0] ?? "", group: Number(fields[2]), ticks };
}

function numbersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
