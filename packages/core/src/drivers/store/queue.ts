import { interrupted } from "../../errors/index.js";
import { elapsedMs } from "../../model/index.js";

interface Waiting {
  /** It is this one's turn. */
  readonly turn: () => void;
  /** The one in front has come in: the line moves. */
  readonly moved: () => void;
}

/** Who in this process holds or waits for which path: a process does not race against itself on the disk. */
const lines = new Map<string, Waiting[]>();

/**
 * Waits for this process's turn on a path. False if the line has not moved for `timeoutMs`, or if `mostMs`
 * passed in all. After true, {@link leave} must be called.
 */
export function enter(path: string, timeoutMs: number, mostMs: number, signal?: AbortSignal): Promise<boolean> {
  const line = lines.get(path);
  if (line === undefined) {
    lines.set(path, []);
    return Promise.resolve(true);
  }
  const end = elapsedMs() + mostMs;
  return new Promise((resolve, reject) => {
    const giveUp = (settle: () => void): void => {
      stop();
      const at = line.indexOf(place);
      if (at >= 0) line.splice(at, 1);
      settle();
    };
    const wait = (ms: number) => setTimeout(() => giveUp(() => resolve(false)), ms);
    let timer = wait(timeoutMs);
    const place: Waiting = {
      turn() {
        stop();
        resolve(true);
      },
      moved() {
        clearTimeout(timer);
        timer = wait(Math.min(timeoutMs, Math.max(0, end - elapsedMs())));
      },
    };
    const abort = (): void => giveUp(() => reject(interrupted(signal as AbortSignal)));
    const stop = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    signal?.addEventListener("abort", abort, { once: true });
    line.push(place);
  });
}

/** Whether nobody in this process holds a path. */
export function isUnused(path: string): boolean {
  return !lines.has(path);
}

/** Gives the turn to the next in line. */
export function leave(path: string): void {
  const line = lines.get(path);
  const next = line?.shift();
  if (line === undefined || next === undefined) {
    lines.delete(path);
    return;
  }
  next.turn();
  for (const place of line) place.moved();
}
