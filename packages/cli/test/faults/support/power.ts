import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processesOf, settle, type World } from "../../../../core/test/support/world.js";
import { agentOf } from "./oracle.js";

const OTHER_BOOT = "00000000-0000-0000-0000-000000000000";

/** Pid of the world's own tmux server, null where none runs. */
export function serverOf(world: World): number | null {
  const socket = join(world.fleetHome, "tmux.sock");
  const isServer = (pid: number) =>
    read(`/proc/${pid}/comm`).trim() === "tmux: server" && read(`/proc/${pid}/cmdline`).includes(`\0${socket}\0`);
  return (
    readdirSync("/proc")
      .map(Number)
      .find((pid) => pid > 0 && isServer(pid)) ?? null
  );
}

/** Kills the server by its pid, and with `agents` all agents as well; waits until they are gone. */
export async function killServer(world: World, options: { readonly agents: boolean }): Promise<void> {
  const server = serverOf(world);
  if (server !== null) process.kill(server, "SIGKILL");
  const left = () => processesOf(world.root).filter((pid) => agentOf(pid) !== null);
  if (options.agents) for (const pid of left()) kill(pid);
  await settle(
    () => [serverOf(world), ...(options.agents ? left() : [])],
    (there) => there.every((pid) => pid === null),
  );
}

/** Everything that is written down says another boot: records, marks, transactions under way and locks. Answers with how many files did. */
export function writeOtherBoot(world: World, repo: string): number {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  let changed = 0;
  for (const file of written(world, repo)) {
    const text = read(file);
    if (!text.includes(boot)) continue;
    changed += 1;
    writeFileSync(file, text.replaceAll(boot, OTHER_BOOT));
  }
  return changed;
}

/** Changes the text of everything that is written down about agents. */
export function rewrite(world: World, repo: string, change: (text: string) => string): void {
  for (const file of written(world, repo)) {
    const text = read(file);
    if (change(text) !== text) writeFileSync(file, change(text));
  }
}

function written(world: World, repo: string): string[] {
  const home = ["state.json", "journal", "run"].map((name) => join(world.fleetHome, name));
  return [...home, join(repo, ".git", "worktrees"), join(repo, ".git", "aifleet.lock")].flatMap(filesIn);
}

function filesIn(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /^aifleet\.json$|^owner$|\.jsonl$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOTDIR" ? [path] : [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
