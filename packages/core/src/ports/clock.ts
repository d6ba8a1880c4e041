import type { Call } from "./call.js";

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Rejects with `INTERRUPTED` when aborted. */
  sleep(ms: number, call?: Call): Promise<void>;
}

export interface Ids {
  /** A new id: 8 characters of `[a-z0-9]`, the first a letter. */
  next(): string;
}
