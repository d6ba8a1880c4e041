import type { Choice, Screen, StatusReading } from "../model/index.js";

/** The screen's lines without the empty ones at its end. */
export function visibleLines(screen: Screen): readonly string[] {
  const last = screen.lines.findLastIndex((line) => line.trim() !== "");
  return screen.lines.slice(0, last + 1).map((line) => line.trimEnd());
}

/** The last lines that show something, at most `count`, in order. */
export function lastTexts(lines: readonly string[], count: number): readonly string[] {
  return lines.filter((line) => line.trim() !== "").slice(-count);
}

/** A line without the frame around it. */
export function unframed(line: string): string {
  return line.replace(/^[\s│┃|╹]+/, "").replace(/[\s│┃|]+$/, "");
}

/** Whether a line is a bare horizontal rule, as programs draw above and below their input. */
export function isRule(line: string | undefined): boolean {
  return line !== undefined && /^\s*[─━═]{8,}/.test(line);
}

export const WORKING: StatusReading = { status: "working", source: "screen" };
export const IDLE: StatusReading = { status: "idle", source: "screen" };

/** `waiting` with the question and its choices, where they could be read. */
export function waiting(question: string | null, choices: readonly Choice[] = []): StatusReading {
  return {
    status: "waiting",
    source: "screen",
    ...(question === null ? {} : { question }),
    ...(choices.length === 0 ? {} : { choices }),
  };
}
