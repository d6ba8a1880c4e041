import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { oracle, promptsTaken } from "../../../../core/test/support/demo.js";
import { processesOf, type World } from "../../../../core/test/support/world.js";
import { BIN, type Ran } from "../../support/cli.js";

export interface AsOptions {
  readonly cwd?: string;
  /** Added to the environment; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Buffer;
}

/** One JSON document of the command line, with its exit code. */
// biome-ignore lint/suspicious/noExplicitAny: what is in it is what the tests find out
export type Answer = any;

/** The environment of somebody whose agents are the demo agent at full speed. */
export function personEnv(world: World, extra: AsOptions["env"] = {}): Record<string, string> {
  const env: Record<string, string | undefined> = {
    ...world.env,
    AIFLEET_AGENT_DEFAULT: "demo",
    DEMO_AGENT_SPEED: "0",
    DEMO_AGENT_LOG: join(world.root, "prompts.jsonl"),
    ...extra,
  };
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Somebody at a shell in a repository of a world. */
export function person(world: World, repo: string) {
  const start = (args: readonly string[], options: AsOptions = {}) =>
    spawn(process.execPath, [BIN, ...args], { cwd: options.cwd ?? repo, env: personEnv(world, options.env) });

  const fleet = (args: readonly string[], options: AsOptions = {}): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const child = start(args, options);
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout, stderr }));
      // A command that needs no input may be gone before it is written.
      child.stdin.on("error", () => {});
      child.stdin.end(options.input ?? "");
    });

  const json = async (args: readonly string[], options: AsOptions = {}): Promise<Answer> => {
    const { code, stdout, stderr } = await fleet(["--json", ...args], options);
    try {
      return { code, stderr, ...JSON.parse(stdout) };
    } catch {
      throw new Error(`${args.join(" ").slice(0, 200)} printed no JSON document (exit ${code}):\n${stdout}\n${stderr}`);
    }
  };

  return { world, repo, start, fleet, json };
}

export type Person = ReturnType<typeof person>;

/** All that a command could leave behind, asked of git, tmux, the kernel and the disk. Logs and settings are kept by contract. */
export function traces(world: World, repo: string) {
  const { fleetHome } = world;
  const list = (folder: string) => (existsSync(join(fleetHome, folder)) ? readdirSync(join(fleetHome, folder)).sort() : []);
  return {
    ...oracle(world, repo),
    refs: world.git(repo, "for-each-ref", "--format=%(refname)").split("\n").filter(Boolean),
    admin: existsSync(join(repo, ".git/worktrees")) ? readdirSync(join(repo, ".git/worktrees")) : [],
    folders: list("worktrees").flatMap((project) => list(`worktrees/${project}`)),
    agentsInState: existsSync(join(fleetHome, "state.json"))
      ? JSON.parse(readFileSync(join(fleetHome, "state.json"), "utf8")).agents.map(({ branch }: { branch: string }) => branch)
      : [],
    journal: list("journal"),
    logs: list("logs"),
    locks: list(".").filter((name) => name.endsWith(".lock")),
    starts: list("run").filter((name) => !name.endsWith(".json")),
    processes: processesOf(world.root).filter((pid) => !isServer(pid)).length,
  };
}

function isServer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("tmux");
  } catch {
    return true;
  }
}

/** Hashes of the prompts the demo agents took, in order. */
export function hashesTaken(world: World): string[] {
  return promptsTaken(world).map(({ sha256 }) => sha256);
}

export function sha256(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Every file with the name `canary` anywhere in the world: hostile text was executed. */
export function canaries(world: World): string[] {
  return readdirSync(world.root, { recursive: true, encoding: "utf8" }).filter((path) => /(^|\/)canary[^/]*$/.test(path));
}
