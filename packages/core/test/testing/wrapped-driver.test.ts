import { afterEach, beforeEach, expect, test } from "vitest";
import { homePaths } from "../../src/config/index.js";
import { tmuxDriver } from "../../src/drivers/session/index.js";
import { localHost } from "../../src/host/index.js";
import type { Fleet } from "../../src/index.js";
import type { Host, SessionDriver } from "../../src/ports/index.js";
import { fleetEnv, openFleet } from "../support/demo.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
let fleet: Fleet;
let calls: string[];

beforeEach(async () => {
  world = makeWorld("wrapped");
  calls = [];
  const env = fleetEnv(world);
  const host = countedHost(localHost({ env }));
  fleet = await openFleet(world, world.repo(), { host, sessions: counted(tmuxIn(host)) });
});

afterEach(async () => {
  await world.dispose();
});

/** Any object, its methods called as before and noted. */
function counted(driver: SessionDriver): SessionDriver {
  return new Proxy(driver, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls.push(`sessions.${String(name)}`);
        return value.apply(target, args);
      };
    },
  });
}

function countedHost(host: Host): Host {
  return {
    ...host,
    run(argv, ...rest) {
      calls.push("host.run");
      return host.run(argv, ...rest);
    },
  };
}

function tmuxIn(host: Host): SessionDriver {
  const paths = homePaths(world.fleetHome);
  return tmuxDriver({
    host,
    socket: paths.tmuxSocket,
    confFile: paths.tmuxConf,
    runFolder: paths.run,
    settings: { historyLimit: 2000, detachKey: "C-q", include: null, logMaxBytes: 1_000_000 },
  });
}

/** What one call makes the drivers do, by name. */
async function callsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  calls = [];
  await work();
  const counts: Record<string, number> = {};
  for (const name of calls.sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

test("one driver is replaced by a wrapped one, and sees what the fleet asks of it", async () => {
  const made = await callsOf(() => fleet.createAgent({ branch: "one", prompt: "Say hello" }));
  expect(made["sessions.create"]).toBe(1);
  await fleet.wait("one", { for: "idle", timeout: 10_000 });
  const prompted = await callsOf(() => fleet.prompt("one", "And again"));
  expect(prompted).toMatchObject({ "sessions.paste": 1, "sessions.submit": 1 });
  const killed = await callsOf(() => fleet.kill("one", { force: true }));
  expect(killed["sessions.end"]).toBe(1);
});

test("a list of 20 agents asks as often as a list of one", { timeout: 60_000 }, async () => {
  const listing = () => callsOf(() => fleet.list());
  const counts: Record<string, number>[] = [];
  let there = 0;
  for (const size of [1, 5, 20]) {
    await fleet.fanout({ count: size - there, prefix: `to-${size}`, prompt: "Say hello" });
    there = size;
    await fleet.wait({ all: true }, { for: "idle", timeout: 30_000 });
    expect(await fleet.list()).toHaveLength(size);
    counts.push(await listing());
  }
  expect(counts[0]).toMatchObject({ "sessions.list": 1, "sessions.screens": 1 });
  expect(counts[1]).toEqual(counts[0]);
  expect(counts[2]).toEqual(counts[0]);
  // Ended ones, and another look at changes, cost nothing more in sessions.
  await fleet.stop("to-20-*");
  expect(await listing()).toEqual(counts[0]);
});

test("a kill of 12 agents keeps their screens in one call and ends them in one", { timeout: 60_000 }, async () => {
  const batch = await fleet.fanout({ count: 12, prefix: "many", prompt: "Say hello" });
  await fleet.wait({ batch: batch.id }, { for: "idle", timeout: 30_000 });
  const looks = await callsOf(() => fleet.list());
  const killed = await callsOf(() => fleet.kill({ all: true }, { force: true }));
  expect(looks).toMatchObject({ "sessions.list": 1, "sessions.screens": 1 });
  expect(killed).toMatchObject({ "sessions.list": 1, "sessions.screens": 2, "sessions.end": 1 });
  expect(world.sessions()).toEqual([]);
});
