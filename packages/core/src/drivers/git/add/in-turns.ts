/** So many small files' ways through the thread pool at a time. */
export const AT_ONCE = 8;

/** Does something with each, several at a time. When one throws no other is begun, and it is thrown on once all under way have ended. */
export async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T, at: number) => Promise<void>): Promise<void> {
  let next = 0;
  let stopped = false;
  const one = async () => {
    while (!stopped && next < items.length) {
      const at = next++;
      try {
        await work(items[at] as T, at);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, one));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
