import type { Row } from "./table.js";

/** What one line of `/proc/<pid>/stat` says. Times in clock ticks, memory in pages. */
export interface Stat extends Row {
  /** Own time and that of children it has waited for. */
  readonly ticks: number;
  readonly pages: number;
  /** A thread of the kernel's own: no program, and nobody's. */
  readonly kernel: boolean;
}

/** Among a process's flags (PF_KTHREAD). */
const KERNEL_THREAD = 0x0020_0000;

/** Parses a line; null if it is none. The name may hold blanks, brackets and newlines: the last bracket ends it. */
export function parseStat(text: string): Stat | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  // Numbered as in proc(5), where the state is field 3; those that are not asked for are most of the line.
  const fields = text.slice(close + 2).split(" ", 22);
  const field = (number: number): number => Number(fields[number - 3]);
  const start = fields[19];
  const pid = Number(text.slice(0, open));
  if (!Number.isSafeInteger(pid) || start === undefined || !/^\d+$/.test(start)) return null;
  const state = fields[0] ?? "";
  return {
    pid,
    name: text.slice(open + 1, close),
    zombie: state === "Z" || state === "X" || state === "x",
    parent: field(4),
    group: field(5),
    session: field(6),
    foreground: field(7) === 0 ? -1 : field(8),
    ticks: field(14) + field(15) + field(16) + field(17),
    start,
    pages: field(24),
    kernel: Math.floor(field(9) / KERNEL_THREAD) % 2 === 1,
  };
}
