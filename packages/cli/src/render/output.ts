/** stdout, whose reader may go away (`fleet list | head`): that ends the output without a word, never the work. */
class Output {
  readonly #gone = new AbortController();

  /** Aborts when nobody reads any more: what only shows things may stop then. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  listen(): void {
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE" || error.code === "EIO") this.#gone.abort();
    });
    process.stderr.on("error", () => {});
  }

  write(text: string): void {
    if (!this.#gone.signal.aborted) process.stdout.write(text);
  }

  /** Resolves when everything written is with the reader, or there is no reader. */
  async flush(): Promise<void> {
    for (const stream of [process.stdout, process.stderr]) {
      if (stream.writableLength === 0 || stream.destroyed) continue;
      await new Promise<void>((resolve) => {
        stream.once("error", () => resolve());
        stream.once("close", () => resolve());
        stream.write("", () => resolve());
      });
    }
  }
}

export const output = new Output();

/** JSON of which no character moves a terminal's cursor or its reading direction; it says the same. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
