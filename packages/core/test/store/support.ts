import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { homePaths } from "../../src/config/paths.js";
import { procfsDriver } from "../../src/drivers/process/index.js";
import { fileLocks, fileStore } from "../../src/drivers/store/index.js";
import { localHost } from "../../src/host/index.js";
import type { World } from "../support/world.js";

export function makeLocks() {
  return fileLocks({ processes: procfsDriver({ host: localHost() }) });
}

export function makeStore(home: string) {
  return fileStore({ paths: homePaths(home), locks: makeLocks() });
}

/** The worker as one plain file, so that 64 of them start quickly. */
export async function buildWorker(): Promise<string> {
  const outfile = join(import.meta.dirname, "..", "..", "node_modules", ".cache", `store-worker-${process.pid}.mjs`);
  mkdirSync(join(outfile, ".."), { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, "worker.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  return outfile;
}

export function startWorker(world: World, file: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [file, ...args], { env: world.env, stdio: ["ignore", "pipe", "inherit"] });
}

/** Waits until a worker says that it holds the lock. */
export async function untilHeld(worker: ChildProcess): Promise<void> {
  for await (const chunk of worker.stdout ?? []) if (String(chunk).includes("held")) return;
  throw new Error("The worker ended without the lock.");
}

export async function ended(worker: ChildProcess): Promise<number | null> {
  if (worker.exitCode !== null || worker.signalCode !== null) return worker.exitCode;
  const [code] = (await once(worker, "exit")) as [number | null];
  return code;
}
