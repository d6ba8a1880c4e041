/** How long a group waits for one more, milliseconds: less than a program takes that is started twice instead. */
const MOMENT_MS = 4;

/**
 * Collects single requests and hands them over in groups: whatever has gathered while the last
 * group was under way goes out as the next. One item alone goes out at once, unless more are `expected`: then none
 * goes before those are there, or nothing more has come for a moment.
 */
export function batcher<T, R>(send: (items: readonly T[]) => Promise<readonly R[]>, expected = 1): (item: T) => Promise<R> {
  let queue: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  let busy = false;
  let waiting: NodeJS.Timeout | undefined;

  const flush = async () => {
    busy = true;
    while (queue.length > 0) {
      const group = queue;
      queue = [];
      try {
        const results = await send(group.map((entry) => entry.item));
        group.forEach((entry, index) => {
          entry.resolve(results[index] as R);
        });
      } catch (error) {
        for (const entry of group) entry.reject(error);
      }
    }
    busy = false;
  };

  return (item) =>
    new Promise<R>((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (busy) return;
      clearTimeout(waiting);
      if (queue.length < expected) waiting = setTimeout(() => void (busy || flush()), MOMENT_MS);
      // One turn of the loop later, so that what becomes ready together goes out together.
      else setImmediate(() => void (busy || flush()));
    });
}
