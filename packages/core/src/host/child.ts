import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { FleetError, interrupted, toFleetError } from "../errors/index.js";
import type { RunOptions, RunResult } from "../ports/index.js";
import { endGroup, forget, remember, signalGroup } from "./group.js";
import { watchIdle } from "./idle.js";
import { Tail } from "./tail.js";

/**
 * A child under watch: bounded in time, ended with its group, its output collected. Both runners
 * (zx and spawn) start their children here and differ only in who waits for them.
 */
export interface WatchedChild {
  readonly child: ChildProcess;
  /** Settles when the child is through: its result, or the FleetError of what went wrong. */
  readonly result: Promise<RunResult>;
}

/** After the child's own exit: how long a silent process it left behind may hold the pipes open. */
const LEFTOVER_MS = 500;
/** No program is asked for as much; one that prints without end must not fill the memory, bytes. */
export const MOST_OUTPUT = 256 * 1024 * 1024;

export function watchChild(
  argv: readonly [string, ...string[]],
  options: RunOptions & { readonly env: Readonly<Record<string, string>> },
  signal: AbortSignal | undefined,
): WatchedChild {
  const child = startChild(argv, options);
  return { child, result: watch(child, argv, options, signal) };
}

/** Starts a program, without any shell, as the leader of a group of its own. */
export function startChild(
  argv: readonly [string, ...string[]],
  options: Pick<RunOptions, "cwd" | "input"> & { readonly env: Readonly<Record<string, string>> },
): ChildProcess {
  const [file, ...args] = argv;
  return spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    shell: false,
    detached: true,
    windowsHide: true,
    stdio: [hasInput(options) ? "pipe" : "ignore", "pipe", "pipe"],
  });
}

/** Whether the child gets a pipe for its stdin; without input it reads from the null device. */
export function hasInput(options: Pick<RunOptions, "input">): boolean {
  return options.input !== undefined && options.input.length > 0;
}

function watch(
  child: ChildProcess,
  argv: readonly [string, ...string[]],
  options: RunOptions,
  signal: AbortSignal | undefined,
): Promise<RunResult> {
  const { pid } = child;
  const stdout = new Tail(options.keepBytes);
  const stderr = new Tail(options.keepBytes);
  let failure: FleetError | null = null;
  let leftover: NodeJS.Timeout | undefined;
  if (pid !== undefined) remember(pid);

  return new Promise((resolve, reject) => {
    const stop = (error: FleetError) => {
      if (failure !== null || pid === undefined) return;
      failure = error;
      // The pipes may be held by a process outside the group: closing our ends is what frees us.
      void endGroup(pid).then(() => finish(null, null));
    };
    const limit = (ms: number, what: string) =>
      new FleetError("TIMEOUT", `${argv[0]} ${what} ${ms / 1000} s and was ended.`, { data: { argv, timeoutMs: ms } });
    const total = options.timeoutMs;
    const timer = total === undefined ? undefined : setTimeout(() => stop(limit(total, "did not end within")), total);
    const quiet = options.idleTimeoutMs;
    const idle =
      quiet === undefined
        ? null
        : watchIdle(
            () => pid,
            quiet,
            () => stop(limit(quiet, "printed and wrote nothing for")),
          );
    const onAbort = () => signal && stop(interrupted(signal));
    signal?.addEventListener("abort", onAbort, { once: true });
    let reads = 0;
    let kept = 0;
    const onOutput = (bytes: number) => {
      reads++;
      if (options.keepBytes === undefined) kept += bytes;
      if (kept > MOST_OUTPUT) stop(new FleetError("DRIVER_FAILED", `${argv[0]} printed without end and was ended.`, { data: { argv } }));
      idle?.printed();
      if (leftover !== undefined) waitForLeftovers();
    };
    const waitForLeftovers = () => {
      clearTimeout(leftover);
      leftover = setTimeout(() => {
        // Where this process was held up, output may be waiting: give the pipes one turn of the event loop.
        const seen = reads;
        setImmediate(() => {
          if (reads !== seen) return;
          if (options.endRest === true && pid !== undefined) signalGroup(pid, "SIGKILL");
          finish(child.exitCode, child.signalCode);
        });
      }, LEFTOVER_MS);
    };
    let finished = false;
    const finish = (exitCode: number | null, exitSignal: string | null) => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      idle?.end();
      clearTimeout(leftover);
      signal?.removeEventListener("abort", onAbort);
      if (pid !== undefined) forget(pid);
      child.stdin?.destroy();
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      if (failure) reject(failure);
      else resolve({ exitCode, exitSignal, stdout: stdout.text(), stderr: stderr.text() });
    };

    const listen = (name: "stdout" | "stderr", tail: Tail) => {
      // Pieces may end in the middle of a character.
      const decoder = options.onOutput === undefined ? undefined : new StringDecoder("utf8");
      child[name]?.on("data", (chunk: Buffer) => {
        tail.push(chunk);
        if (decoder !== undefined) options.onOutput?.(name, decoder.write(chunk));
        onOutput(chunk.length);
      });
    };
    listen("stdout", stdout);
    listen("stderr", stderr);
    // A child that does not read its input to the end is no failure of ours.
    child.stdin?.on("error", () => {});
    child.once("error", (error) => {
      if (pid !== undefined) return;
      failure = startFailure(error, argv, options.cwd);
      finish(null, null);
    });
    child.once("exit", () => {
      if (failure === null) waitForLeftovers();
    });
    child.once("close", (exitCode, exitSignal) => {
      // While a group is being ended, its end decides, not the leader's.
      if (failure === null) finish(exitCode, exitSignal);
    });
    onOutput(0);
    if (signal?.aborted) onAbort();
  });
}

/** Why a program could not be started, as a FleetError. */
export function startFailure(error: unknown, argv: readonly [string, ...string[]], cwd: string | undefined): FleetError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") {
    if (cwd !== undefined && !existsSync(cwd)) return new FleetError("DRIVER_FAILED", `The folder ${cwd} is not there.`, { cause: error });
    if (code === "ENOENT")
      return new FleetError("TOOL_MISSING", `${argv[0]} is not installed, or not on PATH.`, {
        data: { tool: argv[0] },
        hint: `Install ${argv[0]} or add its folder to PATH.`,
        cause: error,
      });
  }
  if (code === "E2BIG") return new FleetError("DRIVER_FAILED", `${argv[0]}: the arguments are too long for this system.`, { cause: error });
  return toFleetError(error, argv[0]);
}
