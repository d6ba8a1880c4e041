import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Fleet } from "../../../core/src/index.js";
import { openFleet } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { couriersOf } from "../support/couriers.js";
import { sure } from "./support/cases.js";
import { type Listed, listed, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { run, runUntil } from "./support/run.js";
import { idsOfLogs } from "./support/work.js";

const CREATES = LONG ? 32 : 8;

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("queue");
  repo = world.repo();
});
afterEach(async () => {
  endCouriers();
  await world.dispose();
});

/** At most so many at once; programs that note when they start and when they end. */
function limit(count: number): void {
  const note = (sign: string) => `echo ${sign}$AIFLEET_BRANCH >> $FLEET_TEST_WORLD/lives`;
  const agents = [
    `[agents.still]\ncommand = ["sh", "-c", "${note("+")}; exec sleep 1000"]`,
    `[agents.brief]\ncommand = ["sh", "-c", "${note("+")}; sleep 0.4; ${note("-")}"]`,
  ];
  world.write(join(world.fleetHome, "config.toml"), `${agents.join("\n")}\n[fleet]\nmax_running = ${count}\n`, 0o600);
}

/** What the programs noted, in order. */
function lives(): string[] {
  const file = join(world.root, "lives");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}

/** How many lived at the same time at most. */
function mostAlive(): number {
  let [alive, most] = [0, 0];
  for (const line of lives()) {
    alive += line.startsWith("+") ? 1 : -1;
    most = Math.max(most, alive);
  }
  return most;
}

function endCouriers(): void {
  for (const pid of couriersOf(world)) process.kill(pid, "SIGKILL");
}

/** Settled once nobody starts anything any more: the agents, and what is wrong with them. */
async function atRest(wanted: number): Promise<{ readonly agents: readonly Listed[]; readonly wrong: string[] }> {
  await settle(
    () => couriersOf(world),
    (pids) => pids.length === 0,
    30_000,
  );
  const { agents } = await listed(world, repo);
  const wrong = await strays(world, repo, agents, { ended: idsOfLogs(world) });
  const alive = agents.filter(({ status }) => status === "idle" || status === "working");
  if (alive.length !== wanted)
    wrong.push(`${alive.length} agents live: ${agents.map(({ branch, status }) => `${branch} ${status}`).join(", ")}`);
  return { agents, wrong };
}

/** One that runs and two that are queued, and nobody who starts them. */
async function oneAndTwoQueued(): Promise<Fleet> {
  limit(1);
  const fleet = await openFleet(world, repo, { settings: { "agent.default": "still" } });
  await fleet.createAgent({ branch: "first" });
  await fleet.fanout({ count: 2, prefix: "try", prompt: "x" });
  return fleet;
}

describe("the queue of agents", () => {
  it(
    `takes ${CREATES} creates at once where 2 may run: never more than 2 live, and each is started once`,
    async () => {
      limit(2);
      const names = Array.from({ length: CREATES }, (_, i) => `b${i}`);
      const ran = await Promise.all(names.map((name) => run(world, repo, ["create", name, "--agent", "brief"])));
      expect(ran.filter(({ code }) => code !== 0).map(({ stderr }) => stderr)).toEqual([]);
      await sure(world, repo, "wait", "--all", "--for", "ended", "--timeout", "120");
      const { wrong, agents } = await atRest(0);
      const started = lives().filter((line) => line.startsWith("+"));
      figure("queue", `${CREATES} creates at once, 2 may run`, `${mostAlive()} alive at most, ${started.length} started`);
      expect(wrong).toEqual([]);
      expect(agents.map(({ status }) => status)).toEqual(names.map(() => "done"));
      expect(started.sort()).toEqual(names.map((name) => `+${name}`).sort());
      expect(mostAlive()).toBeLessThanOrEqual(2);
    },
    LONG ? 300_000 : 60_000,
  );

  // Claimed; half made; up, and not yet out of the queue.
  const moments = LONG ? null : [/^rename .*run\/agent-.*\.lock$/, /^unlink .*agent\.json/];
  it(
    "whose starter is killed at any step is started by the next command, each whole and once",
    async () => {
      const fleet = await oneAndTwoQueued();
      let kills = 0;
      for (let at = 0; ; at++) {
        const moment = moments === null ? at + 1 : moments[at];
        if (moment === undefined) break;
        limit(3);
        const killed = await runUntil(world, repo, ["__courier", repo], moment);
        const step = `step ${killed.steps.length}, ${killed.steps.at(-1)}`;
        if (moments !== null) expect(killed.signal, step).toBe("SIGKILL");
        await sure(world, repo, "list");
        const { agents, wrong } = await atRest(3);
        expect([step, ...wrong]).toEqual([step]);
        expect(agents.map(({ branch }) => branch)).toEqual(["first", "try-1", "try-2"]);
        if (killed.signal !== "SIGKILL") break;
        kills++;
        limit(1);
        await fleet.kill("try-*");
        await fleet.fanout({ count: 2, prefix: "try", prompt: "x" });
      }
      figure("queue", "a starter killed at every step", `${kills} kills`);
    },
    LONG ? 3_600_000 : 60_000,
  );

  it.runIf(LONG)(
    "is started once, whoever wants to, and after the session server and the starter are gone",
    async () => {
      const fleet = await oneAndTwoQueued();
      limit(3);
      await Promise.all(Array.from({ length: 6 }, () => run(world, repo, ["__courier", repo])));
      expect((await atRest(3)).wrong).toEqual([]);
      expect(lives()).toHaveLength(3);
      await fleet.fanout({ count: 2, prefix: "more", prompt: "x" });
      world.tmux("kill-server");
      await sure(world, repo, "list");
      const { agents, wrong } = await atRest(2);
      expect(wrong).toEqual([]);
      expect(agents.map(({ status }) => status.replace("working", "idle"))).toEqual(["lost", "lost", "lost", "idle", "idle"]);
    },
    60_000,
  );

  it.runIf(LONG)(
    "lets go of all at once: after kill --all nothing of it starts",
    async () => {
      limit(2);
      await sure(world, repo, "fanout", "6", "try", "--prompt", "x", "--agent", "still");
      await sure(world, repo, "kill", "--all", "--yes");
      const { agents, wrong } = await atRest(0);
      expect(wrong).toEqual([]);
      expect(agents).toEqual([]);
      expect(lives()).toHaveLength(2);
    },
    60_000,
  );
});
