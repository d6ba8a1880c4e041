import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fleet } from "../../src/index.js";
import { openFleet, oracle, promptsTaken } from "../support/demo.js";
import { makeWorld, settle, type World } from "../support/world.js";

let world: World;
let repo: string;
let fleet: Fleet;

beforeEach(async () => {
  world = makeWorld("life");
  repo = world.repo();
  fleet = await openFleet(world, repo);
});

afterEach(async () => {
  await world.dispose();
});

describe("one agent, from its start to its end", () => {
  test("gets a branch, a worktree, a session and its prompt; a kill leaves only the branch with its commits", async () => {
    const agent = await fleet.createAgent({ branch: "fix-auth", prompt: "Fix the login bug" });
    expect(agent.info).toMatchObject({ branch: "fix-auth", adapter: "demo", prompt: "Fix the login bug", createdBranch: true, repo });
    await agent.waitFor("idle", { timeout: 10_000 });
    expect(promptsTaken(world).map((prompt) => prompt.text)).toEqual(["Fix the login bug"]);
    expect(promptsTaken(world)[0]?.cwd).toBe(agent.worktree);

    const there = oracle(world, repo);
    expect(there.worktrees).toEqual([repo, agent.worktree]);
    expect(there.branches).toEqual(["fix-auth", "main"]);
    expect(there.sessions).toEqual([agent.session]);
    expect(there.agents).toBeGreaterThan(0);

    const killed = await agent.kill();
    expect(killed).toMatchObject({ branch: "fix-auth", saved: null, branchKept: true });
    const after = oracle(world, repo);
    expect(after).toMatchObject({ worktrees: [repo], branches: ["fix-auth", "main"], sessions: [], agents: 0 });
    expect(after.config).not.toContain("[branch");
    expect(await fleet.list()).toEqual([]);
  });

  test("that did nothing leaves nothing at all", async () => {
    const agent = await fleet.createAgent({ branch: "idle-hands" });
    await agent.kill();
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"], sessions: [], agents: 0 });
    expect(existsSync(agent.worktree)).toBe(false);
  });

  test("is stopped with its work kept, and resumed in the same place", async () => {
    const agent = await fleet.createAgent({ branch: "pause", prompt: "Draft it [[dirty]]" });
    await agent.waitFor("idle", { timeout: 10_000 });
    await agent.stop();
    expect(agent.status).toBe("stopped");
    expect(oracle(world, repo)).toMatchObject({ sessions: [], agents: 0 });
    expect((await agent.diff()).length).toBeGreaterThan(0);

    await agent.resume();
    await agent.waitFor("idle", { timeout: 10_000 });
    expect(oracle(world, repo).sessions).toEqual([agent.session]);
    expect((await agent.logs()).join("\n")).toContain("Resumed.");
  });

  test("whose program exits 0 at once is done, and that is a success", async () => {
    const agent = await fleet.createAgent({ branch: "quick", prompt: "Say hello [[exit]]" });
    await agent.waitFor("done", { timeout: 10_000 });
    expect((await fleet.list())[0]).toMatchObject({ status: "done", statusSource: "exit", exitCode: 0, pid: null });
  });

  test("whose program fails later is failed, with its exit code", async () => {
    const agent = await fleet.createAgent({ branch: "later", prompt: "Try [[work 200ms]] [[fail 7]]" });
    await fleet.wait("later", { for: "ended", timeout: 10_000 });
    await agent.refresh();
    expect(agent.info).toMatchObject({ status: "failed", statusSource: "exit", exitCode: 7 });
    await expect(agent.waitFor("idle", { timeout: 1000 })).rejects.toMatchObject({ code: "AGENT_DIED" });
  });

  test("takes later prompts exactly once, and answers waiting while a question is open", async () => {
    const agent = await fleet.createAgent({ branch: "talk" });
    await agent.waitFor("idle", { timeout: 10_000 });
    expect(await agent.prompt("one\ntwo; 'three' $(touch x) #(touch y)")).toMatchObject({ delivery: "delivered" });
    await settle(
      () => promptsTaken(world),
      (taken) => taken.length === 1,
    );
    expect(promptsTaken(world).map((prompt) => prompt.text)).toEqual(["one\ntwo; 'three' $(touch x) #(touch y)"]);

    await agent.waitFor("idle", { timeout: 10_000 });
    await agent.prompt("Ask me [[ask May I run the tests?]]");
    await agent.waitFor("waiting", { timeout: 10_000 });
    expect((await fleet.list())[0]).toMatchObject({ status: "waiting", statusSource: "screen", question: "May I run the tests?" });
    await expect(agent.prompt("And this")).rejects.toMatchObject({ code: "PROMPT_REFUSED", exitCode: 4 });
    expect(promptsTaken(world)).toHaveLength(2);
  });

  test("keeps its log when it is gone", async () => {
    const agent = await fleet.createAgent({ branch: "memory", prompt: "Leave a trace" });
    await agent.waitFor("idle", { timeout: 10_000 });
    await agent.kill();
    expect((await fleet.logs("memory")).join("\n")).toContain("Leave a trace");
    expect((await fleet.logs("memory", { raw: true })).join("\n")).toContain("\u001b[");
  });
});

describe("what the registry says is never more than what is there", () => {
  test("state.json deleted, emptied or filled with garbage: the next list shows the same fleet, every field", async () => {
    await fleet.fanout({ count: 2, prompt: "Work", prefix: "t" });
    await fleet.wait({ all: true }, { for: "idle", timeout: 10_000 });
    const lasting = async () => (await fleet.list()).map(({ cpu, memory, statusSince, ...rest }) => rest);
    const before = await lasting();
    const state = join(world.fleetHome, "state.json");
    for (const damage of [
      () => rmSync(state),
      () => writeFileSync(state, ""),
      () => writeFileSync(state, '{"version":1,"agents":[{"id"'),
    ]) {
      damage();
      expect(await lasting()).toEqual(before);
      expect(JSON.parse(readFileSync(state, "utf8")).agents).toHaveLength(2);
    }
    rmSync(state);
    const everywhere = await openFleet(world, undefined);
    expect((await everywhere.list()).map(({ branch }) => branch)).toEqual(["t-1", "t-2"]);
  });

  test("the session server killed: agents are lost, those done stay done, and resume brings the lost ones back", async () => {
    const one = await fleet.createAgent({ branch: "alive" });
    await fleet.createAgent({ branch: "finished", prompt: "End [[exit]]" });
    await fleet.wait("finished", { for: "done", timeout: 10_000 });
    world.tmux("kill-server");
    await settle(
      () => fleet.list(),
      (agents) => agents.every(({ status }) => status !== "unknown"),
    );
    expect((await fleet.list()).map(({ branch, status }) => [branch, status])).toEqual([
      ["alive", "lost"],
      ["finished", "done"],
    ]);
    await fleet.resume("alive");
    await one.waitFor("idle", { timeout: 10_000 });
  });

  test("a worktree removed by hand: the record goes with a warning; a live session is kept and shown", async () => {
    const agent = await fleet.createAgent({ branch: "by-hand" });
    world.git(repo, "worktree", "remove", "--force", agent.worktree);
    const warnings: string[] = [];
    const onWarning = (warning: { code: string }) => warnings.push(warning.code);
    expect((await fleet.list({}, { onWarning })).map(({ branch }) => branch)).toEqual(["by-hand"]);
    expect(warnings).toEqual(["WORKTREE_GONE"]);
    await agent.stop();
    expect(await fleet.list({}, { onWarning })).toEqual([]);
  });

  test("two homes on one repository never see each other's agents", async () => {
    await fleet.createAgent({ branch: "mine" });
    const other = await openFleet(world, repo, { home: join(world.root, "other") });
    expect(await other.list()).toEqual([]);
    await expect(other.createAgent({ branch: "mine" })).rejects.toMatchObject({ code: "BRANCH_IN_USE" });
  });
});
