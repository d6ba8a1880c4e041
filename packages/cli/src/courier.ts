import { spawn } from "node:child_process";
import { loadCore } from "./core.js";
import { session } from "./session.js";

/** Where a courier is at work. */
export interface Place {
  readonly home: string;
  readonly repo: string | null;
}

/** Starts this program as a courier that outlives this run: in a session of its own, with no terminal and no folder it holds. */
export function startCourier({ home, repo }: Place): void {
  const [, program = ""] = process.argv;
  // Started from inside an agent it is not that agent's: what carries its mark is ended with it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AIFLEET_(ID|BRANCH|BATCH|INDEX|REPO|WORKTREE)|TMUX.*)$/.test(name)),
  );
  const child = spawn(process.execPath, [program, "__courier", ...(repo === null ? [] : [repo])], {
    cwd: home,
    env: { ...env, AI_FLEET_HOME: home },
    detached: true,
    stdio: "ignore",
  });
  // It is only sooner than the next command, which does the same.
  child.on("error", () => {});
  child.unref();
}

/** The courier's work: `fleet __courier [REPOSITORY]`. */
export async function carry(words: readonly string[]): Promise<void> {
  const { Fleet } = await loadCore();
  const [repo] = words;
  const fleet = await Fleet.open({ ...(repo === undefined ? {} : { repo }), ignoreProjectConfig: true });
  await fleet.deliverQueued({ signal: session.signal });
}
