import { interrupted } from "../../errors/index.js";

/** Who in this process holds or waits for which path: a process does not race against itself on the disk. */
const waiting = new Map<string, (() => void)[]>();

/**
 * Waits for this process's turn on a path. False if `timeoutMs` passed first.
 * After true, {@link leave} must be called.
 */
export function enter(path: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const queue = waiting.get(path);
  if (queue === undefined) {
    waiting.set(path, []);
    return Promise.resolve(true);
  }
  return new Promise((resolve, reject) => {
    const turn = (): void => {
      stop();
      resolve(true);
    };
    const giveUp = (settle: () => void): void => {
      stop();
      const at = queue.indexOf(turn);
      if (at >= 0) queue.splice(at, 1);
      settle();
    };
    const timer = setTimeout(() => giveUp(() => resolve(false)), timeoutMs);
    const abort = (): void => giveUp(() => reject(interrupted(signal as AbortSignal)));
    const stop = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    signal?.addEventListener("abort", abort, { once: true });
    queue.push(turn);
  });
}

/** Gives the turn to the next in line. */
export function leave(path: string): void {
  const next = waiting.get(path)?.shift();
  if (next === undefined) waiting.delete(path);
  else next();
}
