import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { World } from "../../../../core/test/support/world.js";
import { BIN } from "../../support/cli.js";

export const PRELOAD = fileURLToPath(new URL("preload.cjs", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  /** By the clock, milliseconds. */
  readonly endedAt: number;
}

/** Agents of the world are demo agents at full speed that note each prompt they take. */
export function fleetEnv(world: World): Record<string, string> {
  return { ...world.env, AIFLEET_AGENT_DEFAULT: "demo", DEMO_AGENT_SPEED: "0", DEMO_AGENT_LOG: join(world.root, "prompts.jsonl") };
}

/** Runs the built command to its end, whatever that is. `FAULT_AFTER_MS` kills it after so long; `through`: a program that starts it. */
export function run(
  world: World,
  cwd: string,
  args: readonly string[],
  extra: Record<string, string> = {},
  through: readonly string[] = [],
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const [file = "", ...rest] = [...through, process.execPath, BIN, ...args];
    const child = spawn(file, rest, {
      cwd,
      env: { ...fleetEnv(world), ...extra },
      // A signal to the group must not reach the test.
      detached: extra.FAULT_GROUP === "1",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const fatal = extra.FAULT_AFTER_MS;
    const timer = fatal === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), Number(fatal));
    child.once("exit", () => clearTimeout(timer));
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    // Not "close": children of a killed fleet may hold the pipes.
    child.once("exit", (code, signal) => {
      const ended = { ms: performance.now() - began, endedAt: Date.now() };
      setImmediate(() => resolve({ code, signal, stdout, stderr, ...ended }));
    });
    if (extra.FAULT_AT === undefined && fatal === undefined) {
      child.removeAllListeners("exit");
      child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr, ms: performance.now() - began, endedAt: Date.now() }));
    }
  });
}

/** What becomes of the commands that fleet runs at the moment of the signal: they go on, die too, or are held up for a while. */
export type Fate = "live" | "die" | "held";

/** What comes to a command in the middle. */
export interface Fault {
  /** @default "SIGKILL" */
  readonly signal?: NodeJS.Signals;
  readonly fate?: Fate;
  /** To the whole process group, as from a terminal. */
  readonly group?: boolean;
  /** Once more, so many milliseconds later. */
  readonly againMs?: number;
}

/** Runs the command and sends it a signal at step `at`, or at the first of that kind; answers with the steps it came to, the last one the fatal. */
export async function runUntil(
  world: World,
  cwd: string,
  args: readonly string[],
  at: number | RegExp,
  { signal = "SIGKILL", fate = "live", group = false, againMs }: Fault = {},
): Promise<Ran & { readonly steps: readonly string[]; readonly struckAt: number | null }> {
  const log = `${world.root}.steps`;
  const ran = await run(world, cwd, args, {
    NODE_OPTIONS: `--require=${PRELOAD}`,
    ...(typeof at === "number" ? { FAULT_AT: String(at) } : { FAULT_AT: "0", FAULT_STEP: at.source }),
    FAULT_LOG: log,
    FAULT_ROOT: `${world.root}/`,
    FAULT_SIGNAL: signal,
    FAULT_CHILDREN: fate,
    ...(group ? { FAULT_GROUP: "1" } : {}),
    ...(againMs === undefined ? {} : { FAULT_AGAIN: String(againMs) }),
  });
  const came = stepsIn(log);
  rmSync(log, { force: true });
  return { ...ran, ...came };
}

/** The steps a command has come to, by the log that it was told to keep, and when it was sent a signal, null if it was not. */
export function stepsIn(log: string): { readonly steps: readonly string[]; readonly struckAt: number | null } {
  const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : [];
  const struck = lines.find((line) => line.startsWith("struck "));
  const steps = lines.filter((line) => line !== struck);
  return { steps, struckAt: struck === undefined ? null : Number(struck.slice("struck ".length)) };
}

/** Runs with --json and reads the answer. */
export async function json<T = Record<string, unknown>>(world: World, cwd: string, ...args: string[]): Promise<T & { ran: Ran }> {
  const ran = await run(world, cwd, [...args, "--json"]);
  try {
    return { ...(JSON.parse(ran.stdout) as T), ran };
  } catch {
    throw new Error(`fleet ${args.join(" ")} printed no JSON (exit ${ran.code}): ${ran.stdout}${ran.stderr}`);
  }
}
