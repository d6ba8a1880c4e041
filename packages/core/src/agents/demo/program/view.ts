import type { WriteStream } from "node:tty";

/**
 * A terminal without the alternate screen: lines that are printed and stay, and below them a few
 * live ones that are drawn anew. A live line is cut to one row.
 */
export class View {
  #live: readonly string[] = [];
  #drawn: readonly string[] = [];

  constructor(readonly out: WriteStream) {
    out.on("resize", () => this.#draw(""));
  }

  print(lines: readonly string[]): void {
    this.#draw(lines.map((line) => `${plain(line)}\r\n`).join(""));
  }

  /** Replaces the live lines; the cursor stands at the end of the last. Draws only what has changed. */
  show(lines: readonly string[]): void {
    if (lines.length === this.#live.length && lines.every((line, at) => line === this.#live[at])) return;
    this.#live = lines;
    this.#draw("");
  }

  #draw(above: string): void {
    const columns = this.out.columns || 80;
    // The terminal has wrapped drawn lines anew if it has become narrower.
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(width(line) / columns)), 0);
    const erase = this.#drawn.length === 0 ? "" : `\r${rows > 1 ? `\x1b[${rows - 1}A` : ""}\x1b[J`;
    this.#drawn = this.#live.map((line) => fit(plain(line), columns - 1));
    this.out.write(erase + above + this.#drawn.join("\r\n"));
  }
}

/** Without control characters: what is shown must not steer the terminal. */
function plain(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, " ");
}

/** The end of a line that is too long, since that is where a person types. */
function fit(line: string, columns: number): string {
  if (width(line) <= columns) return line;
  const head = line.slice(0, 2);
  const tail: string[] = [];
  let used = 3;
  for (const character of [...line.slice(-columns)].reverse()) {
    used += width(character);
    if (used > columns) break;
    tail.unshift(character);
  }
  return `${head}…${tail.join("")}`;
}

/** Columns a text takes; wide letters and pictures count for two. */
function width(text: string): number {
  let columns = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    columns +=
      (code >= 0x1100 && code <= 0x115f) ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      code >= 0x1f300
        ? 2
        : 1;
  }
  return columns;
}
