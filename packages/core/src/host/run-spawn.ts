import type { RunOptions, RunResult } from "../ports/index.js";
import { hasInput, startFailure, watchChild } from "./child.js";
import type { Runner } from "./runner.js";

/** Runs commands on `node:child_process` directly: the second implementation, held to the same contract as zx. */
export const runWithSpawn: Runner = async (argv, options, signal): Promise<RunResult> => {
  const watched = start(argv, options, signal);
  if (hasInput(options)) watched.child.stdin?.end(options.input);
  return watched.result;
};

function start(...[argv, options, signal]: Parameters<typeof watchChild>) {
  try {
    return watchChild(argv, options, signal);
  } catch (error) {
    throw startFailure(error, argv, (options as RunOptions).cwd);
  }
}
