import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { processesOf, settle, type World } from "../../../../core/test/support/world.js";
import { json, type Ran } from "./run.js";

export interface Listed {
  readonly id: string;
  readonly branch: string;
  readonly worktree: string;
  readonly session: string;
  readonly status: string;
  readonly batch: string | null;
  readonly adapter: string;
}

/** What `fleet list` says, the next command after whatever happened. */
export async function listed(world: World, repo: string): Promise<{ agents: Listed[]; ran: Ran }> {
  const { agents, ran } = await json<{ agents: Listed[] }>(world, repo, "list");
  if (ran.code !== 0) throw new Error(`fleet list: exit ${ran.code} ${ran.stdout} ${ran.stderr}`);
  return { agents, ran };
}

/** What the registry says right now, without asking the fleet, which would put it right first. */
export function recorded(world: World): Listed[] {
  try {
    return (JSON.parse(readFileSync(join(world.fleetHome, "state.json"), "utf8")) as { agents: Listed[] }).agents;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Caches: nobody minds if they are lost or old. */
const PASSIVE = new Set(["observed.json", "tools.json", "queue.json"]);

export interface Expectation {
  /** Branches that are nobody's and belong there. */
  readonly branches?: readonly string[];
  /** Worktrees in the fleet's folder that are a user's own by now. */
  readonly worktrees?: readonly string[];
  /** Agents that are gone and whose logs may be kept. */
  readonly ended?: readonly string[];
  /** Whether some were killed with `--delete-branch`: their commits alone may lie in the trash. */
  readonly commitsAlone?: boolean;
  /** Whether agents were killed at some instant: their own git may have left locks in their worktrees' registrations. */
  readonly cutOff?: boolean;
}

/**
 * Everything that is there and belongs to no listed agent, and everything a listed agent lacks, asked
 * of git, tmux, the kernel and the disk, not of the fleet. Empty: state = git = tmux = /proc.
 */
export async function strays(world: World, repo: string, all: readonly Listed[], expected: Expectation = {}): Promise<string[]> {
  const found: string[] = [];
  // Large ones are deleted behind the command's back, by a process that must leave nothing, itself included.
  await settle(
    () => names(join(world.fleetHome, "worktrees")).filter((name) => name.startsWith(".aifleet-delete-")),
    (left) => left.length === 0,
    10_000,
  );
  const say = (what: string) => found.push(what);
  const ids = new Set(all.map(({ id }) => id));
  const queued = new Set(names(join(world.fleetHome, "queue")).flatMap((name) => /^(.+)\.agent\.json$/.exec(name)?.[1] ?? []));
  for (const id of queued) if (!ids.has(id)) say(`queue/${id}.agent.json of no agent`);
  for (const { id, branch, status } of all) if (status === "queued" && !queued.has(id)) say(`${branch} is queued without its file`);
  // Of those in the queue nothing else is there.
  const agents = all.filter(({ id }) => !queued.has(id));
  const git = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)("git", args, { cwd: repo, env: world.env });
    return stdout.split("\n").filter(Boolean);
  };
  const [registered, refs] = await Promise.all([
    git("worktree", "list", "--porcelain"),
    git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/fleet"),
  ]);

  const common = existsSync(join(repo, ".git")) ? join(repo, ".git") : repo;
  const pool = poolOf(common);
  for (const { worktree, ready, base } of pool) {
    if (!ready) say(`${worktree} is half of a worktree for the pool`);
    const at = registered.indexOf(`worktree ${worktree}`);
    if (at >= 0 && registered[at + 1] !== `HEAD ${base}`) say(`${worktree} is of the pool, and does not stand where it was made`);
    if (at >= 0 && registered[at + 2] !== "detached") say(`${worktree} is of the pool, and on a branch`);
  }
  const worktrees = registered.filter((line) => line.startsWith("worktree "));
  const warm = pool.map(({ worktree }) => worktree);
  compare(
    "worktree",
    worktrees.map((line) => line.slice(9)).filter((path) => path !== repo),
    [...agents.map(({ worktree }) => worktree), ...(expected.worktrees ?? []), ...warm],
    say,
  );
  for (const { worktree, branch } of agents) {
    if (!existsSync(join(worktree, ".git"))) say(`${branch} has no folder at ${worktree}`);
    const at = registered.indexOf(`worktree ${worktree}`);
    if (at >= 0 && registered[at + 2] !== `branch refs/heads/${branch}`) say(`${worktree} does not stand on ${branch}`);
    if (registered[at + 3]?.startsWith("locked")) say(`${worktree} is locked`);
  }
  compare(
    "branch",
    refs.filter((ref) => ref.startsWith("refs/heads/")).map((ref) => ref.slice("refs/heads/".length)),
    ["main", ...(expected.branches ?? []), ...agents.map(({ branch }) => branch)],
    say,
  );

  const saved = savedIds(world);
  for (const ref of refs) {
    if (ref.startsWith("refs/fleet/") && !saved.some((id) => ref.includes(id))) say(`the ref ${ref} belongs to nothing in the trash`);
  }
  const tracked = new Set(agents.map(({ branch }) => branch));
  for (const [, branch] of readFileSync(join(common, "config"), "utf8").matchAll(/^\[branch "(.+)"\]$/gm)) {
    if (!tracked.has(branch as string)) say(`a section branch.${branch} in .git/config`);
  }
  for (const path of everything(common)) {
    const name = path.split("/").at(-1) as string;
    if (name === "aifleet.json" && ![...agents, ...pool].some(({ id }) => readFileSync(path, "utf8").includes(`"${id}"`)))
      say(`${path}, of no agent`);
    if (expected.cutOff === true && /\/worktrees\/[^/]+\/[^/]+\.lock$/.test(path)) continue;
    if (/^aifleet-(?!.*json)|\.lock($|\.)|^\.?tmp-|\.aifleet-tmp|\.tmp$/.test(name)) say(`${path} in the repository`);
  }

  const sessions = sessionsOf(world);
  for (const { name, agent } of sessions) if (!ids.has(agent)) say(`the session ${name} of ${agent || "nobody"}`);
  for (const { id, branch, status } of agents) {
    const count = sessions.filter(({ agent }) => agent === id).length;
    if (count > 1) say(`${branch} has ${count} sessions`);
    if (count === 0 && ["working", "idle", "waiting", "starting"].includes(status)) say(`${branch} is ${status} without a session`);
    if (status === "starting") say(`${branch} is starting, and nobody starts it`);
  }

  const live = new Set(sessions.filter(({ dead }) => !dead).map(({ agent }) => agent));
  // What a killed command left running (git, rm) may still be on its way out.
  const foreign = await settle(
    () => processesOf(world.root).filter((pid) => !live.has(agentOf(pid) ?? "-")),
    (pids) => pids.length === 0,
    1500,
  );
  for (const pid of foreign) say(`the process ${pid} ${commandOf(pid)} of ${agentOf(pid) ?? "no agent"}`);

  for (const pid of await settle(
    () => watchersOf(world),
    (pids) => pids.length === 0,
    1500,
  ))
    say(`the process ${pid} ${commandOf(pid)} that watches for nobody`);

  const home = world.fleetHome;
  for (const name of names(join(home, "journal"))) say(`journal/${name}`);
  for (const name of names(join(home, "run"))) if (!PASSIVE.has(name)) say(`run/${name}`);
  // tmux itself takes over the file of a tmux killed while it started the server, and removes it, when it starts the next one.
  const tmuxOwn = "tmux.sock.lock";
  for (const name of names(home)) if (name !== tmuxOwn && /\.(lock|new|tmp)(\.|$)|^\.tmp/.test(name)) say(`${name} in the home`);
  const kept = new Set([...ids, ...saved, ...(expected.ended ?? [])]);
  for (const name of names(join(home, "logs"))) if (!kept.has(name.split(".")[0] as string)) say(`logs/${name}`);
  for (const name of names(join(home, "cache"))) if (!name.endsWith(".cache")) say(`cache/${name}`);
  for (const project of names(join(home, "worktrees"))) {
    for (const slug of names(join(home, "worktrees", project))) {
      const path = join(home, "worktrees", project, slug);
      const known = [...agents.map(({ worktree }) => worktree), ...(expected.worktrees ?? []), ...warm];
      if (!known.includes(path)) say(`the folder ${path}`);
    }
  }
  for (const id of names(join(home, "trash"))) {
    if (!existsSync(join(home, "trash", id, "saved.json"))) say(`trash/${id} without its note`);
    if (expected.commitsAlone !== true && !existsSync(join(home, "trash", id, "tree"))) say(`trash/${id} without its folder`);
    if (ids.has(id)) say(`trash/${id} of an agent that is there`);
  }
  const state = join(home, "state.json");
  if (existsSync(state)) {
    const known = (JSON.parse(readFileSync(state, "utf8")) as { agents: { id: string }[] }).agents.map(({ id }) => id);
    compare("record", known, [...ids], say);
  } else if (ids.size > 0) say("agents without a registry");
  return found;
}

/** The worktrees that are kept for agents to come, by their marks. */
function poolOf(common: string): { id: string; worktree: string; base: string; ready: boolean }[] {
  return names(join(common, "worktrees")).flatMap((name) => {
    try {
      const { warm } = JSON.parse(readFileSync(join(common, "worktrees", name, "aifleet.json"), "utf8"));
      return warm === undefined ? [] : [warm];
    } catch {
      return [];
    }
  });
}

function compare(what: string, there: readonly string[], wanted: readonly string[], say: (text: string) => void): void {
  for (const one of there) if (!wanted.includes(one)) say(`the ${what} ${one} belongs to no agent`);
  for (const one of wanted) if (!there.includes(one)) say(`the ${what} ${one} is missing`);
}

/** Ids of what lies in the trash, whole. */
export function savedIds(world: World): string[] {
  return names(join(world.fleetHome, "trash")).filter((id) => existsSync(join(world.fleetHome, "trash", id, "saved.json")));
}

export function sessionsOf(world: World): { name: string; agent: string; dead: boolean }[] {
  const socket = join(world.fleetHome, "tmux.sock");
  if (!existsSync(socket)) return [];
  try {
    const format = "#{session_name}|#{@aifleet_id}|#{pane_dead}";
    return execFileSync("tmux", ["-u", "-N", "-S", socket, "list-panes", "-a", "-F", format], {
      env: world.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    })
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [name = "", agent = "", dead = ""] = line.split("|");
        return { name, agent, dead: dead === "1" };
      });
  } catch {
    return [];
  }
}

/** The tmux clients through which somebody is told of changes, with what was started for them; their environment names no world. */
export function watchersOf(world: World): number[] {
  const words = `\0-S\0${join(world.fleetHome, "tmux.sock")}\0-C\0`;
  return names("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(words);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Id of the agent that a process says it belongs to. */
export function agentOf(pid: number): string | null {
  try {
    const entry = readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .find((line) => line.startsWith("AIFLEET_ID="));
    return entry?.slice("AIFLEET_ID=".length) ?? null;
  } catch {
    return null;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 80);
  } catch {
    return "(gone)";
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** All in a repository but its objects. */
function everything(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() && entry.name !== "objects" ? [path, ...everything(path)] : [path];
  });
}

/** Files of a folder with content and mode, `.git` left out. */
export function contentOf(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(folder, name);
    const stat = statSync(path);
    if (name === ".git" || name.startsWith(".git/") || !stat.isFile()) continue;
    files[name] = `${(stat.mode & 0o777).toString(8)} ${readFileSync(path, "utf8")}`;
  }
  return files;
}
