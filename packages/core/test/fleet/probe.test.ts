import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DoctorFinding, Fleet } from "../../src/index.js";
import { hooked } from "../agents/support/hooked.js";
import { openFleet } from "../support/demo.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("probe");
  repo = world.repo();
});
afterEach(() => world.dispose());

const states = (findings: readonly DoctorFinding[]) => Object.fromEntries(findings.map(({ check, state }) => [check, state]));
const open = (manner: string): Promise<Fleet> => openFleet(world, repo, { adapters: [hooked(manner, join(world.root, "taken.jsonl"))] });

/** All that could be left of a probe. */
function left(): unknown {
  const inHome = (folder: string) => {
    const path = join(world.fleetHome, folder);
    return existsSync(path) ? readdirSync(path) : [];
  };
  return {
    branches: world.git(repo, "branch", "--format=%(refname:short)").trim().split("\n"),
    worktrees: world.git(repo, "worktree", "list", "--porcelain").match(/^worktree /gm)?.length,
    refs: world.git(repo, "for-each-ref", "refs/fleet").trim(),
    logs: inHome("logs"),
    trash: inHome("trash"),
    journal: inHome("journal"),
  };
}
const NOTHING = { branches: ["main"], worktrees: 1, refs: "", logs: [], trash: [], journal: [] };

describe("a probe of an agent program", () => {
  it("finds what works: readiness, delivery by its word, its status, its conversation; and leaves nothing", async () => {
    const fleet = await open("good");
    const told: string[] = [];
    const report = await fleet.probe("hooked", { onFinding: ({ check }) => told.push(check) });
    expect(report).toMatchObject({ adapter: "hooked", healthy: true });
    expect(told).toEqual(["program", "start", "ready", "delivery", "status", "conversation", "resume", "end"]);
    expect(report.findings.map(({ check }) => check)).toEqual(told);
    expect(report.findings.find(({ check }) => check === "delivery")?.message).toContain("(hook)");
    expect(await fleet.list()).toEqual([]);
    expect(left()).toEqual(NOTHING);
  });

  it("tells of prompts that are taken without a word, and of hooks that say nothing", async () => {
    const report = await (await open("mute")).probe("hooked");
    expect(report.healthy).toBe(false);
    expect(states(report.findings)).toMatchObject({ ready: "ok", delivery: "problem", end: "ok" });
    expect(left()).toEqual(NOTHING);
  });

  it("sends nothing where that is asked for", async () => {
    const report = await (await open("good")).probe("hooked", { prompt: false });
    expect(states(report.findings)).toEqual({ program: "ok", start: "ok", ready: "ok", end: "ok" });
    expect(existsSync(join(world.root, "taken.jsonl"))).toBe(false);
  });

  it("leaves nothing of what a program wrote and committed, nor of one that cannot be started", async () => {
    const fleet = await openFleet(world, repo);
    const report = await fleet.probe("demo");
    expect(report).toMatchObject({ healthy: true, adapter: "demo" });
    expect(left()).toEqual(NOTHING);
    const broken = await openFleet(world, repo, { settings: { "agents.broken.command": ["false"] } });
    expect(states((await broken.probe("broken")).findings)).toEqual({ program: "ok", start: "problem" });
    expect(left()).toEqual(NOTHING);
  });

  it("leaves nothing when it is interrupted", async () => {
    const abort = new AbortController();
    const fleet = await open("good");
    const cut = fleet.probe("hooked", { onFinding: ({ check }) => check === "ready" && abort.abort() }, { signal: abort.signal });
    await expect(cut).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(await fleet.list()).toEqual([]);
    expect(left()).toEqual(NOTHING);
  });

  it("needs the program", async () => {
    const fleet = await openFleet(world, repo, { settings: { "agents.missing.command": ["no-such-program"] } });
    await expect(fleet.probe("missing")).rejects.toMatchObject({ code: "AGENT_COMMAND_MISSING" });
    await expect(fleet.probe("nobody")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(left()).toEqual({ ...NOTHING });
  });
});
