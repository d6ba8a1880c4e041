import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, settle, type World } from "../../../core/test/support/world.js";
import { sure } from "./support/cases.js";
import { type Listed, listed, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { json, run } from "./support/run.js";
import { idsOfLogs } from "./support/work.js";

const FANOUTS = LONG ? 8 : 4;
const EACH = LONG ? 5 : 2;
const SIZE = LONG ? 24 : 5;

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("pool");
  repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "made.ignored\n", "src/a.txt": "a\n" });
});
afterEach(async () => {
  await settle(fillers, (pids) => pids.length === 0, 20_000);
  await world.dispose();
});

/** Settings: programs that wait, a setup that leaves a line in `setups` and takes `seconds`, a pool of `size`. */
function settings(size: number, seconds = 0): void {
  const setup = `echo run >> $FLEET_TEST_WORLD/setups; echo made > made.ignored; sleep ${seconds}`;
  const agent = '[agents.still]\ncommand = ["sh", "-c", "exec cat"]\n';
  world.write(join(world.fleetHome, "config.toml"), `${agent}[setup]\ncommands = ["${setup}"]\n[pool]\nsize = ${size}\n`, 0o600);
}

interface PoolDocument {
  readonly size: number;
  readonly ready: number;
  readonly worktrees: readonly { readonly worktree: string; readonly state: string }[];
}
const pool = () => json<PoolDocument>(world, repo, "pool");
const setups = () => (existsSync(join(world.root, "setups")) ? readFileSync(join(world.root, "setups"), "utf8").split("\n").length - 1 : 0);

/** Processes that fill the pool in the background. */
function fillers(): number[] {
  return processesOf(world.root).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0__pool\0");
    } catch {
      return false;
    }
  });
}

const fromPool = (agents: readonly Listed[]) => agents.filter(({ worktree }) => worktree.includes("/pool-"));

describe("a pool", () => {
  it(
    `is shared by ${FANOUTS} fan-outs at once: no worktree is given twice, and it is filled again`,
    async () => {
      settings(SIZE);
      await sure(world, repo, "pool", "fill");
      const names = Array.from({ length: FANOUTS }, (_, i) => `f${i}`);
      const ran = await Promise.all(
        names.map((name) => run(world, repo, ["fanout", String(EACH), name, "--prompt", "x", "--agent", "still"])),
      );
      const { agents } = await listed(world, repo);
      const wrong = ran.filter(({ code }) => code !== 0).map(({ code, stderr }) => `exit ${code}: ${stderr}`);
      if (agents.length !== FANOUTS * EACH) wrong.push(`${agents.length} agents`);
      if (new Set(agents.map(({ worktree }) => worktree)).size !== agents.length) wrong.push("two agents in one worktree");
      for (const { worktree, branch } of agents) {
        if (world.git(worktree, "status", "--porcelain") !== "") wrong.push(`${branch} is dirty`);
        if (!existsSync(join(worktree, "made.ignored"))) wrong.push(`${branch} is not set up`);
      }
      const taken = fromPool(agents).length;
      if (taken < SIZE) wrong.push(`only ${taken} of ${SIZE} were taken`);
      await settle(fillers, (pids) => pids.length === 0, 30_000);
      const after = await pool();
      if (after.ready !== SIZE || after.worktrees.length !== SIZE) wrong.push(`the pool holds ${JSON.stringify(after.worktrees)}`);
      if (setups() !== agents.length + SIZE) wrong.push(`${setups()} setups`);
      wrong.push(...(await strays(world, repo, agents)));
      figure("pool", `${FANOUTS} fan-outs of ${EACH} at once, ${SIZE} ready`, `${taken} from the pool, ${wrong.length} wrong`);
      expect(wrong).toEqual([]);
      await sure(world, repo, "kill", "--all", "--yes");
      await sure(world, repo, "pool", "drain");
      expect(await strays(world, repo, [], { ended: agents.map(({ id }) => id) })).toEqual([]);
    },
    LONG ? 300_000 : 90_000,
  );

  it("is filled and drained by many commands at once, and holds no more than it should", async () => {
    settings(3);
    const commands = [
      ["pool", "fill"],
      ["pool", "fill"],
      ["create", "a", "--agent", "still"],
      ["pool", "drain"],
      ["create", "b", "--agent", "still"],
      ["pool", "fill"],
    ];
    const ran = await Promise.all(commands.map((args) => run(world, repo, args)));
    expect(ran.filter(({ code }) => code !== 0).map(({ stderr }) => stderr)).toEqual([]);
    await settle(fillers, (pids) => pids.length === 0, 30_000);
    await sure(world, repo, "pool", "fill");
    const { worktrees } = await pool();
    expect(worktrees.map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
    const { agents } = await listed(world, repo);
    expect(agents.map(({ branch }) => branch).sort()).toEqual(["a", "b"]);
    expect(await strays(world, repo, agents)).toEqual([]);
  }, 60_000);

  it("whose filler was killed in the middle of a setup is cleaned up by the next command, and filled after the next create", async () => {
    settings(2, 60);
    expect((await run(world, repo, ["create", "a", "--agent", "still", "--quick"])).code).toBe(0);
    await settle(setups, (count) => count === 2);
    const [filler = 0] = fillers();
    process.kill(filler, "SIGKILL");
    expect(await run(world, repo, ["list"])).toMatchObject({ code: 0, stderr: expect.stringContaining("Work on the pool was cut off") });
    const { agents } = await listed(world, repo);
    expect(await strays(world, repo, agents)).toEqual([]);
    expect((await pool()).worktrees).toEqual([]);
    settings(2);
    await sure(world, repo, "create", "b", "--agent", "still");
    await settle(fillers, (pids) => pids.length === 0, 30_000);
    expect((await pool()).ready).toBe(2);
  }, 60_000);

  it("runs no setup of a project's file that nobody has trusted, nor of one that has changed since", async () => {
    settings(0);
    const file = join(repo, ".aifleet/config.toml");
    world.write(file, '[pool]\nsize = 1\n[setup]\ncommands = ["echo pwned >> $FLEET_TEST_WORLD/pwned"]\n');
    const refused = await run(world, repo, ["pool", "fill"]);
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("fleet trust") });
    expect((await run(world, repo, ["__pool", repo])).code).toBe(4);
    await sure(world, repo, "create", "a", "--agent", "still", "--no-project-config");
    await settle(fillers, (pids) => pids.length === 0, 30_000);
    expect((await pool()).worktrees).toEqual([]);
    await sure(world, repo, "trust");
    await sure(world, repo, "pool", "fill");
    expect((await pool()).ready).toBe(1);
    world.write(file, '[pool]\nsize = 3\n[setup]\ncommands = ["echo changed >> $FLEET_TEST_WORLD/changed"]\n');
    expect((await run(world, repo, ["__pool", repo])).code).toBe(4);
    const without = await json<{ agent: Listed }>(world, repo, "create", "b", "--agent", "still", "--no-project-config");
    // It was set up by the project's commands, which do not count here.
    expect(fromPool([without.agent])).toEqual([]);
    expect(existsSync(join(world.root, "changed"))).toBe(false);
    const { agents } = await listed(world, repo);
    expect(await strays(world, repo, agents, { ended: idsOfLogs(world) })).toEqual([]);
  }, 60_000);
});
