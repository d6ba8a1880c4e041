/**
 * A name that nothing else will have by chance; no secret. Not from `node:crypto`, whose loading would be
 * some milliseconds of each command's start.
 */
export function token(): string {
  return [0, 1].map(() => Math.random().toString(36).slice(2, 12).padEnd(10, "0")).join("");
}
