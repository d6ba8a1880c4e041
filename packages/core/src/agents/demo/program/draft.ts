/** A paste longer than this is shown by its size alone. */
const SHOWN_BYTES = 200;

interface Piece {
  readonly bytes: Buffer;
  readonly pasted: boolean;
}

/** The prompt being written: bytes exactly as they came. */
export class Draft {
  #pieces: Piece[] = [];

  get empty(): boolean {
    return this.#pieces.length === 0;
  }

  add(bytes: Buffer, pasted: boolean): void {
    if (bytes.length === 0) return;
    const last = this.#pieces.at(-1);
    if (!pasted && last !== undefined && !last.pasted)
      this.#pieces[this.#pieces.length - 1] = { bytes: Buffer.concat([last.bytes, bytes]), pasted };
    else this.#pieces.push({ bytes: Buffer.from(bytes), pasted });
  }

  /** Takes back the last character, or a long paste as a whole. */
  backspace(): void {
    const last = this.#pieces.pop();
    if (last === undefined || isLong(last)) return;
    const kept = [...last.bytes.toString("utf8")].slice(0, -1).join("");
    if (kept !== "") this.#pieces.push({ bytes: Buffer.from(kept, "utf8"), pasted: last.pasted });
  }

  clear(): void {
    this.#pieces = [];
  }

  /** Hands over what was written and starts anew. */
  take(): Buffer {
    const bytes = Buffer.concat(this.#pieces.map((piece) => piece.bytes));
    this.#pieces = [];
    return bytes;
  }

  /** As one line for people. */
  show(): string {
    return this.#pieces
      .map((piece) => (isLong(piece) ? pasteLabel(piece.bytes) : piece.bytes.toString("utf8").replaceAll("\n", "⏎")))
      .join("");
  }
}

function isLong(piece: Piece): boolean {
  return piece.pasted && piece.bytes.length > SHOWN_BYTES;
}

export function pasteLabel(bytes: Buffer): string {
  return `[Pasted text, ${bytes.length} bytes]`;
}

/** A prompt that was sent, as the lines of the history show it. */
export function historyOf(prompt: Buffer): readonly string[] {
  if (prompt.length > 2000) return [pasteLabel(prompt)];
  const lines = prompt.toString("utf8").split("\n");
  return lines.length > 8 ? [...lines.slice(0, 7), `… ${lines.length - 7} more lines`] : lines;
}
