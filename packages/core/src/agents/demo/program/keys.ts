/** What a person or a program did at the terminal. */
export type Key =
  | { readonly kind: "text" | "paste"; readonly bytes: Buffer }
  | { readonly kind: "enter" | "newline" | "escape" | "backspace" | "clear" | "interrupt" | "end" | "up" | "down" };

const ESC = 0x1b;
const PASTE_END = Buffer.from("\x1b[201~");
const CONTROLS = new Map<number, Exclude<Key["kind"], "text" | "paste">>([
  [0x03, "interrupt"],
  [0x04, "end"],
  [0x08, "backspace"],
  [0x0a, "newline"],
  [0x0d, "enter"],
  [0x15, "clear"],
  [0x7f, "backspace"],
]);
const SEQUENCES = new Map<string, "up" | "down">([
  ["[A", "up"],
  ["[B", "down"],
  ["OA", "up"],
  ["OB", "down"],
]);

/** Turns the bytes of a raw terminal into keys and pastes, whatever pieces they come in. Pasted bytes stay as they are. */
export class KeyDecoder {
  #rest: Buffer = Buffer.alloc(0);
  #paste: Buffer[] | null = null;

  /** Whether an Esc has come that may be a key or the start of a sequence: call {@link flush} if nothing follows. */
  get undecided(): boolean {
    return this.#paste === null && this.#rest.length === 1;
  }

  push(chunk: Buffer): Key[] {
    const keys: Key[] = [];
    let data: Buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    while (data.length > 0) {
      const used = this.#paste === null ? this.#key(data, keys) : this.#pasted(data, this.#paste, keys);
      if (used === 0) {
        this.#rest = data;
        break;
      }
      data = data.subarray(used);
    }
    return keys;
  }

  flush(): Key[] {
    if (!this.undecided) return [];
    this.#rest = Buffer.alloc(0);
    return [{ kind: "escape" }];
  }

  /** Bytes used by the key at the start of `data`; 0: more is needed. */
  #key(data: Buffer, keys: Key[]): number {
    const first = data[0] ?? 0;
    if (first === ESC) return this.#sequence(data, keys);
    const control = CONTROLS.get(first);
    if (control !== undefined) keys.push({ kind: control });
    if (control !== undefined || (first < 0x20 && first !== 0x09)) return 1;
    let end = 1;
    while (end < data.length && isText(data[end] ?? 0)) end++;
    keys.push({ kind: "text", bytes: data.subarray(0, end) });
    return end;
  }

  #sequence(data: Buffer, keys: Key[]): number {
    if (data.length === 1) return 0;
    const found = /^(?:\[[\x20-\x3f]*[\x40-\x7e]|O[\x20-\x7e])/.exec(data.toString("latin1", 1, 32));
    if (found === null) {
      if (/^(?:\[[\x20-\x3f]*|O)$/.test(data.toString("latin1", 1, 32))) return 0;
      keys.push({ kind: "escape" });
      return 1;
    }
    const kind = SEQUENCES.get(found[0]);
    if (kind !== undefined) keys.push({ kind });
    if (found[0] === "[200~") this.#paste = [];
    return 1 + found[0].length;
  }

  #pasted(data: Buffer, parts: Buffer[], keys: Key[]): number {
    const end = data.indexOf(PASTE_END);
    if (end !== -1) {
      keys.push({ kind: "paste", bytes: Buffer.concat([...parts, data.subarray(0, end)]) });
      this.#paste = null;
      return end + PASTE_END.length;
    }
    // The end mark may have begun.
    const sure = data.length - PASTE_END.length + 1;
    if (sure <= 0) return 0;
    parts.push(Buffer.from(data.subarray(0, sure)));
    return sure;
  }
}

function isText(byte: number): boolean {
  return byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
}
