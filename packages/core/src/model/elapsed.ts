/**
 * Milliseconds on a clock that never jumps, from some point in the past on. As `performance.now()`, whose first use takes a
 * millisecond and a half of each command's start.
 */
export function elapsedMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
