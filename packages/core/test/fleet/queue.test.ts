import { existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Fleet } from "../../src/index.js";
import { openFleet, promptsTaken } from "../support/demo.js";
import { makeWorld, settle, type World } from "../support/world.js";

const START = "Go [[ask May I go on?]] [[no-commit]]";

describe("a prompt for when the agent is idle", () => {
  let world: World;
  let fleet: Fleet;
  beforeEach(async () => {
    world = makeWorld("queue");
    fleet = await openFleet(world, world.repo());
  });
  afterEach(() => world.dispose());

  const taken = () => promptsTaken(world).map(({ text }) => text);
  const queued = () => (existsSync(join(world.fleetHome, "queue")) ? readdirSync(join(world.fleetHome, "queue")) : []);
  const noted = (id: string) =>
    readFileSync(join(world.fleetHome, "logs", `${id}.queue.jsonl`), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  /** An agent that is not idle for as long as nobody answers it. */
  const busy = async (branch: string) => {
    const agent = await fleet.createAgent({ branch, prompt: START });
    return agent.waitFor("waiting", { timeout: 10_000 });
  };

  it("is given in order, each once, after what keeps the agent from it is over", async () => {
    const agent = await busy("a");
    expect(await fleet.prompt("a", "one [[no-commit]]", { whenIdle: true })).toEqual([
      { branch: "a", delivery: "queued", reason: "it is waiting", evidence: null },
    ]);
    expect(await agent.prompt("two\nlines [[no-commit]]", { whenIdle: true })).toMatchObject({
      delivery: "queued",
      reason: "1 prompt stands before it",
    });
    const carried = fleet.deliverQueued();
    expect(taken()).toEqual([START]);
    await agent.answer("yes");
    await carried;
    expect(taken()).toEqual([START, "one [[no-commit]]", "two\nlines [[no-commit]]"]);
    expect(queued()).toEqual([]);
    expect(noted(agent.id)).toMatchObject([{ delivery: "delivered" }, { delivery: "delivered" }]);
  });

  it("is given at once to one that is idle, and refused for one that has ended", async () => {
    const agent = await fleet.createAgent({ branch: "a" });
    await agent.waitFor("idle", { timeout: 10_000 });
    expect(await agent.prompt("now", { whenIdle: true })).toMatchObject({ delivery: "delivered" });
    await fleet.stop("a");
    await expect(fleet.prompt("a", "later", { whenIdle: true })).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
    expect(queued()).toEqual([]);
  });

  it("is never typed twice: one whose courier ended while it typed is noted and passed over", async () => {
    const agent = await busy("a");
    await agent.prompt("perhaps", { whenIdle: true });
    const [name = ""] = queued();
    renameSync(join(world.fleetHome, "queue", name), join(world.fleetHome, "queue", `${name}.sent`));
    await agent.prompt("surely", { whenIdle: true });
    await agent.answer("yes");
    await fleet.deliverQueued();
    expect(taken()).toEqual([START, "surely"]);
    expect(noted(agent.id)).toMatchObject([{ delivery: "unverified", text: "perhaps" }, { delivery: "delivered" }]);
  });

  it("is carried by one process at a time", async () => {
    const agent = await busy("a");
    await agent.prompt("once", { whenIdle: true });
    const first = fleet.deliverQueued();
    const second = (await openFleet(world, join(world.root, "repo"))).deliverQueued();
    await second;
    await agent.answer("yes");
    await first;
    expect(taken()).toEqual([START, "once"]);
  });

  it("can be seen and dropped before it is given, alone or with all of its agent", async () => {
    const agent = await busy("a");
    const other = await busy("b");
    for (const text of ["one", "two\nlines", "three [[no-commit]]"]) await agent.prompt(text, { whenIdle: true });
    await other.prompt("for b", { whenIdle: true });
    const all = await fleet.queued();
    expect(all.map(({ branch, text }) => [branch, text])).toEqual([
      ["a", "one"],
      ["a", "two\nlines"],
      ["a", "three [[no-commit]]"],
      ["b", "for b"],
    ]);
    expect(all[0]).toMatchObject({ agent: agent.id, repo: join(world.root, "repo"), queuedAt: expect.stringMatching(/^20.*Z$/) });
    expect(await fleet.queued("b")).toEqual(all.slice(3));
    expect(await fleet.dropQueued([String(all[1]?.id), "b"])).toEqual([all[3], all[1]]);
    expect(await fleet.queued()).toEqual([all[0], all[2]]);
    await expect(fleet.dropQueued("nobody")).rejects.toMatchObject({ code: "AGENT_NOT_FOUND" });
    expect(await fleet.dropQueued(String(all[0]?.id))).toEqual([all[0]]);
    await agent.answer("yes");
    await fleet.deliverQueued();
    expect(taken()).toEqual([START, START, "three [[no-commit]]"]);
    expect(noted(agent.id)).toMatchObject([
      { delivery: "refused", reason: "it was dropped", text: "two\nlines" },
      { delivery: "refused", text: "one" },
      { delivery: "delivered", evidence: "read" },
    ]);
  });

  it("is kept as text, and not left behind, when its agent is killed", async () => {
    const agent = await busy("a");
    await agent.prompt("too late", { whenIdle: true });
    await fleet.kill("a", { force: true });
    expect(queued()).toEqual([]);
    expect(noted(agent.id)).toMatchObject([{ delivery: "refused", reason: "the agent was removed", text: "too late" }]);
  });

  it("asks for a courier where there is a way to start one, and for one alone", async () => {
    const asked: unknown[] = [];
    const other = await openFleet(world, join(world.root, "repo"), { startCourier: (place) => void asked.push(place) });
    const agent = await busy("a");
    await other.prompt("a", "go on", { whenIdle: true });
    expect(asked).toEqual([{ home: world.fleetHome, repo: join(world.root, "repo") }]);
    const carried = fleet.deliverQueued();
    await settle(() => readdirSync(join(world.fleetHome, "run")).some((name) => name.startsWith("courier")), Boolean);
    await other.list();
    expect(asked).toHaveLength(1);
    await agent.answer("yes");
    await carried;
    await other.list();
    expect(taken()).toEqual([START, "go on"]);
  });
});
