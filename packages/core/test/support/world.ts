import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * A private world for one test: its own HOME, git settings, fleet home and tmux socket, and no
 * variable of the caller's that could lead a program out of it.
 */
export interface World {
  readonly root: string;
  readonly home: string;
  readonly fleetHome: string;
  readonly env: Record<string, string>;
  /** Runs git in a folder of the world. */
  git(cwd: string, ...args: string[]): string;
  /** A repository with one commit of these files. */
  repo(name?: string, files?: Record<string, string>): string;
  /** Writes a file, with its folders. */
  write(path: string, content: string, mode?: number): string;
  /** Names of the sessions of every tmux server in the world. */
  sessions(): string[];
  /** Runs tmux on the fleet's own server. */
  tmux(...args: string[]): string;
  /** Ends the world's tmux server, checks that no process of the world is left, removes all files. */
  dispose(): Promise<void>;
}

export function makeWorld(label = "w"): World {
  const root = realpathSync(mkdtempSync(join(tmpdir(), `fleet-${label}-`)));
  const home = join(root, "home");
  const fleetHome = join(home, ".ai_fleet");
  mkdirSync(home, { recursive: true });
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: home,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    TMPDIR: join(root, "tmp"),
    AI_FLEET_HOME: fleetHome,
    FLEET_TEST_WORLD: root,
  };
  mkdirSync(env.TMPDIR as string);
  writeFileSync(
    join(home, ".gitconfig"),
    '[user]\n\tname = Tester\n\temail = tester@example.invalid\n[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n[protocol "file"]\n\tallow = always\n',
  );
  const world: World = {
    root,
    home,
    fleetHome,
    env,
    git: (cwd, ...args) => execFileSync("git", args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
    write(path, content, mode) {
      // A home that is open to others would be closed, and told of, by the first command.
      mkdirSync(dirname(path), { recursive: true, mode: path.startsWith(fleetHome) ? 0o700 : 0o777 });
      writeFileSync(path, content, mode === undefined ? {} : { mode });
      return path;
    },
    repo(name = "repo", files = { "README.md": "# A repository\n" }) {
      const path = join(root, name);
      mkdirSync(path, { recursive: true });
      world.git(path, "init", "-q");
      for (const [file, content] of Object.entries(files)) world.write(join(path, file), content);
      world.git(path, "add", "-A");
      world.git(path, "commit", "-q", "-m", "first");
      return path;
    },
    sessions: () =>
      sockets(root).flatMap((socket) => {
        try {
          return execFileSync("tmux", ["-S", socket, "list-sessions", "-F", "#{session_name}"], {
            env,
            encoding: "utf8",
            stdio: ["ignore", "pipe", "ignore"],
          })
            .split("\n")
            .filter((line) => line !== "");
        } catch {
          return [];
        }
      }),
    tmux: (...args) =>
      execFileSync("tmux", ["-S", join(fleetHome, "tmux.sock"), ...args], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
    async dispose() {
      for (const socket of sockets(root)) {
        try {
          execFileSync("tmux", ["-S", socket, "kill-server"], { env, stdio: "ignore" });
        } catch {
          // No server on it any more.
        }
      }
      const left = await settle(
        () => processesOf(root),
        (pids) => pids.length === 0,
        3000,
      );
      for (const pid of left) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended by itself meanwhile.
        }
      }
      const names = left.map((pid) => commandOf(pid));
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
      if (left.length > 0) throw new Error(`The test left processes of its world running: ${left.join(", ")} ${names.join(" | ")}`);
    },
  };
  return world;
}

/** Polls until `good(probe())`, at most `ms`; returns the last answer either way. */
export async function settle<T>(probe: () => T | Promise<T>, good: (value: T) => boolean, ms = 10_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (good(value) || Date.now() >= end) return value;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Pids whose environment carries this world, this process left out. */
export function processesOf(root: string): number[] {
  const mark = `FLEET_TEST_WORLD=${root}`;
  const pids: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(mark)) pids.push(Number(name));
    } catch {
      // Gone, or not ours to read.
    }
  }
  return pids;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function sockets(root: string): string[] {
  try {
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isSocket())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
