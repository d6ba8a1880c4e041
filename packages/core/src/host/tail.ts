/** Collects a stream's bytes: all of them, or the last `keepBytes`. Decoded only at the end, so that no character is cut by a chunk's edge. */
export class Tail {
  readonly #chunks: Buffer[] = [];
  readonly #keep: number;
  #size = 0;

  constructor(keepBytes = Number.POSITIVE_INFINITY) {
    this.#keep = keepBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      const first = this.#chunks[0];
      if (first === undefined || this.#size - first.length < this.#keep) return;
      this.#chunks.shift();
      this.#size -= first.length;
    }
  }

  text(): string {
    const all = Buffer.concat(this.#chunks, this.#size);
    if (all.length <= this.#keep) return all.toString("utf8");
    let from = all.length - this.#keep;
    // The cut may fall into a character: go on to the next one's first byte.
    while (from < all.length && ((all[from] ?? 0) & 0xc0) === 0x80) from++;
    return all.toString("utf8", from);
  }
}
