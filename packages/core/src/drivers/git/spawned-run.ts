import type { ChildProcess } from "node:child_process";
import { toFleetError } from "../../errors/index.js";
import { startChild, startFailure } from "../../host/index.js";
import type { GitOutcome } from "./failure.js";
import { type GitRun, type RunWatch, watchRun } from "./watch-run.js";

/** A program that a hook left running may hold the pipes: for so long after git itself ended they are read, milliseconds. */
const LEFTOVER_MS = 1000;

/**
 * Runs git on this machine without a library between: simple-git takes longer to load than git to answer. What comes
 * of it, how it is watched and how it is ended are the same, and both hold to the same contract.
 */
export async function runSpawnedGit(run: GitRun): Promise<GitOutcome> {
  const watch = watchRun(run);
  let child: ChildProcess | undefined;
  try {
    const outcome = await Promise.race([
      watch.failed,
      new Promise<GitOutcome>((resolve, reject) => {
        child = start(run);
        collect(child, run, watch, resolve, reject);
      }),
    ]);
    return watch.stopping() ? await watch.failed : outcome;
  } catch (error) {
    if (watch.stopping()) return await watch.failed;
    throw toFleetError(error, "git");
  } finally {
    await watch.ended();
    // Whoever still holds the other ends must not hold us.
    child?.stdout?.destroy();
    child?.stderr?.destroy();
    child?.unref();
  }
}

function start(run: GitRun): ChildProcess {
  const argv = ["git", ...run.argv] as const;
  try {
    return startChild(argv, { cwd: run.folder, env: run.env, input: run.input });
  } catch (error) {
    throw startFailure(error, argv, run.folder);
  }
}

function collect(
  child: ChildProcess,
  run: GitRun,
  watch: RunWatch,
  resolve: (outcome: GitOutcome) => void,
  reject: (error: unknown) => void,
): void {
  const printed: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  const text = (name: "stdout" | "stderr") => Buffer.concat(printed[name]).toString("utf8");
  const finish = (exitCode: number | null) => resolve({ exitCode, stdout: text("stdout"), stderr: text("stderr") });
  let leftover: NodeJS.Timeout | undefined;
  child.once("error", (error) => {
    // Without a pid it was never started; any other error (a failed kill) says nothing about it.
    if (child.pid === undefined) reject(startFailure(error, ["git", ...run.argv], run.folder));
  });
  child.once("exit", (exitCode) => {
    leftover = setTimeout(() => finish(exitCode), LEFTOVER_MS);
  });
  child.once("close", (exitCode) => {
    clearTimeout(leftover);
    finish(exitCode);
  });
  // Without a pipe or a process to spare there are none: the error above says so.
  if (child.stdout === null || child.stdout === undefined || child.stderr === null) return;
  for (const name of ["stdout", "stderr"] as const) child[name]?.on("data", (chunk: Buffer) => printed[name].push(chunk));
  // A git that does not read its input to the end is no failure of ours.
  child.stdin?.on("error", () => {});
  child.stdin?.end(run.input);
  watch.started(child, child.stdout, child.stderr);
}
