/** Wakes everyone who waits. What fires while a listener is busy is told once, afterwards. */
export class Signal {
  readonly #listeners = new Set<() => void>();

  fire(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Yields after each firing; ends when aborted. */
  async *each(signal?: AbortSignal): AsyncIterable<void> {
    let fired = false;
    let wake = () => {};
    const listener = () => {
      fired = true;
      wake();
    };
    this.#listeners.add(listener);
    signal?.addEventListener("abort", listener, { once: true });
    try {
      while (!signal?.aborted) {
        if (!fired) await new Promise<void>((resolve) => (wake = resolve));
        fired = false;
        if (!signal?.aborted) yield;
      }
    } finally {
      this.#listeners.delete(listener);
      signal?.removeEventListener("abort", listener);
    }
  }
}
