import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Fleet, FleetOpenOptions } from "../../src/index.js";
import { openFleet, oracle, promptsTaken } from "../support/demo.js";
import { makeWorld, settle, type World } from "../support/world.js";

const STILL = "Stay [[no-commit]]";

describe("agents beyond fleet.max_running", () => {
  let world: World;
  let repo: string;
  beforeEach(() => {
    world = makeWorld("queued");
    repo = world.repo();
    limit(1);
  });
  afterEach(() => world.dispose());

  const limit = (count: number, more = "") =>
    world.write(join(world.fleetHome, "config.toml"), `[fleet]\nmax_running = ${count}\n${more}`, 0o600);
  const open = (options: Omit<FleetOpenOptions, "repo" | "env"> = {}, of = repo) => openFleet(world, of, options);
  /** One that has just come up may be seen at work for a moment. */
  const list = async (fleet: Fleet) => (await fleet.list()).map((agent) => ({ ...agent, status: agent.status.replace("working", "idle") }));
  const statuses = async (fleet: Fleet) => (await list(fleet)).map(({ branch, status }) => [branch, status]);
  const entries = () => readdirSync(join(world.fleetHome, "queue")).filter((name) => name.endsWith(".agent.json"));
  const alive = (all: readonly (readonly string[])[]) => all.filter(([, status]) => status === "idle");

  it("are queued with nothing made of them, and start in their order as places become free", async () => {
    const fleet = await open();
    await fleet.createAgent({ branch: "first", prompt: STILL });
    const before = oracle(world, repo);
    const { agents, failed } = await fleet.fanout({ count: 1, prefix: "try", prompt: `${STILL} {index}`, expand: true });
    const last = await fleet.createAgent({ branch: "last", prompt: STILL });
    expect(failed).toEqual([]);
    expect([...agents, last].map(({ info }) => [info.branch, info.status, info.reason, info.pid])).toEqual([
      ["try-1", "queued", "1 of 1 agents run", null],
      ["last", "queued", "1 of 1 agents run; 1 before it", null],
    ]);
    expect(oracle(world, repo)).toEqual(before);
    expect((await fleet.list({ status: "queued" })).map(({ branch }) => branch)).toEqual(["try-1", "last"]);

    // Where no other process starts what is queued, who waits does.
    await fleet.kill("first", { force: true });
    await agents[0]?.waitFor("idle", { timeout: 20_000 });
    expect(alive(await statuses(fleet))).toEqual([["try-1", "idle"]]);
    await fleet.stop("try-1");
    await fleet.deliverQueued();
    expect(alive(await statuses(fleet))).toEqual([["last", "idle"]]);
    expect(entries()).toEqual([]);
    const taken = await settle(
      () => promptsTaken(world).map(({ text }) => text),
      (texts) => texts.length === 3,
    );
    expect(taken).toEqual([STILL, `${STILL} 1`, STILL]);
  });

  it("start once, with everything they were asked for with, also when the registry is lost and several want to start them", async () => {
    const settings = { "setup.commands": ["echo $AIFLEET_BATCH/$AIFLEET_INDEX > setup.txt"] };
    const fleet = await open({ settings });
    await fleet.createAgent({ branch: "first", prompt: STILL });
    const { id } = await fleet.fanout({ count: 2, prefix: "try", prompt: STILL });
    const asked = (await fleet.list()).slice(1);
    const base = world.git(repo, "rev-parse", "HEAD").trim();
    world.git(repo, "commit", "-q", "--allow-empty", "-m", "later");
    rmSync(join(world.fleetHome, "state.json"));
    expect((await fleet.list()).slice(1)).toEqual(asked);
    limit(3);
    const others = await Promise.all([1, 2, 3].map(() => open()));
    await Promise.all(others.map((other) => other.deliverQueued()));
    const started = (await fleet.list()).slice(1);
    expect(started.map(({ id, branch, batch, index, base, worktree }) => [id, branch, batch, index, base, worktree])).toEqual(
      asked.map(({ id, branch, batch, index, worktree }) => [id, branch, batch, index, base, worktree]),
    );
    for (const { worktree, index } of started) {
      expect(readFileSync(join(worktree, "setup.txt"), "utf8")).toBe(`${id}/${index}\n`);
      expect(world.git(worktree, "rev-parse", "HEAD").trim()).toBe(base);
    }
    expect(oracle(world, repo).sessions).toHaveLength(3);
    const taken = await settle(
      () => promptsTaken(world),
      (all) => all.length >= 3,
    );
    expect(taken).toHaveLength(3);
  });

  it("keep their names: another of that name, or one that git could not keep beside it, is refused", async () => {
    const fleet = await open();
    await fleet.createAgent({ branch: "first" });
    await fleet.createAgent({ branch: "try-2" });
    await expect(fleet.createAgent({ branch: "try-2" })).rejects.toMatchObject({ code: "AGENT_EXISTS" });
    await expect(fleet.fanout({ count: 3, prefix: "try", prompt: "x" })).rejects.toMatchObject({ code: "AGENT_EXISTS" });
    await expect(fleet.createAgent({ branch: "try-2/more" })).rejects.toMatchObject({ code: "BRANCH_IN_USE" });
    expect(await statuses(fleet)).toEqual([
      ["first", "idle"],
      ["try-2", "queued"],
    ]);
    await fleet.createAgent({ branch: "try-2", prompt: "another", replace: true });
    expect((await fleet.list()).map(({ branch, prompt }) => [branch, prompt])).toEqual([
      ["first", null],
      ["try-2", "another"],
    ]);
  });

  it("can be dropped, taken out and put back, and have no terminal and no worktree to be asked for", async () => {
    const fleet = await open();
    await fleet.createAgent({ branch: "first" });
    const { agents } = await fleet.fanout({ count: 3, prefix: "try", prompt: "Do it" });
    expect(await fleet.kill("try-1")).toMatchObject({ killed: [{ branch: "try-1", saved: null, branchKept: false }], refused: [] });
    const note = readFileSync(join(world.fleetHome, "logs", `${agents[0]?.id}.queue.jsonl`), "utf8");
    expect(JSON.parse(note)).toMatchObject({ branch: "try-1", reason: "the agent was removed before it was started", text: "Do it" });
    expect(await fleet.stop("try-2")).toMatchObject({ agents: [{ branch: "try-2", status: "stopped" }], failed: [] });
    for (const branch of ["try-2", "try-3"]) {
      const calls = [fleet.diff(branch), fleet.logs(branch), fleet.attachCommand(branch), fleet.exec(branch, ["true"])];
      for (const result of await Promise.allSettled(calls))
        expect(result).toMatchObject({ reason: { code: "AGENT_NOT_FOUND", exitCode: 3 } });
      await expect(fleet.prompt(branch, "hello")).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
    }
    expect((await fleet.exec({ all: true }, ["true"])).map(({ branch }) => branch)).toEqual(["first"]);
    expect((await fleet.resume("try-2")).agents).toMatchObject([{ branch: "try-2", status: "queued" }]);
    await fleet.stop({ all: true });
    expect(await statuses(fleet)).toEqual([
      ["first", "stopped"],
      ["try-2", "stopped"],
      ["try-3", "stopped"],
    ]);
    await fleet.deliverQueued();
    expect(oracle(world, repo).agents).toBe(0);
    expect((await fleet.kill("try-*")).killed).toHaveLength(2);
    expect(entries()).toEqual([]);
    await fleet.createAgent({ branch: "up" });
    await expect(fleet.resume("first")).rejects.toMatchObject({ code: "LIMIT_REACHED", data: { running: 1, limit: 1, asked: 1 } });
  });

  it("can be dropped and taken out while they are being started, and nothing of that is left", async () => {
    const fleet = await open();
    await fleet.createAgent({ branch: "first" });
    const slow = await open({ settings: { "setup.commands": ["touch $FLEET_TEST_WORLD/began-$AIFLEET_INDEX; sleep 60"] } });
    await slow.fanout({ count: 2, prefix: "try", prompt: "x" });
    const before = oracle(world, repo);
    limit(3);
    const carried = fleet.deliverQueued();
    await settle(
      () => ["began-1", "began-2"].every((name) => existsSync(join(world.root, name))),
      (began) => began,
      30_000,
    );
    expect((await fleet.kill("try-1")).killed).toMatchObject([{ branch: "try-1", saved: null, branchKept: false }]);
    expect((await fleet.stop("try-2")).agents).toMatchObject([{ branch: "try-2", status: "stopped" }]);
    await carried;
    expect(oracle(world, repo)).toEqual(before);
    expect(await statuses(fleet)).toEqual([
      ["first", "idle"],
      ["try-2", "stopped"],
    ]);
  });

  it("that cannot be started have failed, say why, and hold nobody up", async () => {
    const fleet = await open();
    await fleet.createAgent({ branch: "first" });
    await fleet.fanout({ count: 2, prefix: "try", prompt: "x" });
    world.git(repo, "branch", "try-1");
    await fleet.stop("first");
    await fleet.deliverQueued();
    const [, failed, next] = await list(fleet);
    expect(failed).toMatchObject({ branch: "try-1", status: "failed", reason: 'The branch "try-1" exists already.' });
    expect(next).toMatchObject({ branch: "try-2", status: "idle" });
    expect((await fleet.logs("try-1"))[0]).toBe('It could not be started: The branch "try-1" exists already.');
    expect((await fleet.doctor()).findings).toContainEqual(expect.objectContaining({ check: "queue", state: "note" }));
    await fleet.stop("try-2");
    world.git(repo, "branch", "-D", "try-1");
    await fleet.resume("try-1");
    await fleet.deliverQueued();
    const [, again] = await list(fleet);
    expect(again).toMatchObject({ branch: "try-1", status: "idle" });
    expect(again).not.toHaveProperty("reason");
    expect(existsSync(again?.worktree ?? "")).toBe(true);
  });

  it("of a repository whose settings nobody trusts, or that is gone, wait, are told of, and hold up no other", async () => {
    const fleet = await open();
    await fleet.createAgent({ branch: "first" });
    const other = world.repo("other");
    await (await open({}, other)).createAgent({ branch: "theirs" });
    await fleet.createAgent({ branch: "ours" });
    world.write(join(other, ".aifleet/config.toml"), "[setup]\nquick = true\n");
    limit(2);
    await fleet.deliverQueued();
    expect(await statuses(fleet)).toEqual([
      ["first", "idle"],
      ["ours", "idle"],
    ]);
    const [theirs] = await (await open({}, other)).list({ status: "queued" });
    expect(theirs?.reason).toContain("have not been trusted");
    rmSync(other, { recursive: true });
    const problem = {
      check: "queue",
      state: "problem",
      message: expect.stringMatching(/^theirs is queued and cannot be started: .*other/),
    };
    expect((await fleet.doctor()).findings).toContainEqual(expect.objectContaining(problem));
  });

  it("are never more, whoever asks at the same time", async () => {
    limit(2);
    const fleets = await Promise.all(Array.from({ length: 8 }, () => open()));
    const agents = await Promise.all(fleets.map((fleet, n) => fleet.createAgent({ branch: `b-${n}` })));
    expect(agents.filter(({ status }) => status === "queued")).toHaveLength(6);
    expect(oracle(world, repo).sessions).toHaveLength(2);
    expect(entries()).toHaveLength(6);
  });

  it("wait for memory, too, where some is to stay free", async () => {
    limit(9, 'min_free_memory = "4GB"\n');
    let free = 4.1e9;
    const measured = await open({ processes: (standard) => ({ ...standard, freeMemory: async () => free }) });
    const agent = await measured.createAgent({ branch: "a" });
    expect(agent.info).toMatchObject({
      status: "queued",
      reason: "4.1 GB of memory are free, 4.0 GB are to stay so, and one more would take 0.3 GB",
    });
    free = 4.3e9;
    await measured.deliverQueued();
    expect(await statuses(measured)).toEqual([["a", "idle"]]);
    free = 4.01e9;
    expect((await measured.createAgent({ branch: "b" })).status).toBe("queued");
    limit(9);
    await measured.deliverQueued();
    expect(alive(await statuses(measured))).toHaveLength(2);
  });
});
