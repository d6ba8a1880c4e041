import type { RunOptions, RunResult } from "../ports/index.js";

/** Runs one command to its end. `env` is the child's whole environment. */
export type Runner = (
  argv: readonly [string, ...string[]],
  options: RunOptions & { readonly env: Readonly<Record<string, string>> },
  signal: AbortSignal | undefined,
) => Promise<RunResult>;
