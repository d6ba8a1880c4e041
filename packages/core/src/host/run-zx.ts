import type { ChildProcess, spawn } from "node:child_process";
import type { RunResult } from "../ports/index.js";
import { hasInput, startFailure, type WatchedChild, watchChild } from "./child.js";
import type { Runner } from "./runner.js";

/**
 * Runs commands through zx, without any shell.
 *
 * zx joins a command to one line for a shell to take apart. Here `quote` turns each argument into
 * base64url, which holds no blank, and `spawn` takes the line apart again and starts the program
 * itself: argv arrives exactly, and its length is not bound to that of one shell argument.
 * Time limits and ending are ours (see child.ts): zx's own walk the process table with `ps` and wait
 * for the pipes, which a grandchild may hold open for ever.
 */
export const runWithZx: Runner = async (argv, options, signal): Promise<RunResult> => {
  const $ = await load();
  let watched: WatchedChild | undefined;
  let failure: unknown;
  const start = (line: string): ChildProcess => {
    try {
      watched = watchChild(decode(line), options, signal);
    } catch (error) {
      failure = error;
      throw error;
    }
    // Looked at below; without this a failure that zx learns of first would count as unhandled.
    watched.result.catch(() => {});
    return watched.child;
  };
  const running = $({
    quote: encode,
    spawn: start as unknown as typeof spawn,
    ...(hasInput(options) ? { input: options.input as string | Buffer } : {}),
    store: discard(),
    // Everything that a ZX_* variable of the caller could change is named here.
    shell: true,
    prefix: "",
    postfix: "",
    preferLocal: false,
    timeout: 0,
    verbose: false,
    quiet: true,
    detached: true,
    nothrow: true,
    log: () => {},
  })`${argv}`;
  running.catch(() => {});
  if (watched === undefined) throw startFailure(failure ?? new Error("zx did not start the program"), argv, options.cwd);
  return watched.result;
};

type Shell = typeof import("zx/core").$;
let loaded: Promise<Shell> | undefined;

function load(): Promise<Shell> {
  loaded ??= import("zx/core").then((zx) => zx.$);
  return loaded;
}

function encode(argument: string): string {
  return Buffer.from(argument, "utf8").toString("base64url");
}

function decode(line: string): [string, ...string[]] {
  const [file = "", ...args] = line.split(" ").map((word) => Buffer.from(word, "base64url").toString("utf8"));
  return [file, ...args];
}

/** zx keeps all output three times over; we keep our own, bounded, and give it a store that forgets. */
function discard(): { stdout: string[]; stderr: string[]; stdall: string[] } {
  const nothing = (): string[] => Object.assign([], { push: () => 0 });
  return { stdout: nothing(), stderr: nothing(), stdall: nothing() };
}
