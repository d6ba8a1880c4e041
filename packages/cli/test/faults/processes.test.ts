import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, settle, type World } from "../../../core/test/support/world.js";
import { listed } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { json, run } from "./support/run.js";

/** How long a command may take until nothing is left, milliseconds. */
const LIMIT = 5000;

/**
 * An agent with five children, each of which gets away in ways of its own. Each writes its pid down, so that the
 * test knows of it whatever it does to its environment; no child starts more than one.
 */
const CHILDREN: Readonly<Record<string, string>> = {
  "ignores HUP and TERM": `trap '' HUP TERM; echo $$ > "$1"; while :; do sleep 1000; done`,
  "has a session of its own": `setsid sh -c 'trap "" HUP TERM; echo $$ > "$0"; while :; do sleep 1000; done' "$1"`,
  "was forked twice": `(setsid sh -c 'trap "" HUP TERM; echo $$ > "$0"; exec sleep 1000' "$1" &) &`,
  "cleared its environment": `(env -i setsid sh -c 'trap "" HUP TERM; echo $$ > "$0"; exec /bin/sleep 1000' "$1" &) &`,
  "is suspended": `sh -c 'trap "" TERM; echo $$ > "$0"; kill -STOP $$; exec sleep 1000' "$1"`,
};

let world: World;
let repo: string;

function newWorld(): void {
  world = makeWorld("processes");
  repo = world.repo();
  const lines = Object.values(CHILDREN).map((code, i) => {
    const script = world.write(join(world.root, `child-${i}.sh`), code);
    return `sh ${script} "${world.root}/pid-$AIFLEET_BRANCH-${i}" &`;
  });
  const agent = world.write(join(world.root, "agent.sh"), `trap '' HUP TERM\n${lines.join("\n")}\necho up\nwhile :; do sleep 1000; done\n`);
  // One that dies when its children are there.
  const dies = world.write(
    join(world.root, "dies.sh"),
    `${lines.join("\n")}\nfor i in 0 1 2 3 4; do until [ -s "${world.root}/pid-$AIFLEET_BRANCH-$i" ]; do sleep 0.02; done; done\nexit 3\n`,
  );
  // One that, told to end, forks 400 times, one after the other: each is gone before a look at it could be followed by a signal.
  const forks = world.write(
    join(world.root, "forks.sh"),
    [
      `next() { [ "$1" -gt 0 ] || { : > "${world.root}/escaped"; exit 0; }; sleep 0.005; next $(($1 - 1)) & exit 0; }`,
      `trap 'go=1' TERM; while [ -z "$go" ]; do sleep 0.02; done; trap "$FORKS_TRAP" TERM; next 400`,
    ].join("\n"),
  );
  const commands = { brood: agent, dies, forks };
  world.write(
    join(world.fleetHome, "config.toml"),
    Object.entries(commands)
      .map(([name, file]) => `[agents.${name}]\ncommand = ["sh", "${file}"]\n`)
      .join(""),
    0o600,
  );
}

/** Pid and start time of each child of an agent, once all are there. */
async function brood(branch: string): Promise<string[]> {
  const files = Object.keys(CHILDREN).map((_, i) => join(world.root, `pid-${branch}-${i}`));
  const read = () => files.map((file) => (existsSync(file) ? readFileSync(file, "utf8").trim() : ""));
  const pids = await settle(read, (all) => all.every((pid) => pid !== ""));
  expect(pids.filter((pid) => pid === "")).toEqual([]);
  return pids.map((pid) => `${pid} ${startOf(pid)}`);
}

function startOf(pid: string): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

const isAlive = (identity: string): boolean => {
  const [pid = "", start] = identity.split(" ");
  return startOf(pid) === start;
};

/** Who has a folder as its working folder, as the kernel says. */
function processesIn(folder: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const cwd = /^\d+$/.test(name) ? readlinkSync(`/proc/${name}/cwd`) : "";
      return cwd.startsWith(folder) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Ends what a failed test left: only what wrote its own pid down. */
async function endWorld(): Promise<void> {
  for (const name of readdirSync(world.root).filter((name) => name.startsWith("pid-"))) {
    const pid = readFileSync(join(world.root, name), "utf8").trim();
    try {
      if (/^\d+$/.test(pid) && /agent|child|sleep|sh/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8")) && startedIn(pid))
        process.kill(Number(pid), "SIGKILL");
    } catch {
      // Gone, as it should be.
    }
  }
  await world.dispose();
}

function startedIn(pid: string): boolean {
  return readlinkSync(`/proc/${pid}/cwd`).startsWith(world.root);
}

describe("children that get away in every way are all gone within 5 s", () => {
  beforeEach(newWorld);
  afterEach(endWorld);

  const WAYS: readonly (readonly [string, readonly string[]])[] = [
    ["a kill", ["kill", "one"]],
    ["a stop", ["stop", "one"]],
    ["a kill by force", ["kill", "one", "--force", "--yes"]],
  ];
  it.each(LONG ? WAYS : WAYS.slice(0, 2))(
    "of %s",
    async (what, args) => {
      expect(await run(world, repo, ["create", "one", "--agent", "brood"])).toMatchObject({ code: 0 });
      const children = await brood("one");
      const { worktree } = (await listed(world, repo)).agents[0] as { worktree: string };
      expect(children.map(isAlive)).toEqual(children.map(() => true));
      expect(processesIn(worktree).length).toBeGreaterThanOrEqual(children.length);
      const ran = await run(world, repo, args);
      expect(ran).toMatchObject({ code: 0 });
      const kinds = Object.keys(CHILDREN);
      expect(kinds.filter((_, i) => isAlive(children[i] as string))).toEqual([]);
      expect(processesIn(worktree)).toEqual([]);
      expect(ran.ms).toBeLessThan(LIMIT);
      figure("R11", `${what}, ${kinds.length} kinds of children`, `all gone in ${(ran.ms / 1000).toFixed(1)} s`);
    },
    60_000,
  );

  it("of a start that failed", async () => {
    const began = performance.now();
    const ran = await run(world, repo, ["create", "one", "--agent", "dies"]);
    const ms = performance.now() - began;
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(/exit(ed)?.* 3/) });
    const pids = Object.keys(CHILDREN).map((_, i) => readFileSync(join(world.root, `pid-one-${i}`), "utf8").trim());
    expect(Object.keys(CHILDREN).filter((_, i) => startOf(pids[i] as string) !== null && startedInWorktree(pids[i] as string))).toEqual([]);
    expect((await listed(world, repo)).agents).toEqual([]);
    expect(processesOf(world.root).length).toBeLessThanOrEqual(1);
    figure("R11", "a failed start, children left behind", `all gone, the command took ${(ms / 1000).toFixed(1)} s`);
  }, 60_000);
});

describe("an agent that forks on and on when it is told to end", () => {
  beforeEach(newWorld);
  afterEach(endWorld);

  it("is ended by one signal to its process group", async () => {
    expect(await run(world, repo, ["create", "one", "--agent", "forks"], { FORKS_TRAP: "-" })).toMatchObject({ code: 0 });
    const { worktree } = (await listed(world, repo)).agents[0] as { worktree: string };
    const ran = await run(world, repo, ["kill", "one"]);
    expect(ran).toMatchObject({ code: 0 });
    expect(processesIn(worktree)).toEqual([]);
    expect(existsSync(join(world.root, "escaped"))).toBe(false);
    figure("R11", "an agent that forks faster than it can be looked at", `gone in ${(ran.ms / 1000).toFixed(1)} s`);
  }, 60_000);
});

function startedInWorktree(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(world.fleetHome);
  } catch {
    return false;
  }
}

describe("what is not the agent's lives on", () => {
  let others: string[];
  let shell: string;
  let server: string;
  let socket: string;
  let gone: string[];

  beforeAll(async () => {
    newWorld();
    const made = await json<{ agents: { branch: string; worktree: string }[] }>(
      world,
      repo,
      "fanout",
      "2",
      "a",
      "--agent",
      "brood",
      "--prompt",
      "x",
    );
    expect(made.agents).toHaveLength(2);
    others = await brood("a-2");
    const children = await brood("a-1");
    const { worktree } = made.agents[0] as { worktree: string };
    // The user looks around in the worktree, in a shell of their own.
    const user = spawn("sh", ["-c", "while :; do sleep 1000; done"], { cwd: worktree, env: world.env, stdio: "ignore", detached: true });
    shell = `${user.pid} ${startOf(String(user.pid))}`;
    // The agent starts a tmux server: with the agent's own environment and in its folder.
    socket = join(world.root, "theirs.sock");
    const agent = processesIn(worktree)
      .map((pid) => [pid, environOf(pid)] as const)
      .find(([, env]) => env.AIFLEET_BRANCH === "a-1");
    expect(agent).toBeDefined();
    const tmux = ["tmux", "-f", "/dev/null", "-S", socket, "new-session", "-d", "-s", "theirs", "sleep 1000"];
    const soft = /Max resident set +(\d+)/.exec(readFileSync(`/proc/${agent?.[0]}/limits`, "utf8"))?.[1] ?? "";
    expect(soft).toMatch(/^\d+$/);
    execFileSync("sh", ["-c", `ulimit -S -m ${Number(soft) / 1024}; exec "$@"`, "sh", ...tmux], { cwd: worktree, env: agent?.[1] ?? {} });
    const pid = execFileSync("tmux", ["-S", socket, "display-message", "-p", "#{pid}"], { env: world.env, encoding: "utf8" }).trim();
    server = `${pid} ${startOf(pid)}`;
    expect([...others, ...children, shell, server].filter((one) => !isAlive(one))).toEqual([]);
    expect(await run(world, repo, ["kill", "a-1", "--force", "--yes"])).toMatchObject({ code: 0 });
    gone = children;
  }, 60_000);
  afterAll(async () => {
    try {
      process.kill(-Number(shell.split(" ")[0]), "SIGKILL");
      await run(world, repo, ["kill", "--all", "--force", "--yes"]);
    } finally {
      await endWorld();
    }
  }, 60_000);

  it("when a neighbour is killed: another agent and all its children", () => {
    expect(gone.filter(isAlive)).toEqual([]);
    expect(others.filter((one) => !isAlive(one))).toEqual([]);
  });

  it("the user's own shell in the worktree", () => {
    expect(isAlive(shell)).toBe(true);
  });

  it("a tmux server that was started from inside the agent, with what runs in it", () => {
    expect(isAlive(server)).toBe(true);
    const panes = execFileSync("tmux", ["-S", socket, "list-panes", "-a", "-F", "#{session_name} #{pane_dead}"], {
      env: world.env,
      encoding: "utf8",
    });
    expect(panes).toBe("theirs 0\n");
    figure("R11", "another agent's tree, the user's shell, a tmux server from inside", "3 of 3 live on");
  });
});

function environOf(pid: number): Record<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
  } catch {
    return {};
  }
}
