import { throwIfAborted } from "../errors/index.js";
import { mapAtOnce } from "../model/index.js";
import type { Call } from "../ports/index.js";

/** As {@link mapAtOnce}; the caller's abort is a failure as well. */
export function mapPool<T, R>(items: readonly T[], limit: number, work: (item: T, index: number) => Promise<R>, call?: Call): Promise<R[]> {
  return mapAtOnce(items, limit, async (item, index) => {
    throwIfAborted(call?.signal);
    return work(item, index);
  });
}

/** A gate that lets `limit` pieces of work through at a time. */
export function gate(limit: number): <R>(work: () => Promise<R>) => Promise<R> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
