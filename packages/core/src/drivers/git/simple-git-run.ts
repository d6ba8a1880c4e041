import { existsSync } from "node:fs";
import type { SimpleGitOptions } from "simple-git";
import { FleetError, toFleetError } from "../../errors/index.js";
import { adoptLibraryChildren, libraryChild } from "../../host/index.js";
import type { GitOutcome } from "./failure.js";
import { type GitRun, watchRun } from "./watch-run.js";

/**
 * simple-git guards programs that pass strangers' text as arguments. Every argv here is made by the
 * driver itself (names reach git as full refs, paths after `--` or on stdin), and the user's own
 * editor, askpass and ssh settings must stay in force for hooks and filters, so its guards are off.
 */
const TRUSTED: NonNullable<SimpleGitOptions["unsafe"]> = {
  allowAbbreviatedOptions: true,
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeEditor: true,
  allowUnsafeFsMonitor: true,
  allowUnsafePager: true,
  allowUnsafeSshCommand: true,
};

/** With `DEBUG=*` simple-git prints the whole environment of each command, secrets and all: it is loaded as if that were not set. */
async function load(): Promise<typeof import("simple-git")> {
  const { DEBUG } = process.env;
  delete process.env.DEBUG;
  try {
    return await import("simple-git");
  } finally {
    if (DEBUG !== undefined) process.env.DEBUG = DEBUG;
  }
}

/**
 * Runs git on this machine through simple-git. A non-zero exit code is data. Time limits and ending are ours:
 * simple-git interrupts git alone, once, and then waits for it, whatever it or what it started does.
 */
export async function runSimpleGit(run: GitRun): Promise<GitOutcome> {
  const { GitError, simpleGit } = await load();

  /** Carries how git ended through simple-git, which on its own takes a failure without a message for success. */
  class GitExit extends GitError {
    constructor(readonly outcome: GitOutcome) {
      super(undefined, outcome.stderr);
    }
  }

  adoptLibraryChildren();
  const watch = watchRun(run);
  try {
    const git = simpleGit({
      baseDir: run.folder,
      abort: watch.fallback,
      // An empty buffer closes stdin; nothing at all would leave it open, and a hook that reads it would hang.
      input: () => Buffer.from(run.input),
      // A program a hook left running may hold the pipes: a second after git itself ended they are let go.
      completion: { onClose: true, onExit: 1000 },
      allowEnvironment: Object.keys(run.env),
      unsafe: TRUSTED,
      errors(error, result) {
        // Typed as a number, but null where a signal ended git.
        const exitCode: number | null = result.exitCode;
        if (exitCode === 0) return undefined;
        if (error instanceof Error && "plugin" in error) return error;
        return new GitExit({
          exitCode,
          stdout: Buffer.concat(result.stdOut).toString("utf8"),
          stderr: Buffer.concat(result.stdErr).toString("utf8"),
        });
      },
    }).env({ ...run.env });
    git.outputHandler((_command, stdout, stderr) => {
      watch.started(libraryChild(stdout), stdout, stderr);
      // simple-git waits another 50 ms for output of a command that printed nothing; an empty chunk at the end says there is none.
      stdout.once("end", () => stdout.emit("data", Buffer.alloc(0)));
    });
    const stdout = await Promise.race([watch.failed, git.raw([...run.argv])]);
    return watch.stopping() ? await watch.failed : { exitCode: 0, stdout, stderr: "" };
  } catch (error) {
    if (watch.stopping()) return await watch.failed;
    if (error instanceof GitExit) {
      const { outcome } = error;
      if (outcome.exitCode !== null && outcome.exitCode < 0) throw notStarted(run, outcome);
      return outcome;
    }
    if (error instanceof Error && /directory that does not exist/.test(error.message)) {
      throw new FleetError("DRIVER_FAILED", `The folder ${run.folder} is not there.`, { cause: error });
    }
    // Without a pipe to spare Node gives a child no streams, and simple-git reaches for them.
    if (error instanceof Error && /TypeError: .*reading 'on'/.test(String(error.message))) {
      throw toFleetError(Object.assign(new Error(error.message), { code: "EMFILE" }), "git could not be started");
    }
    throw toFleetError(error, "git");
  } finally {
    await watch.ended();
  }
}

function notStarted(run: GitRun, outcome: GitOutcome): FleetError {
  // The same error as for a missing program: the folder went away after it was looked at.
  if (!existsSync(run.folder)) return new FleetError("DRIVER_FAILED", `The folder ${run.folder} is not there.`);
  if (/ENOENT/.test(outcome.stderr)) {
    return new FleetError("TOOL_MISSING", "git is not installed.", { data: { tool: "git" }, hint: "Install git 2.36 or later." });
  }
  return new FleetError("DRIVER_FAILED", `git could not be started: ${outcome.stderr.split("\n")[0] ?? ""}`);
}
