import { interrupted, throwIfAborted } from "../../errors/index.js";
import type { Clock, Ids } from "../../ports/index.js";

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /** Goes on by that many milliseconds and wakes whoever slept until then, in the order of their waking. */
  advance(ms: number): Promise<void>;
  /** How many sleep now. */
  readonly sleepers: number;
}

/** @param start epoch milliseconds. @default 2025-01-01T00:00:00Z */
export function fakeClock(start = Date.UTC(2025, 0, 1)): FakeClock {
  let now = start;
  let sleeping: { readonly at: number; wake(): void }[] = [];
  return {
    now: () => now,
    get sleepers() {
      return sleeping.length;
    },
    async sleep(ms, call = {}) {
      throwIfAborted(call.signal);
      const { signal } = call;
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          sleeping = sleeping.filter((other) => other !== sleeper);
          if (signal !== undefined) reject(interrupted(signal));
        };
        const sleeper = {
          at: now + ms,
          wake: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal?.addEventListener("abort", abort, { once: true });
        sleeping.push(sleeper);
      });
    },
    async advance(ms) {
      const until = now + ms;
      for (;;) {
        const [next] = sleeping.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = Math.max(now, next.at);
        sleeping = sleeping.filter((other) => other !== next);
        next.wake();
        // Whoever woke may go to sleep again within the same stretch.
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = until;
    },
  };
}

/** Ids a0000001, a0000002, … */
export function sequentialIds(letter = "a"): Ids {
  let last = 0;
  return { next: () => `${letter}${String(++last).padStart(7, "0")}` };
}
