import type { Call, Clock } from "../ports/index.js";

/** What was heard since it was last taken: that some terminal printed, and in which folders something was written. */
export class News {
  readonly #clock: Clock;
  #printed = false;
  #folders = new Set<string>();
  #wake: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get printed(): boolean {
    return this.#printed;
  }

  get folders(): ReadonlySet<string> {
    return this.#folders;
  }

  hasPrinted(): void {
    this.#printed = true;
    this.#wake?.();
  }

  folder(path: string): void {
    this.#folders.add(path);
    this.#wake?.();
  }

  /** The folders; from now on there is no news. */
  take(): ReadonlySet<string> {
    const taken = this.#folders;
    this.#printed = false;
    this.#folders = new Set();
    return taken;
  }

  /** Until there is more news, or for so many milliseconds. */
  async wait(ms: number, call?: Call): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const signal = call?.signal === undefined ? woken.signal : AbortSignal.any([call.signal, woken.signal]);
    try {
      await this.#clock.sleep(ms, { signal });
    } catch (error) {
      if (!woken.signal.aborted || call?.signal?.aborted) throw error;
    } finally {
      this.#wake = null;
    }
  }
}
