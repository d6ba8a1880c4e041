import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, processesOf, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { agentOf, type Listed, listed, strays } from "./support/oracle.js";
import { killServer, serverOf } from "./support/power.js";
import { LONG } from "./support/report.js";
import { fleetEnv, json, run } from "./support/run.js";

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("lost-server");
  repo = world.repo();
});
afterEach(() => world.dispose());

const socket = () => join(world.fleetHome, "tmux.sock");
const mine = (id: string) => processesOf(world.root).filter((pid) => agentOf(pid) === id);

function configure(name: string, script: string): void {
  const home = join(world.fleetHome, "config.toml");
  world.write(home, `[agents.${name}]\ncommand = ["sh", "-c", ${JSON.stringify(script)}]\n`, 0o600);
}

describe("a session server out of reach", () => {
  it.each([
    ["deleted", () => rmSync(socket())],
    [
      "replaced by a file",
      () => {
        rmSync(socket());
        writeFileSync(socket(), "stale");
      },
    ],
  ])(
    "whose socket was %s is reached again: no second server, no second copy, nobody lost",
    async (_, damage) => {
      const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a");
      await json(world, repo, "wait", "a", "--timeout", "30");
      const server = serverOf(world);
      const programs = mine(agent.id);
      damage();
      expect(await run(world, repo, ["create", "b", "--json"])).toMatchObject({ code: 0 });
      expect(serverOf(world)).toBe(server);
      const { agents } = await listed(world, repo);
      expect(agents.map(({ branch, status }) => [branch, status])).toEqual([
        ["a", "idle"],
        ["b", "idle"],
      ]);
      expect(mine(agent.id)).toEqual(programs);
      damage();
      expect(await run(world, repo, ["prompt", "a", "still there?", "--json"])).toMatchObject({ code: 0 });
      await settle(
        () => promptsTaken(world).map(({ text }) => text),
        (texts) => texts.length > 0,
      );
      expect(promptsTaken(world).map(({ text }) => text)).toEqual(["still there?"]);
      // A commit of its own would be found in the middle.
      await json(world, repo, "wait", "a", "--timeout", "30");
      expect(await strays(world, repo, agents)).toEqual([]);
    },
    120_000,
  );

  it("killed while a program ignores the hangup: it is not started twice, and stop ends it", async () => {
    configure("stubborn", "trap '' HUP; while :; do sleep 1; done");
    const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a", "--agent", "stubborn");
    await killServer(world, { agents: false });
    expect((await listed(world, repo)).agents).toMatchObject([{ status: "unknown" }]);
    const resumed = await json<{ error: { code: string; hint: string } }>(world, repo, "resume", "a");
    expect([resumed.ran.code, resumed.error.code]).toEqual([4, "AGENT_EXISTS"]);
    expect(resumed.error.hint).toContain("fleet stop a");
    expect(new Set(mine(agent.id).map(agentOf))).toEqual(new Set([agent.id]));
    expect(await run(world, repo, ["stop", "a", "--json"])).toMatchObject({ code: 0 });
    expect(mine(agent.id)).toEqual([]);
    expect(await run(world, repo, ["resume", "a", "--json"])).toMatchObject({ code: 0 });
    expect(await strays(world, repo, (await listed(world, repo)).agents)).toEqual([]);
    // It would outlive the test as well.
    expect(await run(world, repo, ["kill", "a", "--force"])).toMatchObject({ code: 0 });
  }, 60_000);

  it("killed while what a wrapper started lives on: resume ends that first", async () => {
    configure("wrapped", "setsid sleep 4321 & exec sleep 1234");
    const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a", "--agent", "wrapped");
    await killServer(world, { agents: false });
    await settle(
      () => mine(agent.id).length,
      (count) => count === 1,
    );
    expect((await listed(world, repo)).agents).toMatchObject([{ status: "lost" }]);
    const before = mine(agent.id);
    expect(before).toHaveLength(1);
    expect(await run(world, repo, ["resume", "a", "--json"])).toMatchObject({ code: 0 });
    expect(mine(agent.id).filter((pid) => before.includes(pid))).toEqual([]);
    expect(
      (
        await settle(
          () => mine(agent.id),
          (pids) => pids.length === 2,
        )
      ).length,
    ).toBe(2);
    expect(await run(world, repo, ["kill", "a", "--force"])).toMatchObject({ code: 0 });
  }, 60_000);
});

describe("a clock that jumps", () => {
  const CLOCK = fileURLToPath(new URL("support/clock.cjs", import.meta.url));
  const DAY = 86_400_000;

  it.each([["a year back", -365 * DAY] as const, ...(LONG ? [["a year on", 365 * DAY] as const] : [])])(
    "%s between two commands changes nothing but the times shown",
    async (_, off) => {
      const jumped = { NODE_OPTIONS: `--require=${CLOCK}`, FAULT_CLOCK_MS: String(off) };
      const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a");
      await json(world, repo, "create", "b");
      await json(world, repo, "stop", "b");
      await json(world, repo, "wait", "a", "--timeout", "30");
      const list = await run(world, repo, ["list"], jumped);
      expect(list).toMatchObject({ code: 0 });
      expect(list.stdout).not.toMatch(/-\d+ ?[smhd]\b|NaN/);
      expect(await run(world, repo, ["prompt", "a", "now", "--json"], jumped)).toMatchObject({ code: 0 });
      expect(await run(world, repo, ["resume", "b", "--json"], jumped)).toMatchObject({ code: 0 });
      expect(await run(world, repo, ["create", "c", "--json"], jumped)).toMatchObject({ code: 0 });
      world.write(join(agent.worktree, "work.txt"), "mine\n");
      expect(await run(world, repo, ["kill", "a", "--force", "--yes", "--json"])).toMatchObject({ code: 0 });
      // Nothing was saved long ago, whatever this clock says: only `doctor --fix` drops what is old.
      expect(await run(world, repo, ["restore", "a", "--json"], jumped)).toMatchObject({ code: 0 });
      const { agents } = await listed(world, repo);
      expect(agents.map(({ branch }) => branch).sort()).toEqual(["a", "b", "c"]);
      expect(await strays(world, repo, agents)).toEqual([]);
    },
    120_000,
  );
});

describe("a command that waits or watches", () => {
  it("and is killed takes its tmux client with it, also where that has something to say to it at that moment", async () => {
    await json(world, repo, "create", "a");
    const watchers = [
      ["list", "--watch", "--json"],
      ["wait", "a", "--for", "ended"],
    ].map((args) => spawn(process.execPath, [BIN, ...args], { cwd: repo, env: fleetEnv(world), stdio: "ignore" }));
    const clients = () => world.tmux("list-clients", "-F", "#{client_pid}").split("\n").filter(Boolean);
    await settle(clients, (pids) => pids.length === watchers.length);
    const server = serverOf(world) as number;
    process.kill(server, "SIGSTOP");
    // Once a second tmux looks for changes, and tells of the first it sees; that is due then.
    const at = Date.now();
    for (const watcher of watchers) watcher.kill("SIGKILL");
    await settle(Date.now, (now) => now >= at + 1200);
    process.kill(server, "SIGCONT");
    expect(await settle(clients, (pids) => pids.length === 0, 3000)).toEqual([]);
    expect(await strays(world, repo, (await listed(world, repo)).agents)).toEqual([]);
  });
});
