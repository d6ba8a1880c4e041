import { throwIfAborted } from "../errors/index.js";
import { elapsedMs } from "../model/index.js";
import type { Host, RunOptions } from "../ports/index.js";
import { childEnv, plainEnv } from "./environment.js";
import { localFiles } from "./files.js";
import { openChild } from "./open.js";
import { RUN_MARK } from "./run-mark.js";
import { runWithSpawn } from "./run-spawn.js";
import { runWithZx } from "./run-zx.js";

/** One command that was run. */
export interface CommandTrace {
  readonly argv: readonly string[];
  /** Null if a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly durationMs: number;
}

export interface LocalHostOptions {
  /** Environment of the user. @default this process's own */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told of every command after it has ended. */
  readonly onCommand?: (trace: CommandTrace) => void;
  /** What `run` goes through, but for `brief` questions, which are always spawned: zx takes longer to load than tmux to answer. Both hold to the same contract. @default "zx" */
  readonly runner?: "zx" | "spawn";
}

/** This machine as a {@link Host}. */
export function localHost(options: LocalHostOptions = {}): Host {
  const env = plainEnv(options.env ?? process.env);
  const inherited = { ...childEnv(env), [RUN_MARK.name]: RUN_MARK.value };
  const runnerOf = (run: RunOptions) => (run.brief === true || options.runner === "spawn" ? runWithSpawn : runWithZx);

  const traced = async <T>(argv: readonly string[], work: () => Promise<T>, codeOf: (value: T) => number | null): Promise<T> => {
    if (options.onCommand === undefined) return work();
    const began = elapsedMs();
    let exitCode: number | null = null;
    try {
      const value = await work();
      exitCode = codeOf(value);
      return value;
    } finally {
      options.onCommand({ argv, exitCode, durationMs: elapsedMs() - began });
    }
  };

  return {
    id: "local",
    env,
    files: localFiles,
    async run(argv, run = {}, call) {
      throwIfAborted(call?.signal);
      const work = () => runnerOf(run)(argv, { ...run, env: run.env ?? inherited }, call?.signal);
      return traced(argv, work, (result) => result.exitCode);
    },
    async open(argv, open = {}, call) {
      throwIfAborted(call?.signal);
      const work = () => openChild(argv, { ...open, env: open.env ?? inherited }, call?.signal);
      return traced(argv, work, () => null);
    },
  };
}
