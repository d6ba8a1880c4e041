import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { World } from "../../../../core/test/support/world.js";
import { BIN } from "../../support/cli.js";

const PRELOAD = fileURLToPath(new URL("preload.cjs", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Agents of the world are demo agents at full speed that note each prompt they take. */
export function fleetEnv(world: World): Record<string, string> {
  return { ...world.env, AIFLEET_AGENT_DEFAULT: "demo", DEMO_AGENT_SPEED: "0", DEMO_AGENT_LOG: join(world.root, "prompts.jsonl") };
}

/** Runs the built command to its end, whatever that is. */
export function run(world: World, cwd: string, args: readonly string[], extra: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { ...fleetEnv(world), ...extra },
      stdio: ["ignore", "pipe", "pipe"],
    });
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
      const ended = performance.now();
      setImmediate(() => resolve({ code, signal, stdout, stderr, ms: ended - began }));
    });
    if (extra.FAULT_AT === undefined) {
      child.removeAllListeners("exit");
      child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr, ms: performance.now() - began }));
    }
  });
}

/** Runs the command and kills it at step `at`; answers with the steps it came to, the last one the fatal. */
export async function runUntil(
  world: World,
  cwd: string,
  args: readonly string[],
  at: number,
  signal: NodeJS.Signals = "SIGKILL",
): Promise<Ran & { readonly steps: readonly string[] }> {
  const log = join(world.root, "steps");
  rmSync(log, { force: true });
  const ran = await run(world, cwd, args, {
    NODE_OPTIONS: `--require=${PRELOAD}`,
    FAULT_AT: String(at),
    FAULT_LOG: log,
    FAULT_ROOT: `${world.root}/`,
    FAULT_SIGNAL: signal,
  });
  let steps: string[] = [];
  try {
    steps = readFileSync(log, "utf8").split("\n").filter(Boolean);
  } catch {
    // It came to none.
  }
  return { ...ran, steps };
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
