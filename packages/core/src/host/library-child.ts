import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { RUN_MARK } from "./run-mark.js";

/** What `ChildProcess.prototype.spawn` is given: not in Node's types. */
interface SpawnOptions {
  readonly envPairs?: readonly string[];
}
interface Spawning extends ChildProcess {
  spawn(options: SpawnOptions): unknown;
}

const byOutput = new WeakMap<object, ChildProcess>();
let listening = false;

/**
 * Some libraries start programs by themselves and tell neither their pids nor take the options that matter.
 * From here on each program of theirs that carries this run's mark leads a group of its own, as those that
 * this host starts do, so that it can be ended with everything it started.
 */
export function adoptLibraryChildren(): void {
  if (listening) return;
  listening = true;
  subscribe("child_process", (message) => {
    const child = (message as { process?: Spawning }).process;
    if (typeof child?.spawn !== "function") return;
    const start = child.spawn;
    child.spawn = (options) => {
      const ours = options?.envPairs?.includes(`${RUN_MARK.name}=${RUN_MARK.value}`) === true;
      const result = start.call(child, ours ? { ...options, detached: true } : options);
      if (ours && child.stdout !== null && child.stdout !== undefined) byOutput.set(child.stdout, child);
      return result;
    };
  });
}

/** The child whose stdout that stream is, the leader of its group; undefined where the runtime did not tell of it. */
export function libraryChild(stdout: object): ChildProcess | undefined {
  return byOutput.get(stdout);
}
