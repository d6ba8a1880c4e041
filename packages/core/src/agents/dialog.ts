import { unframed } from "./screen.js";

/** A list of choices on the screen, one of them pointed at. */
export interface Choices {
  /** Row of the choice that is pointed at. */
  readonly row: number;
  /** What is asked above the list, null where it could not be read. */
  readonly question: string | null;
}

/** How far above its choices a question may stand: between them may lie the command or the change it is about. */
const QUESTION_ROWS = 24;
const NUMBERED = /^[❯›●>]?\s*\d+\.\s/;

/**
 * The last choice that is pointed at, with its question.
 *
 * @param pointer matches the row of the choice that is pointed at
 * @param opener matches the start of the program's own question; without a match the nearest sentence ending in `?` is taken
 */
export function lastChoices(lines: readonly string[], pointer: RegExp, opener: RegExp): Choices | null {
  const row = lines.findLastIndex((line) => pointer.test(line));
  return row === -1 ? null : { row, question: questionAbove(lines, row, opener) };
}

/** Whether the row beside `row` is another numbered choice: one line alone may be somebody's text. */
export function hasSibling(lines: readonly string[], row: number): boolean {
  const near = [...lines.slice(Math.max(0, row - 4), row), ...lines.slice(row + 1, row + 5)];
  return near.some((line) => NUMBERED.test(unframed(line)));
}

function questionAbove(lines: readonly string[], row: number, opener: RegExp): string | null {
  const from = Math.max(0, row - QUESTION_ROWS);
  for (let at = row - 1; at >= from; at--) {
    if (opener.test(unframed(lines[at] ?? ""))) return sentence(lines, at, row);
  }
  for (let at = row - 1; at >= from; at--) {
    const text = unframed(lines[at] ?? "");
    if (text.endsWith("?") && !NUMBERED.test(text)) return text;
  }
  return null;
}

/** The sentence that starts on a row: narrow screens wrap it. */
function sentence(lines: readonly string[], start: number, end: number): string {
  const parts: string[] = [];
  for (let at = start; at < end && parts.length < 4; at++) {
    const text = unframed(lines[at] ?? "");
    if (text === "" || NUMBERED.test(text)) break;
    parts.push(text);
    if (text.endsWith("?")) break;
  }
  return parts.join(" ");
}
