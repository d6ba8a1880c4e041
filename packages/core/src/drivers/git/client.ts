import { FleetError, interrupted, isFleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import { elapsedMs } from "../../model/index.js";
import type { Call, Host } from "../../ports/index.js";
import { type GitKind, gitEnvironment, QUICK_MS } from "./environment.js";
import type { GitOutcome } from "./failure.js";
import { failureOf } from "./full-disk.js";
import { runSimpleGit } from "./simple-git-run.js";
import { runSpawnedGit } from "./spawned-run.js";
import { gaveUp } from "./watch-run.js";

/** A git command that has ended, for `--verbose` and for counting. */
export interface GitCommand {
  /** Without the leading `git`. */
  readonly argv: readonly string[];
  /** Null if a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly durationMs: number;
}

export interface GitRunOptions {
  /** @default "act" */
  readonly kind?: GitKind;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to git's stdin. @default stdin is empty */
  readonly input?: string;
  /** Exit codes that are answers; any other throws. @default [0] */
  readonly accept?: readonly number[];
  /** A change that takes git a moment, and somebody waits for it: loading a library for it would take longer. @default true for questions */
  readonly brief?: boolean;
}

/** What git is run through on this machine; elsewhere the host runs it. */
export type GitRunner = "simple-git" | "spawn";

/** The one door to git. */
export interface Git {
  readonly host: Host;
  /** Runs git in `folder`. Throws `DRIVER_FAILED`, `TIMEOUT`, `INTERRUPTED`, `TOOL_MISSING`, `DISK_FULL`, `PERMISSION_DENIED`. */
  run(folder: string, args: readonly string[], options?: GitRunOptions, call?: Call): Promise<GitOutcome>;
}

/** For so long after a question that was given up, git is not waited for as patiently: what is stuck is mostly stuck for all, milliseconds. */
const STUCK_MS = 10_000;
/** How long it is waited for then, milliseconds. */
const AGAIN_MS = 1000;

/**
 * Makes the door for one host: where that is this machine, simple-git, but for what is brief, which is started without it; the
 * host's own `run` elsewhere. `runner`: all goes through that one.
 */
export function gitClient(host: Host, timeoutMs: number, onCommand?: (command: GitCommand) => void, runner?: GitRunner): Git {
  /** When a question was last given up, and none has been answered since. */
  let stuckAt = Number.NEGATIVE_INFINITY;
  const patience = (kind: GitKind): number => {
    if (kind !== "quick") return timeoutMs;
    return Math.min(elapsedMs() - stuckAt < STUCK_MS ? AGAIN_MS : QUICK_MS, timeoutMs);
  };
  return {
    host,
    async run(folder, argv, options = {}, call = {}) {
      throwIfAborted(call.signal);
      const kind = options.kind ?? "act";
      const env = gitEnvironment(host, kind, options.env);
      const idleMs = patience(kind);
      const input = options.input ?? "";
      const start = elapsedMs();
      const brief = runner === undefined ? (options.brief ?? kind !== "act") : runner === "spawn";
      const runGit = brief ? runSpawnedGit : runSimpleGit;
      let exitCode: number | null = null;
      try {
        const outcome =
          host.id === "local"
            ? await runGit({ folder, argv, env, kind, input, idleMs, signal: call.signal })
            : await runOnHost(host, folder, argv, { kind, env, input, idleMs }, call);
        exitCode = outcome.exitCode;
        stuckAt = Number.NEGATIVE_INFINITY;
        if (call.signal?.aborted) throw interrupted(call.signal);
        if (exitCode === null || !(options.accept ?? [0]).includes(exitCode)) throw await failureOf(host, argv, outcome, folder);
        return { exitCode, stdout: outcome.stdout, stderr: outcome.stderr };
      } catch (error) {
        if (call.signal?.aborted && !(error instanceof FleetError && error.code === "INTERRUPTED")) throw interrupted(call.signal);
        if (kind !== "act" && isFleetError(error, "TIMEOUT")) stuckAt = elapsedMs();
        throw toFleetError(error, "git");
      } finally {
        onCommand?.({ argv, exitCode, durationMs: elapsedMs() - start });
      }
    },
  };
}

interface HostRun {
  readonly kind: GitKind;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly idleMs: number;
}

async function runOnHost(host: Host, folder: string, argv: readonly string[], run: HostRun, call: Call): Promise<GitOutcome> {
  const { env, input, idleMs, kind } = run;
  try {
    return await host.run(["git", ...argv], { cwd: folder, env, input, idleTimeoutMs: idleMs }, call);
  } catch (error) {
    throw isFleetError(error, "TIMEOUT") ? gaveUp({ argv, folder, kind }, idleMs) : error;
  }
}

/** The same door behind a check that throws where git is not fit for use. */
export function checkedGit(git: Git, check: () => Promise<void>): Git {
  return {
    host: git.host,
    async run(...call) {
      await check();
      return git.run(...call);
    },
  };
}
