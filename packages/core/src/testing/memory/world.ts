import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FleetOpenOptions } from "../../fleet/types.js";
import type { AgentAdapter, Clock, Ids, Store } from "../../ports/index.js";
import { memoryAgent } from "./agent.js";
import { sequentialIds } from "./clock.js";
import { MemoryDisk } from "./disk.js";
import { type MemoryGit, memoryGit } from "./git.js";
import { type MemoryCommand, type MemoryHost, memoryHost } from "./host.js";
import { type MemoryProcesses, memoryProcesses } from "./process.js";
import { type MemoryProgram, type MemorySessions, memorySessions } from "./session.js";
import { memoryJournal, memoryLocks, memoryStore } from "./store.js";
import { memoryTools } from "./tools.js";

/** What {@link memoryWorld} takes. */
export interface MemoryWorldOptions {
  /** Agent programs by name. Each gets an adapter of its name ({@link memoryAgent}); the first is the default agent. */
  readonly programs: Readonly<Record<string, MemoryProgram>>;
  /** Adapters of your own; one with the name of a program stands in for that program's. */
  readonly adapters?: readonly AgentAdapter[];
  /** Programs that `exec` and setup commands find, by `argv[0]`; a setup command is run by `/bin/sh`, which finds it in `AIFLEET_SETUP`. @default none */
  readonly commands?: Readonly<Record<string, MemoryCommand>>;
  /** Files of the repository's first commit. @default a README.md */
  readonly files?: Readonly<Record<string, string>>;
  /** @default the system's clock */
  readonly clock?: Clock;
  /** @default a0000001, a0000002, … */
  readonly ids?: Ids;
}

/** A repository and everything a fleet needs to work on it, in memory. */
export interface MemoryWorld {
  /** What to open a fleet with. Several fleets opened with it see each other's agents, as several commands do. */
  readonly options: FleetOpenOptions & { readonly repo: string };
  /** The repository's folder. */
  readonly repo: string;
  readonly git: MemoryGit;
  readonly sessions: MemorySessions;
  readonly processes: MemoryProcesses;
  readonly host: MemoryHost;
  readonly store: Store;
  /** Ends every program and removes the temporary folder that holds the settings. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A world for a whole fleet without git, tmux or an agent program: nothing is started, and of the real
 * disk only a temporary folder is touched, which holds `config.toml`.
 *
 * @example
 * const world = await memoryWorld({
 *   programs: {
 *     async coder(terminal) {
 *       terminal.print(`You said: ${terminal.argv.at(-1)}\n`);
 *       for await (const prompt of terminal.lines()) {
 *         if (prompt === "leave") break; // the agent is `done`
 *         await world.git.bench.writeFile(terminal.cwd, "notes.txt", prompt);
 *       }
 *     },
 *   },
 * });
 * const fleet = await Fleet.open(world.options);
 * const agent = await fleet.createAgent({ branch: "fix-auth", prompt: "Fix the login bug" });
 * await agent.waitFor("idle");
 * await agent.prompt("Write it down"); // notes.txt is there now, and `agent.kill()` refuses to lose it
 * world.sessions.crash();              // the agent is `lost`, `agent.resume()` brings it back
 * await world.dispose();
 */
export async function memoryWorld(options: MemoryWorldOptions): Promise<MemoryWorld> {
  const now = () => options.clock?.now() ?? Date.now();
  const disk = new MemoryDisk(now);
  const names = Object.keys(options.programs);
  // Programs are looked for on PATH before anything is made.
  disk.makeFolder("/bin", 0o755);
  for (const name of names) disk.write(join("/bin", name), "", 0o755);

  const env = { PATH: "/bin", HOME: "/home/tester", ...(names[0] === undefined ? {} : { AIFLEET_AGENT_DEFAULT: names[0] }) };
  const host = memoryHost({ disk, env, commands: { ...memoryTools(disk), ...options.commands } });
  const git = memoryGit({ disk });
  const processes = memoryProcesses();
  const hasFolder = (path: string) => disk.list(path) !== null;
  const sessions = memorySessions({ programs: options.programs, hasFolder, files: host.files, processes, now });
  const store = memoryStore();
  const repo = await git.bench.makeRepo(options.files);
  const home = join(tmpdir(), `aifleet-memory-${randomBytes(6).toString("hex")}`);
  const dispose = async () => {
    sessions.crash();
    await rm(home, { recursive: true, force: true });
  };
  return {
    repo,
    git,
    sessions,
    processes,
    host,
    store,
    options: {
      repo,
      home,
      env,
      host,
      git,
      sessions,
      processes,
      store,
      locks: memoryLocks(),
      journal: memoryJournal(),
      adapters: [...names.map((name) => memoryAgent({ name })), ...(options.adapters ?? [])],
      ids: options.ids ?? sequentialIds(),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
