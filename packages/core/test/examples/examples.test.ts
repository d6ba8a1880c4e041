import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeContract } from "../../src/testing/contracts/store.js";
import { makeWorld, type World } from "../support/world.js";

/** The examples as a reader runs them: plain node, the built packages. */
const EXAMPLES = fileURLToPath(new URL("../../../../examples/", import.meta.url));
const BUILT = fileURLToPath(new URL("../../dist/index.js", import.meta.url));

let world: World;
beforeEach(() => {
  if (!existsSync(BUILT)) throw new Error("The examples run on the built packages: npm run build.");
  world = makeWorld("example");
  world.env.DEMO_AGENT_SPEED = "0";
});
afterEach(() => world.dispose());

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(name: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(EXAMPLES, name), ...args], { cwd: world.root, env: world.env });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString("utf8");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString("utf8");
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** Runs an example on a repository, and expects it to end well and to leave neither session, nor worktree, nor folder. */
async function runIn(repo: string, name: string): Promise<string> {
  const { code, out, err } = await run(name, repo);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(world.sessions()).toEqual([]);
  expect(readdirSync(world.env.TMPDIR as string)).toEqual([]);
  expect(existsSync(world.fleetHome)).toBe(false);
  expect(world.git(repo, "worktree", "list").trim().split("\n")).toHaveLength(1);
  expect(world.git(repo, "status", "--porcelain")).toBe("");
  return out;
}

const branches = (repo: string): string[] => world.git(repo, "branch", "--format=%(refname:short)").trim().split("\n");
const subjects = (repo: string, branch: string): string[] => world.git(repo, "log", "--format=%s", `main..${branch}`).trim().split("\n");

describe("the examples", () => {
  it("one-agent: two prompts become two commits on the agent's branch", async () => {
    const repo = world.repo();
    const out = await runIn(repo, "one-agent.mjs");
    expect(out).toContain("The second prompt was delivered.");
    expect(subjects(repo, "describe-prices")).toEqual(["demo: Now list what is missing", "demo: Describe how prices are made"]);
  });

  it("fanout-compare: one of three attempts is kept, the tips of the others can be found again", async () => {
    const repo = world.repo();
    const out = await runIn(repo, "fanout-compare.mjs");
    const [kept = ""] = branches(repo).filter((name) => name !== "main");
    expect(kept).toMatch(/^fanout-[a-z0-9]{8}-\d$/);
    expect(branches(repo)).toEqual([kept, "main"]);
    expect(out).toContain(`Kept: git merge ${kept}`);
    expect(subjects(repo, kept)).toEqual(["demo: Round prices to whole cents"]);
    expect(world.git(repo, "for-each-ref", "--format=%(refname)", "refs/fleet").trim().split("\n")).toHaveLength(2);
  });

  it("backlog: each task that works becomes a branch, the one that fails is named", async () => {
    const repo = world.repo();
    const out = await runIn(repo, "backlog.mjs");
    expect(out.match(/^failed .*/gm)).toEqual([expect.stringMatching(/^failed {2}chore\/licence: AGENT_DIED /)]);
    expect(out.match(/^done /gm)).toHaveLength(3);
    expect(subjects(repo, "fix/negative-costs")).toEqual(["demo: Refuse negative costs"]);
    expect(branches(repo)).toEqual(expect.arrayContaining(["docs/prices", "fix/negative-costs", "test/rounding"]));
  });

  it("custom-driver: the driver keeps its contract and is asked, and an empty registry finds the agent again", async () => {
    const out = await runIn(world.repo(), "custom-driver.mjs");
    expect(out.match(/^kept: /gm)).toHaveLength(storeContract.cases.length);
    expect(out).toContain("store.update");
    expect(out).toContain("found with-own-store, idle");
    expect(out).toContain("killed with-own-store");
  });

  it("custom-agent by settings: a shell script takes prompts and is read by a pattern", async () => {
    const repo = world.repo();
    const out = await runIn(repo, "custom-agent/by-settings.mjs");
    expect(out).toContain("notes is idle, as its screen shows");
    expect(subjects(repo, "notes")).toEqual(["scribe: Buy paper", "scribe: Buy string"]);
  });

  it("custom-agent by adapter: a prompt is data to it, also after a stop and a resume", async () => {
    const repo = world.repo();
    const out = await runIn(repo, "custom-agent/by-adapter.mjs");
    expect(out).toContain("+- Buy string; $(touch never-run)");
    expect(subjects(repo, "notes")).toEqual(["scribe: Buy paper", "scribe: Buy string; $(touch never-run)"]);
    expect(world.git(repo, "ls-tree", "--name-only", "notes")).not.toContain("never-run");
  });

  it("make a repository of their own where none is named, and leave nothing", async () => {
    const { code, out, err } = await run("one-agent.mjs");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("its branch stays, since it holds commits");
    expect(world.sessions()).toEqual([]);
    expect(readdirSync(world.env.TMPDIR as string)).toEqual([]);
  });
});
