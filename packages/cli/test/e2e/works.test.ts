import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { canaries, hashesTaken, type Person, person, sha256, traces } from "./support/person.js";

/** What must work, however odd. The canary: no file is ever made by a command that stands in a name or a prompt. */
let world: World;
let repo: string;
let me: Person;

function newWorld(label: string): void {
  world = makeWorld(label);
  repo = world.repo();
  me = person(world, repo);
}

async function endWorld(): Promise<void> {
  const found = canaries(world);
  await world.dispose();
  expect(found).toEqual([]);
}

const create = (branch: string, ...rest: string[]) => me.json(["create", branch, ...rest]);

describe("branches", () => {
  beforeAll(() => newWorld("branches"));
  afterAll(endWorld);

  it.each([
    ["with ;", "a;touch${IFS}canary-1"],
    ["with quotes", `it's-"quoted"`],
    ["with a format of tmux", "x#(touch${IFS}$HOME/canary-2)"],
    ["with a style of tmux", "#[fg=red]x#{pane_id}"],
    ["with $()", "$(touch${IFS}canary-3)"],
    ["with backticks", "`touch${IFS}canary-4`"],
    ["with an ampersand, a pipe and an arrow", "a&b|c>canary-5"],
    ["with emoji", "feature-🚀-日本"],
    ["of 200 characters", "l".repeat(200)],
    ["of 200 emoji", Array.from({ length: 4 }, () => "🚀".repeat(50)).join("/")],
    ["in a folder", "feat/x"],
    ["like one in a folder", "feat-x"],
    ["in lower case", "a"],
    ["in upper case", "A"],
    ["with a percent sign and a comma", "50%,done"],
    ["with a leading number and dots", "1.2.x"],
  ])("%s make agents that are found, prompted, read and killed by that name", async (_what, branch) => {
    const before = traces(world, repo);
    const made = await create(branch, "--prompt", `on ${branch}`);
    expect(made).toMatchObject({ code: 0, agent: { branch, createdBranch: true }, warnings: [] });
    const { worktree, session } = made.agent;
    expect(world.git(worktree, "symbolic-ref", "HEAD").trim()).toBe(`refs/heads/${branch}`);
    expect(world.sessions()).toContain(session);
    expect(session).toMatch(/^ai_[A-Za-z0-9_-]+$/);
    expect(await me.json(["wait", branch, "--timeout", "20"])).toMatchObject({ code: 0, agents: [{ branch, status: "idle" }] });
    expect((await me.fleet(["path", branch])).stdout).toBe(`${worktree}\n`);
    expect(await me.json(["logs", branch])).toMatchObject({ code: 0, branch });
    expect(await me.json(["kill", branch, "--force", "--yes", "--delete-branch"])).toMatchObject({
      code: 0,
      killed: [{ branch, branchKept: false }],
    });
    const { logs: _, refs: __, ...after } = traces(world, repo);
    expect(after).toEqual({ ...before, logs: undefined, refs: undefined, folders: [] });
  });

  it("that would share a folder each have their own", async () => {
    const made = await me.json(["multi", ...["t/x", "t-x", "t_x", "b", "B"].map((branch) => `${branch}:go`)]);
    expect(made).toMatchObject({ code: 0, failed: [] });
    const places: string[] = made.agents.map(({ worktree }: { worktree: string }) => worktree.toLowerCase());
    expect(new Set(places).size).toBe(5);
    expect(await me.json(["kill", "--batch", made.batch, "--force", "--yes", "--delete-branch"])).toMatchObject({ code: 0 });
  });

  it("that exist are used as they are, and this is said", async () => {
    world.git(repo, "branch", "old");
    const made = await create("old", "--prompt", "go");
    expect(made).toMatchObject({ code: 0, agent: { createdBranch: false }, warnings: [{ code: "BRANCH_USED" }] });
    const said = await me.fleet(["kill", "old", "--force", "--yes"]);
    expect(said.code).toBe(0);
    expect(world.git(repo, "branch", "--list", "old").trim()).toBe("old");
    expect((await me.fleet(["create", "old"])).stderr).toMatch(/^warning: .*old exists and is used/);
    await me.fleet(["kill", "old", "--yes"]);
  });

  it("that exist only on a remote are tracked, and this is said", async () => {
    const remote = join(world.root, "remote.git");
    world.git(world.root, "clone", "-q", "--bare", repo, remote);
    world.git(remote, "branch", "theirs", "main");
    world.git(repo, "remote", "add", "origin", remote);
    world.git(repo, "fetch", "-q", "origin");
    const made = await create("theirs");
    expect(made).toMatchObject({ code: 0, warnings: [{ code: "BRANCH_TRACKED" }] });
    expect(world.git(made.agent.worktree, "rev-parse", "--abbrev-ref", "theirs@{upstream}").trim()).toBe("origin/theirs");
    expect(await me.json(["kill", "theirs"])).toMatchObject({ code: 0 });
    expect(traces(world, repo).branches).not.toContain("theirs");
    expect(world.git(repo, "config", "--get-regexp", "branch\\.theirs\\.|x").includes("theirs")).toBe(false);
  });
});

describe("prompts", () => {
  beforeAll(async () => {
    newWorld("prompts");
    expect(await create("p")).toMatchObject({ code: 0 });
    expect(await me.json(["wait", "p", "--timeout", "20"])).toMatchObject({ code: 0 });
  });
  afterAll(endWorld);

  const big = (mark: string) => `${mark} ${"0123456789abcde\n".repeat(65_536)}end`;
  const cases: readonly (readonly [string, string])[] = [
    ["with quotes", `it's "quoted" \\ and \\n`],
    ["with $() and backticks", "$(touch canary-6) `touch canary-7` ${IFS}"],
    ["with a command of tmux", "x ; run-shell 'touch canary-8' ; #(touch canary-9)"],
    ["with newlines and tabs", "one\n\ttwo\n\n\nthree"],
    ["with emoji", "🚀 日本 é é \u200d 👩‍👩‍👧"],
    ["ending in ;", "do it;"],
    ["ending in a backslash", "do it\\"],
    ["beginning with a dash", "-x --force"],
    ["beginning with two dashes", "--help"],
    ["that is a number", "1"],
    ["beginning with a bang", "!touch canary-10"],
    ["with blanks around", "  blanks  "],
    ["of 200 KB in one line", "y".repeat(200_000)],
  ];

  it.each(cases)("%s reach an agent that is up byte for byte, once", async (_what, text) => {
    const before = hashesTaken(world).length;
    const said = await me.json(["prompt", "p", "--", text].filter((word) => word !== "--" || text.startsWith("-")), {
      ...(text.length > 100_000 ? { input: text } : {}),
    }).catch((error: unknown) => error);
    // One argument cannot be longer than 128 KB: the system says so, and stdin is the way.
    void said;
    expect(said).toMatchObject({ code: 0, results: [{ branch: "p", delivery: "delivered" }] });
    await settle(
      () => hashesTaken(world).length,
      (count) => count > before,
    );
    await me.json(["wait", "p", "--timeout", "20"]);
    expect(hashesTaken(world).slice(before)).toEqual([sha256(text)]);
  });
});
