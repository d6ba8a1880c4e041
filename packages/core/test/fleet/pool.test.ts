import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fleet, FleetOpenOptions, Warning } from "../../src/index.js";
import { openFleet, oracle } from "../support/demo.js";
import { makeWorld, processesOf, type World } from "../support/world.js";

let world: World;
let repo: string;

beforeEach(() => {
  world = makeWorld("pool");
  repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "*.log\nnode_modules\n.env\n", "package-lock.json": "1\n" });
});

afterEach(() => world.dispose());

/** Each setup leaves a line in `setups`, outside of every worktree. */
const SETUP = ['mkdir -p node_modules && echo made > node_modules/x && echo run >> "$FLEET_TEST_WORLD/setups"; env > env.log'];

const open = (settings: Record<string, unknown> = {}, rest: Omit<FleetOpenOptions, "repo" | "env"> = {}) =>
  openFleet(world, repo, { settings: { "setup.commands": SETUP, ...settings }, ...rest });

const setups = () => (existsSync(join(world.root, "setups")) ? readFileSync(join(world.root, "setups"), "utf8").split("\n").length - 1 : 0);
const status = (folder: string) => world.git(folder, "status", "--porcelain");
const branchOf = (folder: string) => world.git(folder, "rev-parse", "--abbrev-ref", "HEAD").trim();
const commit = (file: string, text: string) => {
  world.write(join(repo, file), text);
  world.git(repo, "add", "-A");
  world.git(repo, "commit", "-q", "-m", file);
  return world.git(repo, "rev-parse", "HEAD").trim();
};
const states = async (fleet: Fleet) => (await fleet.pool.status()).worktrees.map(({ state }) => state).sort();
/** The only worktree of the pool. */
const only = async (fleet: Fleet) => {
  const { worktrees } = await fleet.pool.status();
  expect(worktrees).toHaveLength(1);
  return (worktrees[0] as (typeof worktrees)[0]).worktree;
};

describe("a filled pool", () => {
  test("holds worktrees that are on no branch, set up, with credentials, private to this home, and no agents", async () => {
    world.write(join(repo, ".env"), "KEY=1\n");
    const fleet = await open({ "setup.credential_files": [".env"] });
    expect(await fleet.pool.status()).toEqual({ size: 0, ready: 0, worktrees: [] });
    const { made, failed, pool } = await fleet.pool.fill({ size: 2 });
    expect([made, failed, pool.ready, setups()]).toEqual([2, [], 2, 2]);
    for (const { worktree, state, reason, base } of pool.worktrees) {
      expect([state, reason, base]).toEqual(["ready", null, world.git(repo, "rev-parse", "HEAD").trim()]);
      expect([branchOf(worktree), status(worktree)]).toEqual(["HEAD", ""]);
      expect(readFileSync(join(worktree, "node_modules/x"), "utf8")).toBe("made\n");
      expect(readFileSync(join(worktree, ".env"), "utf8")).toBe("KEY=1\n");
      const env = readFileSync(join(worktree, "env.log"), "utf8").split("\n");
      expect(env).toContain(`AIFLEET_WORKTREE=${worktree}`);
      expect(env).toContain(`AIFLEET_REPO=${repo}`);
      expect(env.filter((line) => /^AIFLEET_(BRANCH|BATCH|INDEX)=/.test(line))).toEqual([]);
    }
    expect(await fleet.list()).toEqual([]);
    expect(oracle(world, repo).branches).toEqual(["main"]);
    const again = await fleet.pool.fill({ size: 2 });
    expect([again.made, setups()]).toEqual([0, 2]);
    const other = await openFleet(world, repo, { home: join(world.root, "other-home") });
    expect((await other.pool.status()).worktrees).toEqual([]);
    const report = await fleet.doctor();
    expect(report.findings).toContainEqual(expect.objectContaining({ check: "pool", state: "ok", message: expect.stringContaining("2 ") }));
    expect(report.findings.filter(({ check }) => check === "worktrees")).toEqual([]);
    expect((await fleet.pool.drain()).removed).toHaveLength(2);
    expect(oracle(world, repo).worktrees).toEqual([repo]);
    expect(readFileSync(join(repo, ".git/info/exclude"), "utf8")).not.toContain("aifleet");
  });

  test("survives a lost registry", async () => {
    const fleet = await open();
    await fleet.pool.fill({ size: 1 });
    rmSync(join(world.fleetHome, "state.json"), { force: true });
    const seen: Warning[] = [];
    await fleet.list({}, { onWarning: (warning) => seen.push(warning) });
    expect(seen).toEqual([]);
    expect(await states(fleet)).toEqual(["ready"]);
  });

  test("is not made by a setup that fails, and what it began is undone", async () => {
    const fleet = await open({ "setup.commands": ["echo why >&2; exit 3"] });
    const before = oracle(world, repo);
    const { made, failed } = await fleet.pool.fill({ size: 2 });
    expect([made, failed.map(({ code }) => code)]).toEqual([0, ["SETUP_FAILED", "SETUP_FAILED"]]);
    expect(oracle(world, repo)).toEqual(before);
    expect(readdirSync(join(world.fleetHome, "journal"))).toEqual([]);
  });

  test("is not made by a setup that commits: its commits would be on no agent's branch", async () => {
    const fleet = await open({ "setup.commands": ["git commit -q --allow-empty -m x"] });
    const { made, failed } = await fleet.pool.fill({ size: 1 });
    expect([made, failed.map(({ code }) => code)]).toEqual([0, ["SETUP_FAILED"]]);
    expect(oracle(world, repo).worktrees).toEqual([repo]);
  });

  test("leaves no process of its setups running", async () => {
    const fleet = await open({ "setup.commands": ["setsid sleep 3600 >/dev/null 2>&1 & sleep 0.1"] });
    await fleet.pool.fill({ size: 1 });
    expect(processesOf(world.root)).toEqual([]);
  });

  test("needs to be told how many, and trust in the project's file", async () => {
    await expect((await open()).pool.fill()).rejects.toMatchObject({ code: "USAGE", hint: expect.stringContaining("pool.size") });
    await expect((await open()).pool.fill({ size: 0 })).rejects.toMatchObject({ code: "INVALID_COUNT" });
    world.write(join(repo, ".aifleet/config.toml"), '[pool]\nsize = 1\n[setup]\ncommands = ["touch pwned"]\n');
    const untrusting = await openFleet(world, repo);
    await expect(untrusting.pool.fill({ size: 1 })).rejects.toMatchObject({ code: "NOT_TRUSTED" });
    await expect(untrusting.pool.refill()).rejects.toMatchObject({ code: "NOT_TRUSTED" });
    expect(oracle(world, repo).worktrees).toEqual([repo]);
    const without = await openFleet(world, repo, { ignoreProjectConfig: true });
    const { pool } = await without.pool.fill({ size: 1 });
    expect(existsSync(join((pool.worktrees[0] as { worktree: string }).worktree, "pwned"))).toBe(false);
    // What was set up without the project's settings is not handed out with them.
    await untrusting.trust();
    expect(await states(untrusting)).toEqual(["stale"]);
  });
});

describe("an agent from the pool", () => {
  test("comes up without a setup, on its branch, where the worktree was set up, and is killed as any", async () => {
    world.write(join(repo, ".env"), "KEY=1\n");
    const fleet = await open({ "setup.credential_files": [".env"] });
    await fleet.pool.fill({ size: 1 });
    const warm = await only(fleet);
    const agent = await fleet.createAgent({ branch: "feat/x" });
    expect([agent.worktree, setups()]).toEqual([warm, 1]);
    expect([branchOf(warm), status(warm)]).toEqual(["feat/x", ""]);
    expect((await fleet.list()).map(({ branch, worktree }) => [branch, worktree])).toEqual([["feat/x", warm]]);
    rmSync(join(world.fleetHome, "state.json"), { force: true });
    expect((await fleet.list()).map(({ branch, worktree }) => [branch, worktree])).toEqual([["feat/x", warm]]);
    expect(await states(fleet)).toEqual([]);
    world.git(warm, "add", "-A");
    expect(world.git(warm, "diff", "--cached", "--name-only")).toBe("");
    await fleet.stop("feat/x");
    await fleet.resume("feat/x");
    expect(await fleet.kill("feat/x")).toMatchObject({ killed: [{ branch: "feat/x", saved: null, branchKept: false }] });
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"] });
    expect(existsSync(warm)).toBe(false);
  });

  test("keeps what it did when it is killed by force, and is restored to the same folder", async () => {
    const fleet = await open();
    await fleet.pool.fill({ size: 1 });
    const agent = await fleet.createAgent({ branch: "work" });
    world.write(join(agent.worktree, "new.txt"), "n");
    await expect(fleet.kill("work")).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["new.txt"] } });
    await fleet.kill("work", { force: true });
    const restored = await fleet.restore("work");
    expect(restored.worktree).toBe(agent.worktree);
    expect(readFileSync(join(restored.worktree, "new.txt"), "utf8")).toBe("n");
  });

  test("a fan-out takes what there is and sets up the rest", async () => {
    const fleet = await open();
    const { pool } = await fleet.pool.fill({ size: 2 });
    const batch = await fleet.fanout({ count: 3, prefix: "try", prompt: "Go [[no-commit]]" });
    expect(batch.failed).toEqual([]);
    expect(setups()).toBe(3);
    const worktrees = batch.agents.map(({ worktree }) => worktree);
    expect(worktrees).toEqual(expect.arrayContaining(pool.worktrees.map(({ worktree }) => worktree)));
    expect(new Set(worktrees).size).toBe(3);
    for (const { worktree, branch } of batch.agents) expect(branchOf(worktree)).toBe(branch);
  });

  test("a worktree is given to one of several that want it at the same time", async () => {
    await (await open()).pool.fill({ size: 1 });
    const fleets = await Promise.all([1, 2, 3, 4].map(() => open()));
    const agents = await Promise.all(fleets.map((fleet, i) => fleet.createAgent({ branch: `b${i}` })));
    expect(agents.filter(({ worktree }) => worktree.includes("/pool-"))).toHaveLength(1);
    for (const { worktree, branch } of agents) expect([branchOf(worktree), status(worktree)]).toEqual([branch, ""]);
    expect(setups()).toBe(4);
  });

  test("works on an existing branch, and on one that only a remote has", async () => {
    const origin = world.repo("origin", { far: "away" });
    world.git(origin, "branch", "far");
    world.git(repo, "remote", "add", "origin", origin);
    world.git(repo, "fetch", "-q", "origin");
    world.git(repo, "branch", "there");
    // Another history altogether: nothing of ours but setup's files may stay.
    const fleet = await open({ "setup.commands": ["mkdir -p node_modules && echo made > node_modules/x"] });
    await fleet.pool.fill({ size: 1 });
    const there = await fleet.createAgent({ branch: "there" });
    expect([branchOf(there.worktree), status(there.worktree), existsSync(join(there.worktree, "node_modules/x"))]).toEqual([
      "there",
      "",
      true,
    ]);
    const far = await fleet.createAgent({ branch: "far" });
    expect(world.git(far.worktree, "rev-parse", "--abbrev-ref", "far@{upstream}").trim()).toBe("origin/far");
  });

  test("that fails leaves neither branch nor worktree", async () => {
    const fleet = await open({ "agents.own.command": ["sh", "-c", "exit 3"] });
    const before = oracle(world, repo);
    await fleet.pool.fill({ size: 1 });
    await expect(fleet.createAgent({ branch: "work", adapter: "own" })).rejects.toMatchObject({ code: "AGENT_DIED" });
    expect(oracle(world, repo)).toEqual(before);
    expect(readdirSync(join(world.fleetHome, "journal"))).toEqual([]);
    expect(await fleet.list()).toEqual([]);
  });

  test("asks for the pool to be refilled where it is to be kept filled, and for nothing where it is off", async () => {
    const asked: unknown[] = [];
    const startFiller = (place: unknown) => void asked.push(place);
    await (await open({}, { startFiller })).createAgent({ branch: "a" });
    expect(asked).toEqual([]);
    const fleet = await open({ "pool.size": 2 }, { startFiller });
    await fleet.createAgent({ branch: "b" });
    expect(asked).toEqual([{ home: world.fleetHome, repo, ignoreProjectConfig: false }]);
    await fleet.pool.refill();
    expect(await states(fleet)).toEqual(["ready", "ready"]);
  });
});

describe("where the base has moved on", () => {
  test("the worktree follows, keeps what setup made, and only pool.refresh runs, with the agent's own environment", async () => {
    const fleet = await open({ "pool.refresh": ["echo $AIFLEET_BRANCH > refreshed.log"] });
    await fleet.pool.fill({ size: 2 });
    const same = await fleet.createAgent({ branch: "same" });
    expect(existsSync(join(same.worktree, "refreshed.log"))).toBe(false);
    const next = commit("src/new.ts", "new");
    const warm = await only(fleet);
    const agent = await fleet.createAgent({ branch: "work" });
    expect([agent.worktree, agent.info.base, setups()]).toEqual([warm, next, 2]);
    expect([world.git(warm, "rev-parse", "HEAD").trim(), status(warm)]).toEqual([next, ""]);
    expect(readFileSync(join(warm, "src/new.ts"), "utf8")).toBe("new");
    expect(readFileSync(join(warm, "refreshed.log"), "utf8")).toBe("work\n");
    await fleet.kill("work");
  });

  test("a base that was amended away leaves nothing to be saved", async () => {
    const fleet = await open();
    await fleet.pool.fill({ size: 1 });
    world.git(repo, "commit", "-q", "--amend", "-m", "amended");
    expect(await states(fleet)).toEqual(["ready"]);
    const agent = await fleet.createAgent({ branch: "work" });
    expect(agent.worktree).toContain("/pool-");
    expect(await fleet.kill("work")).toMatchObject({ killed: [{ saved: null, branchKept: false }] });
    await fleet.pool.fill({ size: 1 });
    world.git(repo, "commit", "-q", "--amend", "-m", "amended again");
    expect((await fleet.pool.drain()).kept).toEqual([]);
  });

  test("a refresh that fails undoes the agent", async () => {
    const fleet = await open({ "pool.refresh": ["echo half > half.txt; exit 4"] });
    await fleet.pool.fill({ size: 1 });
    commit("more", "x");
    await expect(fleet.createAgent({ branch: "work" })).rejects.toMatchObject({ code: "SETUP_FAILED", data: { exitCode: 4 } });
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"] });
  });

  test.each([
    ["a lock file", "apps/web/pnpm-lock.yaml"],
    ["a rule of what git ignores", "docs/.gitignore"],
  ])("a worktree is not taken where %s has changed; the next filling replaces it", async (_, file) => {
    const fleet = await open({ "pool.refresh": ["touch refreshed.log"] });
    await fleet.pool.fill({ size: 1 });
    const warm = await only(fleet);
    commit(file, "2\n");
    expect((await fleet.pool.status()).worktrees).toMatchObject([{ state: "stale", reason: `${file} has changed` }]);
    const agent = await fleet.createAgent({ branch: "work" });
    expect([agent.worktree === warm, setups(), existsSync(join(agent.worktree, "refreshed.log"))]).toEqual([false, 2, false]);
    await fleet.pool.fill({ size: 1 });
    expect([existsSync(warm), await states(fleet)]).toEqual([false, ["ready"]]);
  });

  test("a worktree in which setup left files that git sees is good for its own base only", async () => {
    const fleet = await open({ "setup.commands": ["echo x > untracked.txt; echo y >> README.md"] });
    await fleet.pool.fill({ size: 2 });
    const agent = await fleet.createAgent({ branch: "work" });
    expect(status(agent.worktree)).toBe(" M README.md\n?? untracked.txt\n");
    expect(agent.worktree).toContain("/pool-");
    commit("untracked.txt", "tracked by now");
    expect(await states(fleet)).toEqual(["stale"]);
    expect((await fleet.createAgent({ branch: "next" })).worktree).not.toContain("/pool-");
  });
});

describe("a worktree of the pool is not handed out", () => {
  test("where its setup was another", async () => {
    world.write(join(repo, ".env"), "KEY=1\n");
    const credentials = { "setup.credential_files": [".env"] };
    await (await open(credentials)).pool.fill({ size: 1 });
    const warm = await only(await open(credentials));
    const from = async (settings: Record<string, unknown>, options: Record<string, unknown> = {}) => {
      const agent = await (await open({ ...credentials, ...settings })).createAgent({ branch: `b${Math.random()}`, ...options });
      return agent.worktree === warm;
    };
    expect(await from({ "setup.commands": ["true"] })).toBe(false);
    expect(await from({}, { quick: true })).toBe(false);
    expect(await from({ "templates.plain.setup": [] }, { template: "plain" })).toBe(false);
    expect(await from({ "agents.demo.env": { NODE_ENV: "test" } })).toBe(false);
    expect(await from({ "setup.credential_files": [".env", "README.md"] })).toBe(false);
    appendFileSync(join(repo, ".env"), "MORE=2\n");
    expect(await from({})).toBe(false);
    world.write(join(repo, ".env"), "KEY=1\n");
    expect(await from({})).toBe(true);
  });

  test("in which somebody has worked: it is left alone, by everything", async () => {
    const kinds: readonly [string, (path: string) => unknown][] = [
      ["mine.txt", (path) => world.write(join(path, "mine.txt"), "untracked")],
      ["README.md", (path) => world.write(join(path, "README.md"), "changed")],
      ["notes.log", (path) => world.write(join(path, "notes.log"), "ignored")],
      ["new commits", (path) => world.git(path, "commit", "-q", "--allow-empty", "-m", "work")],
      [
        "commits on no branch",
        (path) => {
          world.git(path, "commit", "-q", "--allow-empty", "-m", "reset");
          world.git(path, "reset", "-q", "--hard", "HEAD~1");
        },
      ],
      ["the branch mine", (path) => world.git(path, "switch", "-q", "-c", "mine")],
      ["a git worktree lock", (path) => world.git(repo, "worktree", "lock", path)],
    ];
    const fleet = await open();
    const { pool } = await fleet.pool.fill({ size: kinds.length });
    const worktrees = pool.worktrees.map(({ worktree }) => worktree);
    for (const [i, [, work]] of kinds.entries()) work(worktrees[i] as string);
    const seen = await fleet.pool.status();
    for (const [i, [reason]] of kinds.entries()) {
      const found = seen.worktrees.find(({ worktree }) => worktree === worktrees[i]);
      expect(found).toMatchObject({ state: "dirty", reason: expect.stringContaining(reason) });
    }
    const agent = await fleet.createAgent({ branch: "work" });
    expect(agent.worktree).not.toContain("/pool-");
    await fleet.pool.fill({ size: 1 });
    expect(await states(fleet)).toEqual([...kinds.map(() => "dirty"), "ready"]);
    await fleet.doctor({ fix: true });
    const { removed, kept } = await fleet.pool.drain();
    expect([removed.map(({ state }) => state), kept.map(({ worktree }) => worktree).sort()]).toEqual([["ready"], [...worktrees].sort()]);
    for (const path of worktrees) expect(existsSync(join(path, ".git"))).toBe(true);
  });

  test("that cannot be switched: it goes, and one is made as ever", async () => {
    const fleet = await open();
    await fleet.pool.fill({ size: 1 });
    const warm = await only(fleet);
    commit("more", "x");
    // Git meets it last, with the files of the new base in place.
    world.write(join(world.git(warm, "rev-parse", "--absolute-git-dir").trim(), "HEAD.lock"), "");
    const agent = await fleet.createAgent({ branch: "work" });
    expect([agent.worktree === warm, existsSync(warm), branchOf(agent.worktree)]).toEqual([false, false, "work"]);
    expect(readdirSync(join(world.fleetHome, "journal"))).toEqual([]);
  });

  test("where a git is at work", async () => {
    const fleet = await open();
    await fleet.pool.fill({ size: 1 });
    const warm = await only(fleet);
    world.write(join(world.git(warm, "rev-parse", "--absolute-git-dir").trim(), "index.lock"), "");
    expect(await states(fleet)).toEqual(["dirty"]);
    expect((await fleet.createAgent({ branch: "work" })).worktree).not.toBe(warm);
  });

  test("that was moved or removed by hand", async () => {
    const fleet = await open();
    await fleet.pool.fill({ size: 3 });
    const [moved, removed, carried] = (await fleet.pool.status()).worktrees.map(({ worktree }) => worktree) as [string, string, string];
    world.git(repo, "worktree", "move", moved, join(world.root, "elsewhere"));
    rmSync(removed, { recursive: true });
    renameSync(carried, `${carried}-carried`);
    expect(await states(fleet)).toEqual(["dirty", "gone", "gone"]);
    expect((await fleet.createAgent({ branch: "work" })).worktree).not.toContain("/pool-");
    await fleet.pool.fill({ size: 1 });
    expect(await states(fleet)).toEqual(["dirty", "ready"]);
    const ready = (await fleet.pool.status()).worktrees.find(({ state }) => state === "ready");
    rmSync(ready?.worktree as string, { recursive: true });
    const told = async (fix: boolean) => (await fleet.doctor({ fix })).findings.filter(({ check }) => check === "pool");
    expect((await told(false)).map(({ state }) => state).sort()).toEqual(["note", "problem"]);
    expect((await told(true)).map(({ state }) => state).sort()).toEqual(["fixed", "note"]);
    expect(await states(fleet)).toEqual(["dirty"]);
    expect(existsSync(join(world.root, "elsewhere/README.md"))).toBe(true);
    expect(existsSync(join(`${carried}-carried`, "README.md"))).toBe(true);
  });
});
