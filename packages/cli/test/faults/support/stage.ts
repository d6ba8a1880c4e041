import { execFile, execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeWorld, processesOf, type World } from "../../../../core/test/support/world.js";
import { type Listed, listed, savedIds, sessionsOf } from "./oracle.js";

const exec = promisify(execFile);

export interface Scene {
  readonly world: World;
  readonly repo: string;
}

/** What was there before the command. */
export interface Before {
  readonly agents: readonly Listed[];
  /** Ids of agents that were there or in the trash: their logs may be kept. */
  readonly ids: readonly string[];
  /** Branches with commits of their own, by name. */
  readonly branches: ReadonlySet<string>;
  readonly commits: readonly string[];
}

/** Folders where a world costs no disk: a kill is a kill on any file system. */
const FAST = "/dev/shm";

/** Caches and logs, which nobody minds, and git's objects: what no ref names is not there. */
const PASSED_OVER =
  /^(home\/\.ai_fleet\/(run\/(observed|tools)\.json|logs\/.*|tmux\.sock|cache\/.*)|tmp\/.*|took\.txt|prompts\.jsonl|repo\/\.git\/(objects\/.*|.*\/?index|logs\/.*|.*\/logs\/.*))$/;

interface Running {
  readonly agent: string;
  readonly name: string;
  readonly pid: number;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
}

/**
 * A world that is set up once and put back as it was after each command that changed it: its files are
 * copied, its sessions started again. That costs a tenth of making it anew, and leaving it alone costs nothing
 * where the command was undone and all is as it was.
 */
export class Stage {
  readonly scene: Scene;
  readonly before: Before;
  readonly #running: readonly Running[];
  readonly #kept: string;
  /** Where the trash lies if it is on another file system, null if not. */
  readonly #far: string | null;
  #asItWas = "";

  private constructor(scene: Scene, before: Before, running: readonly Running[]) {
    this.scene = scene;
    this.before = before;
    this.#running = running;
    this.#kept = `${scene.world.root}.kept`;
    const trash = join(scene.world.fleetHome, "trash");
    this.#far = lstatSync(trash, { throwIfNoEntry: false })?.isSymbolicLink() === true ? realpathSync(trash) : null;
  }

  static async make(setUp: (scene: Scene) => Promise<void>): Promise<Stage> {
    if (process.env.FLEET_FAULTS_DISK !== "1" && existsSync(FAST)) process.env.TMPDIR = FAST;
    const world = makeWorld("kill9");
    const agents =
      '[agents.still]\ncommand = ["sh", "-c", "exec cat"]\n\n[agents.reader]\ncommand = ["sh", "-c", "cat >> \\"$FLEET_TEST_WORLD/took.txt\\""]\nprompt_via = "paste"\n';
    world.write(join(world.fleetHome, "config.toml"), agents, 0o600);
    const repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "*.ignored\n", "src/a.txt": "a\n" });
    rmSync(join(repo, ".git/hooks"), { recursive: true, force: true });
    const scene = { world, repo };
    try {
      await setUp(scene);
      const { agents } = await listed(world, repo);
      const lines = world.git(repo, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").split("\n").filter(Boolean);
      const base = world.git(repo, "rev-parse", "main").trim();
      const own = lines.map((line) => line.split(" ") as [string, string]).filter(([, tip]) => tip !== base);
      const before = {
        agents,
        ids: [...agents.map(({ id }) => id), ...savedIds(world)],
        branches: new Set(own.map(([name]) => name)),
        commits: own.map(([, tip]) => tip),
      };
      const stage = new Stage(scene, before, runningIn(scene, agents));
      await stage.#endSessions();
      for (const [from, to] of stage.#copies()) await exec("cp", ["-a", from, to]);
      await stage.#putBack();
      return stage;
    } catch (error) {
      await world.dispose();
      throw error;
    }
  }

  /** The world as it was set up; `now`: what is there, as far as that is known. */
  async ready(now?: readonly Listed[]): Promise<void> {
    const same = now !== undefined && aliveOf(now) === aliveOf(this.before.agents) && this.#print() === this.#asItWas;
    if (!same) await this.#putBack();
  }

  async dispose(): Promise<void> {
    for (const place of [this.#kept, ...(this.#far === null ? [] : (this.#copies().at(-1) ?? []))])
      rmSync(place, { recursive: true, force: true });
    await this.scene.world.dispose();
  }

  /** Folders of the world, each with where it is kept. */
  #copies(): [place: string, kept: string][] {
    const far: [string, string][] = this.#far === null ? [] : [[this.#far, `${this.#far}.kept`]];
    return [[this.scene.world.root, this.#kept], ...far];
  }

  async #putBack(): Promise<void> {
    await this.#endSessions();
    for (const [to, from] of this.#copies()) await exec("sh", ["-c", 'rm -rf -- "$1" && cp -a -- "$2" "$1"', "-", to, from]);
    for (const one of this.#running) await this.#raise(one);
    this.#asItWas = this.#print();
  }

  async #endSessions(): Promise<void> {
    const { world } = this.scene;
    if (existsSync(join(world.fleetHome, "tmux.sock"))) await this.#tmux("kill-server").catch(() => {});
    for (const pid of processesOf(world.root)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It went by itself.
      }
    }
  }

  #tmux(...args: string[]): Promise<{ stdout: string }> {
    const { env, fleetHome } = this.scene.world;
    const argv = ["-u", "-f", join(fleetHome, "tmux.conf"), "-S", join(fleetHome, "tmux.sock"), ...args];
    return exec("tmux", argv, { env: { PATH: env.PATH, HOME: env.HOME, LANG: "C.UTF-8", TERM: "xterm-256color" } });
  }

  /** A session as the fleet starts it, and the new pid in what is written of it. */
  async #raise({ agent, name, pid, cwd, argv, env }: Running): Promise<void> {
    const { world } = this.scene;
    const target = `=${name}:`;
    const words = ["sh", "-c", 'cd "$1"; shift; exec env -i "$@"', "-", cwd, ...env, ...argv];
    const { stdout } = await this.#tmux(
      ...["new-session", "-d", "-P", "-F", "#{pane_pid}", "-s", name, "-n", name, "-c", "/", "-x", "200", "-y", "50", "--", ...words, ";"],
      ...["pipe-pane", "-O", "-t", target, `umask 077; exec cat >> ${join(world.fleetHome, "logs", `${agent}.log`)}`, ";"],
      ...["set-option", "-t", target, "@aifleet_id", agent, ";", "set-option", "-F", "-t", target, "@aifleet_pane", "#{pane_id}", ";"],
      ...["set-option", "-w", "-t", target, "remain-on-exit", "on"],
    );
    const now = Number(stdout);
    const records = [join(world.fleetHome, "state.json"), ...marksOf(this.scene.repo)];
    for (const file of records) {
      const text = readFileSync(file, "utf8");
      const exact = new RegExp(`"pid": ?${pid},(\\s*)"start": ?"\\d+"`, "g");
      const changed = text.replace(exact, (_, space) => `"pid":${now},${space}"start":"${startOf(now)}"`);
      if (changed !== text) writeFileSync(file, changed);
    }
  }

  /** All files of the world that count, with mode and size. */
  #print(): string {
    const { root } = this.scene.world;
    const lines: string[] = [];
    const walk = (folder: string): void => {
      for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
        const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (PASSED_OVER.test(path)) continue;
        if (entry.isDirectory() && path !== "repo/.git/objects") walk(path);
        const { mode, size } = lstatSync(join(root, path));
        lines.push(entry.isDirectory() ? `${path}/ ${mode}` : `${path} ${mode} ${size}`);
      }
    };
    walk("");
    return lines.sort().join("\n");
  }
}

/** Stages by what stands on them, kept for the commands to come. */
const stages = new Map<(scene: Scene) => Promise<void>, Stage[]>();

export async function stageFor(setUp: (scene: Scene) => Promise<void>, worker: number): Promise<Stage> {
  const made = stages.get(setUp) ?? [];
  stages.set(setUp, made);
  made[worker] ??= await Stage.make(setUp);
  return made[worker];
}

export async function disposeStages(): Promise<void> {
  for (const made of stages.values()) for (const stage of made) await stage.dispose();
  stages.clear();
}

function aliveOf(agents: readonly Listed[]): string {
  const alive = (status: string) => (["working", "idle", "waiting"].includes(status) ? "alive" : status);
  return agents
    .map(({ id, status }) => `${id} ${alive(status)}`)
    .sort()
    .join("\n");
}

function runningIn({ world }: Scene, agents: readonly Listed[]): Running[] {
  return sessionsOf(world)
    .filter(({ dead }) => !dead)
    .map(({ name, agent }) => {
      const pid = Number(
        execFileSync("tmux", ["-S", join(world.fleetHome, "tmux.sock"), "list-panes", "-t", `=${name}:`, "-F", "#{pane_pid}"], {
          env: world.env,
          encoding: "utf8",
        }),
      );
      const cwd = agents.find(({ id }) => id === agent)?.worktree ?? world.root;
      return { agent, name, pid, cwd, argv: wordsOf(pid, "cmdline"), env: wordsOf(pid, "environ") };
    });
}

function wordsOf(pid: number, what: "cmdline" | "environ"): string[] {
  return readFileSync(`/proc/${pid}/${what}`, "utf8").split("\0").slice(0, -1);
}

function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] as string;
}

function marksOf(repo: string): string[] {
  const folder = join(repo, ".git/worktrees");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.map((name) => join(folder, name, "aifleet.json")).filter((file) => statSync(file, { throwIfNoEntry: false }) !== undefined);
}
