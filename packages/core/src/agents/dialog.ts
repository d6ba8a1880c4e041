import type { Choice, Key } from "../model/index.js";
import { unframed } from "./screen.js";

/** A list of choices on the screen, one of them pointed at. */
export interface Choices {
  /** Row of the choice that is pointed at. */
  readonly row: number;
  /** What is asked above the list, null where it could not be read. */
  readonly question: string | null;
  /** The numbered choices, empty where they are not numbered. */
  readonly choices: readonly Choice[];
}

/** How far above its choices a question may stand: between them may lie the command or the change it is about. */
const QUESTION_ROWS = 24;
const NUMBERED = /^[❯›●>]?\s*\d+\.\s/;
const FIRST_WORDS = /^[❯›●>]?\s*(\d+)\.\s+(\S.*)$/;
const FRAME = /^[╰╭└┌─━═]/;
/** How long a list of choices may be, wrapped lines included. */
const LIST_ROWS = 24;

/**
 * The last choice that is pointed at, with its question.
 *
 * @param pointer matches the row of the choice that is pointed at
 * @param opener matches the start of the program's own question; without a match the nearest sentence ending in `?` is taken
 */
export function lastChoices(lines: readonly string[], pointer: RegExp, opener: RegExp): Choices | null {
  const row = lines.findLastIndex((line) => pointer.test(line));
  return row === -1 ? null : { row, question: questionAbove(lines, row, opener), choices: numbered(lines, row) };
}

/** The numbered list around the row that is pointed at, each choice with the keys that lead there from that row. */
export function numbered(lines: readonly string[], pointed: number): readonly Choice[] {
  let first = pointed;
  for (let at = pointed; at >= Math.max(0, pointed - LIST_ROWS); at--) {
    const number = FIRST_WORDS.exec(unframed(lines[at] ?? ""))?.[1];
    if (number !== undefined) first = at;
    if (number === "1") break;
  }
  const found: { label: string; row: number }[] = [];
  for (let at = first; at < Math.min(lines.length, first + LIST_ROWS); at++) {
    const text = unframed(lines[at] ?? "");
    const [, number, label] = FIRST_WORDS.exec(text) ?? [];
    const last = found.at(-1);
    if (label !== undefined && Number(number) === found.length + 1) found.push({ label, row: at });
    else if (text === "" || last === undefined || FRAME.test(text)) break;
    else last.label = `${last.label} ${text}`;
  }
  const here = found.findLastIndex(({ row }) => row <= pointed);
  return found.map(({ label }, at) => ({ label, keys: [...steps(at - here), "Enter"] }));
}

function steps(down: number): readonly Key[] {
  return Array.from({ length: Math.abs(down) }, () => (down < 0 ? "Up" : "Down"));
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
    // What follows on the same row explains.
    const asked = /^.*?\?(?=\s|$)/.exec(text)?.[0];
    parts.push(asked ?? text);
    if (asked !== undefined) break;
  }
  return parts.join(" ");
}
