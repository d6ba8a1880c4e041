import type { ChildProcess } from "node:child_process";
import { FleetError, interrupted } from "../../errors/index.js";
import { endGroup, forget, isAtWork, pulseOf, remember, watchIdle } from "../../host/index.js";
import { type GitKind, QUICK_MS } from "./environment.js";
import { subcommand } from "./failure.js";

/** Nothing git is asked for is as much; a git that prints without end must not fill the memory, bytes. */
const MOST_OUTPUT = 256 * 1024 * 1024;

/** A git that changes something is given this long to tidy up, milliseconds: killed on a busy machine before it had its turn, it leaves its locks. */
const ACT_GRACE_MS = 2000;

/** A quick git that wants a processor and had so little of one, clock ticks, is not stuck but starved: it is given up to so many times as long. */
const FEW_TICKS = 50;
const HUNGER = 3;
const HUNGRY_MS = 300;

/** What is watched. */
export interface WatchedRun {
  readonly folder: string;
  readonly argv: readonly string[];
  readonly kind: GitKind;
  /** Milliseconds without progress after which it is given up. */
  readonly idleMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One git to be run. */
export interface GitRun extends WatchedRun {
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its whole stdin. */
  readonly input: string;
}

/** A watch over one git. */
export interface RunWatch {
  /** Rejects when git was given up or the caller aborted, once git and all it started were ended. */
  readonly failed: Promise<never>;
  /** Whether git is being ended: how it ends then is nobody's answer. */
  readonly stopping: () => boolean;
  /** Aborted where git could not be ended by us: the library that runs it has to. */
  readonly fallback: AbortSignal;
  /** Git has been started as that process, undefined where a library keeps it to itself; these are its pipes. */
  started(git: ChildProcess | undefined, stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream): void;
  /** Git has ended by itself. */
  ended(): Promise<void>;
}

/**
 * Gives git up where it makes no progress. Progress of a mutation is what it prints and what it and
 * its children write. A question prints nothing until it is answered, so a long one is looked at instead: whether
 * its processes do anything.
 */
export function watchRun(run: WatchedRun): RunWatch {
  const fallback = new AbortController();
  const { promise: failed, reject } = withReject();
  let child: ChildProcess | undefined;
  let over = false;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  let printed = 0;

  const settle = () => {
    over = true;
    clearTimeout(timer);
    idle?.end();
    run.signal?.removeEventListener("abort", onAbort);
    if (child?.pid !== undefined) forget(child.pid);
  };
  const stop = async (error: FleetError) => {
    if (over) return;
    settle();
    stopping = true;
    if (child?.pid === undefined) fallback.abort();
    else await endGroup(child.pid, run.kind === "act" ? ACT_GRACE_MS : undefined);
    // A process outside the group may hold the pipes.
    child?.stdout?.destroy();
    child?.stderr?.destroy();
    reject(error);
  };
  const idle =
    run.kind === "act"
      ? watchIdle(
          () => child?.pid,
          run.idleMs,
          () => void stop(gaveUp(run, run.idleMs)),
        )
      : null;
  const onAbort = () => run.signal && void stop(interrupted(run.signal));
  const wait = () => {
    clearTimeout(timer);
    if (over) return;
    if (run.kind === "scan") timer = setTimeout(lookAfter, QUICK_MS / 2);
    else if (run.kind === "quick") lookLater(run.idleMs, 0, 1);
    else idle?.printed();
  };
  // On a machine with too much to do a git may not have had its turn yet, or its answer lies there and we had none.
  const lookLater = (ms: number, silentMs: number, looks: number) => {
    const before = printed;
    const look = () => before === printed && lookForHunger(silentMs + ms, looks);
    timer = setTimeout(() => setImmediate(look), ms);
  };
  const lookForHunger = (silentMs: number, looks: number) => {
    if (over) return;
    const pulse = child?.pid === undefined ? null : pulseOf(child.pid);
    const isHungry = pulse === null ? looks < 2 && child !== undefined : pulse.busy && pulse.ticks < FEW_TICKS;
    if (!isHungry || silentMs >= HUNGER * run.idleMs) return void stop(gaveUp(run, silentMs));
    lookLater(HUNGRY_MS, silentMs, looks + 1);
  };
  const lookAfter = () => lookAgain(QUICK_MS / 2, QUICK_MS / 2);
  const lookAgain = (silentMs: number, nextMs: number) => {
    const before = child?.pid === undefined ? null : pulseOf(child.pid);
    timer = setTimeout(() => {
      const now = silentMs + nextMs;
      const isAlive = isAtWork(before, child?.pid === undefined ? null : pulseOf(child.pid), nextMs);
      if (!isAlive || now >= run.idleMs) void stop(gaveUp(run, now));
      else lookAgain(now, QUICK_MS);
    }, nextMs);
  };
  const onOutput = (chunk: Buffer) => {
    printed += chunk.length;
    if (printed > MOST_OUTPUT) void stop(endless(run));
    else wait();
  };
  run.signal?.addEventListener("abort", onAbort, { once: true });
  if (run.signal?.aborted === true) onAbort();
  else wait();

  return {
    failed,
    stopping: () => stopping,
    fallback: fallback.signal,
    started(git, stdout, stderr) {
      child = git;
      if (child?.pid !== undefined) remember(child.pid);
      stdout.on("data", onOutput);
      stderr.on("data", onOutput);
      if (over) void endStarted(child);
    },
    async ended() {
      if (over) return;
      settle();
      // A question leaves nothing running; a hook or a filter of the user's may.
      if (run.kind !== "act" && child?.stdout?.readableEnded === false) await endStarted(child);
    },
  };
}

async function endStarted(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid !== undefined) await endGroup(child.pid);
}

function withReject(): { readonly promise: Promise<never>; readonly reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  // Looked at by a race; alone it is no unhandled rejection.
  promise.catch(() => {});
  return { promise, reject };
}

/** The error of a git that was given up. */
export function gaveUp({ argv, folder, kind }: Pick<WatchedRun, "argv" | "folder" | "kind">, ms: number): FleetError {
  const command = `git ${subcommand(argv)}`.trim();
  const seconds = Math.round(ms / 100) / 10;
  return kind === "act"
    ? new FleetError("TIMEOUT", `${command} made no progress for ${seconds} s and was ended.`, {
        hint: `See what holds git up in ${folder} (a hook, a filter, its disk); if it is only slow, raise git.timeout.`,
        data: { tool: "git", argv: [...argv] },
      })
    : new FleetError("TIMEOUT", `git does not answer: ${command} gave no sign of life for ${seconds} s and was ended.`, {
        hint:
          command === "git --version"
            ? "Run `git --version` to see; `command -v git` shows which program it is."
            : `Run \`git status\` in ${folder} to see what holds git up.`,
        data: { tool: "git", argv: [...argv] },
      });
}

function endless({ argv }: WatchedRun): FleetError {
  return new FleetError("DRIVER_FAILED", `git ${subcommand(argv)} printed without end and was ended.`, { data: { argv: [...argv] } });
}
