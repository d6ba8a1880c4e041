import { homedir, tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { sha256 } from "../model/index.js";

/** Everything that lies under `AI_FLEET_HOME`. */
export interface HomePaths {
  readonly home: string;
  readonly config: string;
  readonly state: string;
  readonly worktrees: string;
  readonly logs: string;
  /** Prompts that wait for their agents to be idle. */
  readonly queue: string;
  readonly trash: string;
  readonly trust: string;
  readonly journal: string;
  readonly run: string;
  /** Which builds of git and tmux were found new enough. */
  readonly tools: string;
  readonly tmuxConf: string;
  readonly tmuxSocket: string;
}

/** Longest path a Unix socket may have with room to spare: the kernel's limit is 108 bytes, 104 on macOS. */
const SOCKET_PATH_BYTES = 100;

/** The fleet's folder: `AI_FLEET_HOME`, or `~/.ai_fleet`. */
export function homeOf(env: Readonly<Record<string, string | undefined>>): string {
  const named = env.AI_FLEET_HOME;
  return resolve(named !== undefined && named !== "" ? named : join(env.HOME || homedir(), ".ai_fleet"));
}

/** Where things live under one home. Computes only; touches nothing. */
export function homePaths(home: string, socket: string | null = null): HomePaths {
  return {
    home,
    config: join(home, "config.toml"),
    state: join(home, "state.json"),
    worktrees: join(home, "worktrees"),
    logs: join(home, "logs"),
    queue: join(home, "queue"),
    trash: join(home, "trash"),
    trust: join(home, "trust.json"),
    journal: join(home, "journal"),
    run: join(home, "run"),
    tools: join(home, "run", "tools.json"),
    tmuxConf: join(home, "tmux.conf"),
    tmuxSocket: socket ?? shortEnough(join(home, "tmux.sock"), home),
  };
}

/** The socket in the home, or, where its path is too long for a socket, a short one of the user's own under the temporary directory. */
function shortEnough(socket: string, home: string): string {
  if (Buffer.byteLength(socket) <= SOCKET_PATH_BYTES) return socket;
  const hash = sha256(home).slice(0, 12);
  return join(tmpdir(), `aifleet-${userInfo().uid}`, `${hash}.sock`);
}
