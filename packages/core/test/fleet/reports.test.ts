import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reporter } from "../../src/agents/hooks.js";
import type { Agent, Fleet } from "../../src/index.js";
import { hooked } from "../agents/support/hooked.js";
import { openFleet } from "../support/demo.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
let log: string;
let fleet: Fleet;
let agent: Agent;
const resumed: (string | null)[] = [];

async function start(manner: string): Promise<void> {
  resumed.length = 0;
  fleet = await openFleet(world, world.repo(manner), { adapters: [hooked(manner, log, resumed)] });
  agent = await fleet.createAgent({ branch: "a", adapter: "hooked" });
}

const taken = () =>
  existsSync(log)
    ? readFileSync(log, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
    : [];
const now = async () => (await fleet.list())[0];
const folder = () => join(world.root, "good", ".git", "worktrees", "a", "fleet-reports");

beforeEach(() => {
  world = makeWorld("reports");
  log = join(world.root, "taken.jsonl");
});
afterEach(() => world.dispose());

describe("an agent whose program has hooks", () => {
  it("says itself what it does, and what it asks for", async () => {
    await start("good");
    await agent.prompt("one");
    await agent.waitFor("idle", { timeout: 10_000 });
    expect(await now()).toMatchObject({ status: "idle", statusSource: "hook" });
    await agent.prompt("may I?");
    await agent.waitFor("waiting", { timeout: 10_000 });
    expect(await now()).toMatchObject({ status: "waiting", statusSource: "hook", question: "Bash: npm test" });
  });

  it("has its prompts delivered when it says that it took them, once and as they were", async () => {
    await start("good");
    const texts = ["plain", "many\nlines; $(x) `y` #{z}", "ends with ;", "日本 🚀", "x".repeat(20_000)];
    for (const text of texts) expect(await agent.prompt(text)).toMatchObject({ delivery: "delivered", evidence: "hook" });
    expect(taken()).toEqual(texts);
  });

  it("gets Enter once more where the first was swallowed, and never the text", async () => {
    await start("swallow");
    expect(await agent.prompt("one")).toMatchObject({ delivery: "delivered" });
    expect(await agent.prompt("two")).toMatchObject({ delivery: "delivered" });
    expect(taken()).toEqual(["one", "two"]);
  });

  it("that took another text, or none that it tells of, is not said to have it", async () => {
    await start("other");
    await expect(agent.prompt("one")).rejects.toMatchObject({ code: "PROMPT_UNVERIFIED", message: expect.stringContaining("not the one") });
    await fleet.kill("a", { force: true });
    await start("mute");
    await expect(agent.prompt("one")).rejects.toMatchObject({ code: "PROMPT_UNVERIFIED", message: expect.stringContaining("not said") });
    expect(taken()).toEqual(["one", "one"]);
  });

  it("is not idle before it has said that it is up, and a prompt waits for that", async () => {
    await start("late");
    expect(await now()).toMatchObject({ status: "working", statusSource: "session" });
    await agent.prompt("one");
    expect(taken()).toEqual(["one"]);
  });

  it("is idle again after an interruption that it does not report", async () => {
    await start("good");
    await agent.prompt("a long one");
    expect(await now()).toMatchObject({ status: "working", statusSource: "hook" });
    world.tmux("send-keys", "-t", world.tmux("list-panes", "-a", "-F", "#{pane_id}").trim(), "Escape");
    await agent.waitFor("idle", { timeout: 10_000 });
    expect(await now()).toMatchObject({ status: "idle", statusSource: "screen" });
  });

  it("is known by its conversation also where nobody asked before its terminal was gone", async () => {
    await start("good");
    await agent.prompt("one");
    world.tmux("kill-server");
    await agent.resume();
    const state = JSON.parse(readFileSync(join(world.fleetHome, "state.json"), "utf8"));
    expect(resumed).toEqual(["talk-1"]);
    expect(state.agents[0].conversation).toBe("talk-1");
  });

  it("is known by its conversation, which the record keeps", async () => {
    await start("good");
    await fleet.list();
    const state = JSON.parse(readFileSync(join(world.fleetHome, "state.json"), "utf8"));
    expect(state.agents[0].conversation).toBe("talk-1");
  });

  it("keeps its reports to itself, and a kill takes them along", async () => {
    await start("good");
    await agent.prompt("one");
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder())) expect(statSync(join(folder(), name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder())).toContain("settings.json");
    await agent.kill();
    expect(existsSync(folder())).toBe(false);
  });
});

describe("what a hook runs", () => {
  it("takes no kind that is more than letters", () => {
    expect(() => reporter("a; rm -rf /")).toThrow();
  });
});
