import { spawn } from "node:child_process";

/** Starts this program once more, to outlive this run: in a session of its own, with no terminal and no folder it holds. */
export function startInBackground(home: string, words: readonly string[]): void {
  const [, program = ""] = process.argv;
  // Started from inside an agent it is not that agent's: what carries its mark is ended with it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AIFLEET_(ID|BRANCH|BATCH|INDEX|REPO|WORKTREE)|TMUX.*)$/.test(name)),
  );
  const child = spawn(process.execPath, [program, ...words], {
    cwd: home,
    env: { ...env, AI_FLEET_HOME: home },
    detached: true,
    stdio: "ignore",
  });
  // It is only sooner than the next command, which does the same.
  child.on("error", () => {});
  child.unref();
}
