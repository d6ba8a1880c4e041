import { spawn } from "node:child_process";

/** The limit that marks what an agent starts is handed down to whatever does not raise it. */
const WITHOUT_MARK = 'ulimit -S -m unlimited 2>/dev/null; exec "$@"';

/** Starts this program once more, to outlive this run: in a session of its own, with no terminal and no folder it holds. */
export function startInBackground(home: string, words: readonly string[]): void {
  const [, program = ""] = process.argv;
  // Started from inside an agent it is not that agent's: what carries its mark is ended with it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AIFLEET_(ID|BRANCH|BATCH|INDEX|REPO|WORKTREE)|TMUX.*)$/.test(name)),
  );
  const argv = [process.execPath, program, ...words];
  const [file = "", ...rest] = process.env.AIFLEET_ID === undefined ? argv : ["/bin/sh", "-c", WITHOUT_MARK, "fleet", ...argv];
  const child = spawn(file, rest, {
    cwd: home,
    env: { ...env, AI_FLEET_HOME: home },
    detached: true,
    stdio: "ignore",
  });
  // It is only sooner than the next command, which does the same.
  child.on("error", () => {});
  child.unref();
}
