import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fleet, ProgressEvent } from "../../src/index.js";
import { openFleet, oracle, promptsTaken } from "../support/demo.js";
import { makeWorld, settle, type World } from "../support/world.js";

let world: World;
let repo: string;
let fleet: Fleet;

beforeEach(async () => {
  world = makeWorld("batch");
  repo = world.repo();
  fleet = await openFleet(world, repo);
});

afterEach(async () => {
  await world.dispose();
});

describe("a fan-out", () => {
  test("of fifty brings up fifty agents with the same prompt, each in a worktree of its own", async () => {
    const batch = await fleet.fanout({ count: 50, prompt: "Refactor [[no-commit]]" });
    expect(batch.failed).toEqual([]);
    expect(batch.agents.map(({ branch }) => branch)).toEqual(Array.from({ length: 50 }, (_, n) => `fanout-${batch.id}-${n + 1}`));
    await settle(
      () => promptsTaken(world),
      (taken) => taken.length === 50,
      25_000,
    );
    const taken = promptsTaken(world);
    expect(taken.map(({ text }) => text)).toEqual(Array(50).fill("Refactor [[no-commit]]"));
    expect(new Set(taken.map(({ cwd }) => cwd)).size).toBe(50);
    const there = oracle(world, repo);
    expect([there.worktrees.length, there.branches.length, there.sessions.length]).toEqual([51, 51, 50]);

    await fleet.kill({ batch: batch.id }, { force: true });
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"], sessions: [], agents: 0 });
  }, 60_000);

  test("deals adapters out in turn and fills in {index} and {branch} only when asked", async () => {
    const settings = {
      agents: undefined,
      "agents.other.command": [process.execPath, "-e", "setInterval(() => {}, 1000); console.log(process.argv[1])"],
    };
    const { agents: _, ...flags } = settings;
    const mixed = await openFleet(world, repo, { settings: flags });
    const batch = await mixed.fanout({
      count: 4,
      prefix: "p",
      prompt: "I am {index} on {branch}",
      adapter: ["demo", "other"],
      expand: true,
    });
    expect(batch.agents.map(({ adapter }) => adapter)).toEqual(["demo", "other", "demo", "other"]);
    expect(batch.agents.map(({ info }) => info.prompt)).toEqual([1, 2, 3, 4].map((n) => `I am ${n} on p-${n}`));
    const plain = await mixed.fanout({ count: 1, prefix: "q", prompt: "{index}" });
    expect(plain.agents[0]?.info.prompt).toBe("{index}");
  });

  test("over a branch that exists makes nothing", async () => {
    world.git(repo, "branch", "p-2");
    const before = oracle(world, repo);
    await expect(fleet.fanout({ count: 3, prefix: "p", prompt: "x" })).rejects.toMatchObject({ code: "BRANCH_EXISTS", exitCode: 4 });
    expect(oracle(world, repo)).toEqual(before);
    expect(await fleet.list()).toEqual([]);
  });

  test.each([0, -1, 1.5, 1e9, Number.NaN])("of %d is refused", async (count) => {
    await expect(fleet.fanout({ count, prompt: "x" })).rejects.toMatchObject({ code: "INVALID_COUNT", exitCode: 2 });
  });

  test("interrupted in the middle keeps those that are up and undoes those in hand", async () => {
    const stop = new AbortController();
    const slow = await openFleet(world, repo, { settings: { "setup.commands": ["case $AIFLEET_INDEX in 1|2) ;; *) sleep 30 ;; esac"] } });
    let up = 0;
    const onProgress = (event: ProgressEvent) => {
      if (event.type === "done" && ++up === 2) stop.abort(new Error("enough"));
    };
    const error = await slow.fanout({ count: 4, prefix: "s", prompt: "x" }, { signal: stop.signal, onProgress }).catch((caught) => caught);
    expect(error).toMatchObject({ code: "INTERRUPTED", exitCode: 130, data: { up: ["s-1", "s-2"] } });
    expect(error.cause).toEqual(new Error("enough"));
    const there = oracle(world, repo);
    expect(there.branches).toEqual(["main", "s-1", "s-2"]);
    expect(there.sessions).toHaveLength(2);
    expect((await fleet.list()).map(({ branch }) => branch)).toEqual(["s-1", "s-2"]);
  });
});

describe("several tasks", () => {
  test("get an agent each, with their own prompts", async () => {
    const batch = await fleet.multi([
      { branch: "fix-auth", prompt: "Fix login" },
      { branch: "add-tests", prompt: "Add: coverage" },
    ]);
    expect(batch.agents.map(({ branch, index }) => [branch, index])).toEqual([
      ["fix-auth", 1],
      ["add-tests", 2],
    ]);
    await settle(
      () => promptsTaken(world),
      (taken) => taken.length === 2,
    );
    expect(
      promptsTaken(world)
        .map(({ text }) => text)
        .sort(),
    ).toEqual(["Add: coverage", "Fix login"]);
  });

  test("some of which fail: those that work stay, those that failed leave nothing and are named with the reason", async () => {
    const settings = { "setup.commands": ['test "$AIFLEET_BRANCH" != bad || { echo no luck >&2; exit 9; }'] };
    const picky = await openFleet(world, repo, { settings });
    const batch = await picky.multi([
      { branch: "good", prompt: "x" },
      { branch: "bad", prompt: "y" },
    ]);
    expect(batch.agents.map(({ branch }) => branch)).toEqual(["good"]);
    expect(batch.failed).toMatchObject([{ branch: "bad", error: { code: "SETUP_FAILED", data: { exitCode: 9, output: "no luck" } } }]);
    expect(oracle(world, repo).branches).toEqual(["good", "main"]);
    expect(oracle(world, repo).worktrees).toHaveLength(2);
  });

  test("two of one name are refused before anything is made", async () => {
    const twice = [
      { branch: "a", prompt: "x" },
      { branch: "a", prompt: "y" },
    ];
    await expect(fleet.multi(twice)).rejects.toMatchObject({ code: "USAGE", exitCode: 2 });
    expect(oracle(world, repo).branches).toEqual(["main"]);
  });
});
