import { afterEach, describe, expect, test } from "vitest";
import { Fleet, type FleetOpenOptions } from "../../src/index.js";
import { type MemoryTerminal, type MemoryWorld, memoryWorld } from "../../src/testing/index.js";

/** What commands ask of the drivers must not grow with the number of agents that are there. */
const SIZES = [1, 10, 100];

const worlds: MemoryWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});

async function coder(terminal: MemoryTerminal): Promise<undefined> {
  for await (const line of terminal.lines()) terminal.print(`> ${line}\n`);
}

type Counts = Record<string, number>;

/** A fleet of so many, and what a call on it asks of its drivers. */
async function fleetOf(size: number) {
  const world = await memoryWorld({ programs: { coder } });
  worlds.push(world);
  let counts: Counts = {};
  const counted = <Driver extends object>(name: string, driver: Driver): Driver =>
    new Proxy(driver, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const call = `${name}.${String(key)}`;
          counts[call] = (counts[call] ?? 0) + 1;
          return value.apply(target, args);
        };
      },
    });
  const { git, sessions, processes } = world;
  const options: FleetOpenOptions = {
    ...world.options,
    git: counted("git", git),
    sessions: counted("sessions", sessions),
    processes: counted("processes", processes),
  };
  const fleet = await Fleet.open(options);
  if (size > 0) await fleet.fanout({ count: size, prefix: "a", prompt: "x" });
  const of = async (work: () => Promise<unknown>): Promise<Counts> => {
    counts = {};
    await work();
    return Object.fromEntries(Object.entries(counts).sort());
  };
  return { fleet, of };
}

/** How often these are asked depends on how soon a program is up, or reads. */
const WAITING = ["processes.awaitsInput", "processes.bytesRead", "sessions.screens"];

function less(counts: Counts, names: readonly string[]): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => !names.includes(name)));
}

describe("beside 1, 10 or 100 others", () => {
  const ON_ONE: readonly (readonly [string, (fleet: Fleet) => Promise<unknown>, readonly string[]])[] = [
    ["list", (fleet) => fleet.list(), []],
    ["create", (fleet) => fleet.createAgent({ branch: "b", prompt: "x" }), WAITING],
    ["prompt", (fleet) => fleet.prompt("b", "x"), WAITING],
    ["logs", (fleet) => fleet.logs("b"), []],
    ["diff", (fleet) => fleet.diff("b"), []],
    ["wait", (fleet) => fleet.wait("b", { for: "idle" }), []],
    ["stop", (fleet) => fleet.stop("b"), []],
    ["resume", (fleet) => fleet.resume("b"), WAITING],
    ["kill", (fleet) => fleet.kill("b"), []],
  ];

  test("each command on one agent asks the same of git, sessions and processes", async () => {
    const seen = new Map<string, Counts[]>();
    for (const size of SIZES) {
      const { fleet, of } = await fleetOf(size);
      for (const [name, work, waiting] of ON_ONE) {
        const counts = less(await of(() => work(fleet)), waiting);
        seen.set(name, [...(seen.get(name) ?? []), counts]);
      }
    }
    for (const [name, [first, ...others]] of seen) for (const counts of others) expect([name, counts]).toEqual([name, first]);
    expect(seen.get("list")?.[0]).toEqual({
      "git.readMarks": 1,
      "processes.awaitsInput": 1,
      "processes.sample": 1,
      "sessions.list": 1,
      "sessions.screens": 1,
    });
    expect(seen.get("create")?.[0]).toMatchObject({ "git.addWorktrees": 1, "sessions.create": 1 });
    expect(seen.get("kill")?.[0]).toMatchObject({ "git.removeWorktrees": 1, "git.deleteBranches": 1, "sessions.end": 1 });
  });
});

describe("of 1, 10 or 100 at once", () => {
  /** What is done to each by itself: typing, looking for work that would be lost, and files and processes that are read without a program. */
  const EACH: Readonly<Record<string, readonly string[]>> = {
    fanout: ["git.checkBranchName", "git.writeMark", "processes.identify", "processes.self"],
    list: [],
    wait: [],
    stop: ["git.writeMark", "sessions.screens"],
    kill: ["git.inspect", "git.readLink", "git.readMark", "sessions.screens"],
  };

  test("all else is asked for once", async () => {
    const seen = new Map<string, Counts[]>();
    for (const size of SIZES) {
      const { fleet, of } = await fleetOf(0);
      const note = async (name: string, work: () => Promise<unknown>) => {
        const counts = await of(work);
        for (const call of EACH[name] ?? []) expect([name, call, (counts[call] ?? 0) <= 3 * size + 3]).toEqual([name, call, true]);
        seen.set(name, [...(seen.get(name) ?? []), less(counts, [...(EACH[name] ?? []), ...(name === "fanout" ? WAITING : [])])]);
      };
      await note("fanout", () => fleet.fanout({ count: size, prefix: "a", prompt: "x" }));
      await note("list", () => fleet.list());
      await note("wait", () => fleet.wait({ all: true }, { for: "idle" }));
      await note("kill", () => fleet.kill({ all: true }));
      await fleet.fanout({ count: size, prefix: "b", prompt: "x" });
      await note("stop", () => fleet.stop({ all: true }));
    }
    for (const [name, [first, ...others]] of seen) for (const counts of others) expect([name, counts]).toEqual([name, first]);
    expect(seen.get("fanout")?.[0]).toMatchObject({ "git.addWorktrees": 1, "git.branches": 1, "sessions.create": 1 });
    expect(seen.get("kill")?.[0]).toMatchObject({
      "git.removeWorktrees": 1,
      "git.deleteBranches": 1,
      "sessions.end": 1,
    });
  });

  test("a prompt is typed into each, and nothing else is done to each", async () => {
    const counts: Counts[] = [];
    for (const size of [1, 10]) {
      const { fleet, of } = await fleetOf(size);
      counts.push(less(await of(() => fleet.prompt({ all: true }, "x")), WAITING));
    }
    const typing = ["processes.foreground", "sessions.inputMode", "sessions.paste", "sessions.submit"];
    expect(counts.map((each) => typing.map((call) => each[call]))).toEqual([
      [1, 1, 1, 1],
      [10, 10, 10, 10],
    ]);
    expect(less(counts[1] ?? {}, typing)).toEqual(less(counts[0] ?? {}, typing));
  });
});
