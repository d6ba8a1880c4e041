import { sha256 } from "./sha256.js";

/**
 * A second mark of an agent's processes, beside `AIFLEET_ID` in their environment: a soft limit of resident
 * memory, kilobytes, of two petabytes and some more that tell the agent. Kernels have not kept to that limit
 * for twenty years, but hand it down, whatever a child does to its environment, session or parent.
 */
export function limitOf(agent: string): number {
  return 2 ** 41 + Number.parseInt(sha256(agent).slice(0, 10), 16);
}

/** A line of a POSIX shell that puts the mark on it and on all it starts; nothing where that cannot be. */
export function limitLine(agent: string): string {
  return `ulimit -S -m ${limitOf(agent)} 2>/dev/null || :`;
}
