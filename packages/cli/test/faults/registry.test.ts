import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "../../../core/src/index.js";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { figure, LONG } from "./support/report.js";
import { fleetEnv, json, run } from "./support/run.js";

/** The registry damaged in every way, and rebuilt from worktrees and sessions. */
let world: World;
let repo: string;
let file: string;
let whole: string;
let before: Map<string, unknown>;

beforeAll(async () => {
  world = makeWorld("registry");
  world.write(join(world.fleetHome, "config.toml"), '[agents.sleep]\ncommand = ["sh", "-c", "exec cat", "agent"]\n', 0o600);
  repo = world.repo();
  file = join(world.fleetHome, "state.json");
  await json(world, repo, "fanout", "2", "try", "--prompt", "Größe \u{1f680}\nzweite Zeile");
  await json(world, repo, "create", "alone/deep", "--agent", "sleep", "--prompt", "x");
  await json(world, repo, "create", "ended", "--agent", "sleep", "--prompt", "x");
  await json(world, repo, "wait", "try-*", "--timeout", "20");
  await json(world, repo, "stop", "ended");
  await json(world, repo, "list");
  whole = readFileSync(file, "utf8");
  before = records(whole);
});
afterAll(() => world.dispose());

function records(text: string): Map<string, unknown> {
  const { agents } = JSON.parse(text) as { agents: { id: string }[] };
  return new Map(agents.map((agent) => [agent.id, agent]).sort() as [string, unknown][]);
}

function brokenFiles(): string[] {
  return readdirSync(world.fleetHome).filter((name) => name.startsWith("state.json.broken-"));
}

/** Puts text where the registry is, or nothing, and asks for the fleet. */
async function damaged(text: string | null): Promise<{ found: Map<string, unknown>; aside: string[] }> {
  for (const name of brokenFiles()) rmSync(join(world.fleetHome, name));
  if (text === null) rmSync(file, { force: true });
  else writeFileSync(file, text, { mode: 0o600 });
  const fleet = await Fleet.open({ repo, env: fleetEnv(world) });
  try {
    await fleet.list();
  } finally {
    await fleet.close();
  }
  const aside = brokenFiles().map((name) => readFileSync(join(world.fleetHome, name), "utf8"));
  return { found: existsSync(file) ? records(readFileSync(file, "utf8")) : new Map(), aside };
}

describe("a registry that is", () => {
  it("missing is rebuilt in full, every field", async () => {
    expect(await damaged(null)).toEqual({ found: before, aside: [] });
  });

  it.each([
    ["empty", ""],
    ["garbage", "\u0000\u0001garbage\u{1f4a5}"],
    ["another document", '{"hello": "world"}'],
    ["a list", "[]"],
    ["null", "null"],
    ["of agents that are none", '{"version": 1, "agents": [1, "two", {"id": 3}], "repositories": []}'],
  ])("%s is rebuilt in full and kept aside", async (_what, text) => {
    expect(await damaged(text)).toEqual({ found: before, aside: [text] });
  });

  it.each<[string, (agents: Record<string, unknown>[]) => unknown]>([
    ["a field of a wrong type", ([one]) => Object.assign(one as object, { createdBranch: "yes" })],
    ["an id that leads out of its folder", ([one]) => Object.assign(one as object, { id: "../../x" })],
    ["a branch of somebody else's", ([one]) => Object.assign(one as object, { branch: "main" })],
    ["a folder of somebody else's", ([one]) => Object.assign(one as object, { worktree: repo })],
    ["one agent twice", (agents) => agents.push({ ...agents[0], branch: "main" })],
  ])("wrong in %s is put right by what stands beside the worktrees", async (_what, spoil) => {
    const state = JSON.parse(whole) as { agents: Record<string, unknown>[] };
    spoil(state.agents);
    expect((await damaged(JSON.stringify(state))).found).toEqual(before);
  });

  it(`cut ${LONG ? "at every byte" : "at bytes all over it"} is rebuilt in full and kept aside`, async () => {
    const bytes = Buffer.from(whole);
    const cuts = LONG
      ? [...bytes.keys()]
      : [1, 7, ...Array.from({ length: 12 }, (_, i) => Math.floor(((i + 1) / 13) * bytes.length)), bytes.length - 3];
    const wrong: number[] = [];
    for (const cut of cuts) {
      const text = bytes.subarray(0, cut);
      for (const name of brokenFiles()) rmSync(join(world.fleetHome, name));
      const { found, aside } = await damaged(text.toString("latin1") === "" ? "" : text.toString("utf8"));
      const isWhole = text.toString("utf8").trim() === whole.trim();
      const same = JSON.stringify([...found]) === JSON.stringify([...before]);
      if (!same || (!isWhole && aside.length !== 1)) wrong.push(cut);
    }
    figure("R4", "cut", `${cuts.length} cuts, ${wrong.length} wrong`);
    expect(wrong).toEqual([]);
  }, 1_800_000);

  it("of a newer version is refused by every command and left as it is", async () => {
    const newer = JSON.stringify({ version: 99, agents: [], repositories: [], more: "things" });
    writeFileSync(file, newer);
    const refs = world.git(repo, "for-each-ref");
    const commands = [
      ["list"],
      ["create", "new", "--prompt", "x"],
      ["fanout", "2", "--prompt", "x"],
      ["multi", "a:b"],
      ["prompt", "try-1", "x"],
      ["logs", "try-1"],
      ["path", "try-1"],
      ["diff", "try-1"],
      ["exec", "try-1", "--", "true"],
      ["wait", "try-1", "--timeout", "5"],
      ["stop", "try-1"],
      ["resume", "ended"],
      ["kill", "try-1", "--force", "--yes"],
      ["restore", "try-1"],
    ];
    for (const args of commands) {
      const cut = args.indexOf("--");
      const ran = await run(world, repo, cut < 0 ? [...args, "--json"] : [...args.slice(0, cut), "--json", ...args.slice(cut)]);
      expect({ args, code: ran.code, error: JSON.parse(ran.stdout).error?.code }).toEqual({ args, code: 1, error: "STATE_UNREADABLE" });
      expect(readFileSync(file, "utf8")).toBe(newer);
    }
    expect(world.git(repo, "for-each-ref")).toBe(refs);
    figure("R4", "newer version", `refused by ${commands.length} commands`);
    writeFileSync(file, whole);
    expect((await damaged(whole)).found).toEqual(before);
  });
});
