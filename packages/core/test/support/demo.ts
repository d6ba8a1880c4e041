import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Fleet, type FleetOpenOptions } from "../../src/index.js";
import { demoProgram } from "../agents/support/demo-program.js";
import { processesOf, type World } from "./world.js";

/** Where the demo agent notes every prompt it took. */
export function promptLog(world: World): string {
  return join(world.root, "prompts.jsonl");
}

/** The environment a fleet of demo agents at full speed is opened with. */
export function fleetEnv(world: World, extra: Record<string, string> = {}): Record<string, string> {
  return {
    ...world.env,
    AIFLEET_AGENT_DEFAULT: "demo",
    AIFLEET_DEMO_AGENT: demoProgram(),
    DEMO_AGENT_SPEED: "0",
    DEMO_AGENT_LOG: promptLog(world),
    ...extra,
  };
}

/** Opens a fleet in a world, its agents the demo agent at full speed. */
export function openFleet(
  world: World,
  repo: string | undefined,
  options: Omit<FleetOpenOptions, "repo" | "env"> & { env?: Record<string, string> } = {},
) {
  const { env, ...rest } = options;
  return Fleet.open({ ...(repo === undefined ? {} : { repo }), ...rest, env: fleetEnv(world, env) });
}

/** Prompts that agents really took, in order. */
export function promptsTaken(world: World): { bytes: number; sha256: string; text?: string; cwd: string }[] {
  try {
    return readFileSync(promptLog(world), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  } catch {
    return [];
  }
}

/** What a repository and a home hold, asked of git, tmux and the kernel, not of our own state. */
export interface Oracle {
  readonly worktrees: readonly string[];
  readonly branches: readonly string[];
  readonly sessions: readonly string[];
  readonly agents: number;
  readonly config: string;
}

export function oracle(world: World, repo: string): Oracle {
  const list = (...args: string[]) =>
    world
      .git(repo, ...args)
      .split("\n")
      .filter((line) => line !== "");
  return {
    worktrees: list("worktree", "list", "--porcelain")
      .filter((line) => line.startsWith("worktree "))
      .map((line) => line.slice(9)),
    branches: list("for-each-ref", "--format=%(refname:short)", "refs/heads"),
    sessions: world.sessions(),
    agents: processesOf(world.root).filter((pid) => environOf(pid).some((entry) => entry.startsWith("AIFLEET_ID="))).length,
    config: readFileSync(join(world.git(repo, "rev-parse", "--path-format=absolute", "--git-common-dir").trim(), "config"), "utf8"),
  };
}

function environOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}
