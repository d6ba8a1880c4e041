import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { type Answer, hashesTaken, type Person, person, sha256, traces } from "./support/person.js";

/** A day with the fleet on a repository of some size: each step as a user takes it, the last look at what is left. */
let world: World;
let repo: string;
let me: Person;
const times: [string, number][] = [];

const KEYS =
  "id branch repo worktree session batch index adapter prompt createdAt base createdBranch status statusSource statusSince pid cpu memory processes ahead behind dirty exitCode";

/** 1,200 files in 40 folders, 30 commits, a merge. */
function grow(folder: string): void {
  execFileSync("git", ["init", "-q", folder], { env: world.env });
  const lines: string[] = [];
  const file = (path: string, text: string) => lines.push(`M 100644 inline ${path}`, `data ${text.length}`, text);
  for (let at = 0; at < 30; at++) {
    lines.push(
      "commit refs/heads/main",
      `committer T <t@example.invalid> ${1_700_000_000 + at * 3600} +0000`,
      `data ${`commit ${at}`.length}`,
      `commit ${at}`,
    );
    for (let n = at * 40; n < (at + 1) * 40; n++) file(`src/part-${n % 40}/file-${n}.ts`, `export const value${n} = ${n};\n`.repeat(20));
    file("README.md", `# Version ${at}\n`);
  }
  execFileSync("git", ["fast-import", "--quiet"], { cwd: folder, env: world.env, input: `${lines.join("\n")}\n` });
  world.git(folder, "reset", "-q", "--hard");
  world.write(join(folder, ".gitignore"), "node_modules/\n");
  world.git(folder, "add", "-A");
  world.git(folder, "commit", "-q", "-m", "ignore");
}

async function timed(what: string, work: Promise<Answer>): Promise<Answer> {
  const began = performance.now();
  const answer = await work;
  times.push([what, performance.now() - began]);
  return answer;
}

const branchesOf = (agents: Answer[]): string[] => agents.map(({ branch }) => branch);

describe("a tour on a repository of 1,200 files", () => {
  beforeAll(() => {
    world = makeWorld("tour");
    repo = join(world.root, "repo");
    grow(repo);
    me = person(world, repo);
  });
  afterAll(async () => {
    console.log(times.map(([what, ms]) => `${what.padEnd(24)} ${ms.toFixed(0).padStart(6)} ms`).join("\n"));
    await world.dispose();
  });

  let before: ReturnType<typeof traces>;
  let batch = "";

  it("agents are made: one, ten on one task, five on five tasks", async () => {
    before = traces(world, repo);
    const one = await timed("create", me.json(["create", "solo", "--prompt", "first"]));
    expect(one).toMatchObject({ code: 0, agent: { branch: "solo", batch: null } });
    expect(Object.keys(one.agent).join(" ")).toBe(KEYS);
    const ten = await timed("fanout 10", me.json(["fanout", "10", "--prompt", "try it"]));
    expect(ten).toMatchObject({ code: 0, failed: [] });
    batch = ten.batch;
    expect(branchesOf(ten.agents)).toEqual(Array.from({ length: 10 }, (_, at) => `fanout-${batch}-${at + 1}`));
    expect(ten.agents.map(({ index }: Answer) => index)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const five = await timed("multi 5", me.json(["multi", ...["a", "b", "c/d", "e", "f"].map((branch) => `${branch}:task ${branch}`)]));
    expect(five).toMatchObject({ code: 0, failed: [] });
    for (const [what, ms] of times) expect(ms, what).toBeLessThan(10_000);
    expect(traces(world, repo)).toMatchObject({ agents: 16, sessions: { length: 16 }, worktrees: { length: 17 } });
    const [first] = ten.agents;
    expect(world.git(first.worktree, "ls-files").trim().split("\n").length).toBeGreaterThan(1200);
    expect(one.agent.base).toBe(world.git(repo, "rev-parse", "main").trim());
  });

  it("they are prompted all at once, and waited for", async () => {
    expect(await timed("wait --all", me.json(["wait", "--all", "--timeout", "60"]))).toMatchObject({ code: 0 });
    const taken = hashesTaken(world).length;
    expect(taken).toBe(16);
    const said = await timed("prompt --all", me.json(["prompt", "--all", "and now the tests"]));
    expect(said.code).toBe(0);
    expect(said.results).toHaveLength(16);
    for (const result of said.results)
      expect(result).toEqual({ branch: expect.any(String), delivery: "delivered", reason: null, evidence: "read" });
    expect(await timed("wait --batch", me.json(["wait", "--batch", batch, "--timeout", "60"]))).toMatchObject({ code: 0 });
    expect(await me.json(["wait", "--all", "--timeout", "60"])).toMatchObject({ code: 0 });
    expect(hashesTaken(world).slice(taken)).toEqual(Array.from({ length: 16 }, () => sha256("and now the tests")));
  });

  it("they are looked at: list, changes, groups, logs, diff, path", async () => {
    const plain = await timed("list", me.json(["list"]));
    expect(plain.agents).toHaveLength(16);
    for (const agent of plain.agents) {
      expect(Object.keys(agent).join(" ")).toBe(KEYS);
      expect(agent).toMatchObject({
        status: "idle",
        ahead: null,
        behind: null,
        dirty: null,
        pid: expect.any(Number),
        memory: expect.any(Number),
      });
      expect(agent.statusSince).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    expect((await me.json(["list", "--batch", batch])).agents).toHaveLength(10);
    expect((await me.json(["list", "--status", "waiting"])).agents).toEqual([]);
    const changes = await timed("list --changes", me.json(["list", "--changes"]));
    for (const agent of changes.agents) expect(agent).toMatchObject({ ahead: 2, behind: 0, dirty: false });
    const grouped = await me.fleet(["list", "--grouped"]);
    expect(grouped.stdout).toContain(batch);
    expect(grouped.stdout).not.toContain("\u001b");
    const logs = await timed("logs", me.json(["logs", "solo", "-n", "100"]));
    expect(logs.lines.join("\n")).toMatch(/first[\s\S]*and now the tests/);
    expect((await timed("diff", me.fleet(["diff", "solo"]))).stdout).toMatch(/^\+# first$/m);
    expect((await me.fleet(["diff", "solo", "--stat"])).stdout).toMatch(/files? changed/);
    const path = await timed("path", me.fleet(["path", "solo"]));
    expect(existsSync(join(path.stdout.trimEnd(), "src/part-0/file-0.ts"))).toBe(true);
  });

  it("a command is run in all of them, its output marked, and some fail", async () => {
    const all = await timed("exec --all", me.fleet(["exec", "--all", "--", "git", "rev-parse", "--abbrev-ref", "HEAD"]));
    expect(all.code).toBe(0);
    expect(all.stdout.trim().split("\n").sort()).toEqual(
      branchesOf((await me.json(["list"])).agents)
        .map((name) => `${name} | ${name}`)
        .sort(),
    );
    const some = await me.fleet(["exec", "--all", "--", "sh", "-c", 'test "$AIFLEET_BRANCH" != solo']);
    expect(some).toMatchObject({ code: 7, stdout: "" });
    expect(some.stderr).toMatch(/solo.*exit code 1/);
  });

  it("one is stopped and taken up again", async () => {
    expect(await timed("stop", me.json(["stop", "solo"]))).toMatchObject({ code: 0, agent: { status: "stopped", pid: null } });
    expect(traces(world, repo).agents).toBe(15);
    expect(await me.json(["prompt", "solo", "x"])).toMatchObject({ code: 4, error: { code: "PROMPT_REFUSED" } });
    expect(await timed("resume", me.json(["resume", "solo"]))).toMatchObject({ code: 0, agent: { branch: "solo" } });
    expect(await me.json(["wait", "solo", "--timeout", "20"])).toMatchObject({ code: 0, agents: [{ status: "idle" }] });
    expect((await me.json(["logs", "solo"])).lines.join("\n")).toContain("Resumed");
  });

  it("they are killed, and nothing is left but what is kept by contract", async () => {
    const clean = await timed("kill", me.json(["kill", "solo"]));
    expect(clean).toMatchObject({ code: 0, killed: [{ branch: "solo", saved: null, branchKept: true }], refused: [] });
    // Those whose commits are on main go with their branches.
    for (const branch of ["a", "b"]) world.git(repo, "merge", "-q", "-s", "ours", "--no-edit", branch);
    const batchKill = await timed("kill --batch", me.json(["kill", "--batch", batch, "--yes", "--delete-branch"]));
    expect(batchKill).toMatchObject({ code: 0, refused: [] });
    expect(await timed("kill --all", me.json(["kill", "--all", "--yes"]))).toMatchObject({ code: 0, refused: [] });
    const left = traces(world, repo);
    expect({ ...left, logs: [], refs: [] }).toEqual({ ...before, branches: ["c/d", "e", "f", "main", "solo"], logs: [], refs: [] });
    expect(left.refs.filter((ref) => !ref.startsWith("refs/heads/") && !ref.startsWith("refs/fleet/trash/"))).toEqual([]);
    expect(world.git(repo, "worktree", "prune", "--dry-run", "--verbose")).toBe("");
    expect(world.git(repo, "status", "--porcelain")).toBe("");
    expect(readFileSync(join(repo, ".git/config"), "utf8")).toBe(before.config);
    expect(readdirSync(world.fleetHome).sort()).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/\.lock$|\.new$|^\.tmp-|broken/)]),
    );
    // A branch with commits of its own goes only with its tip kept, and the trash tells of each.
    const tips = left.refs.flatMap((ref) => /^refs\/fleet\/trash\/(.+)-branch$/.exec(ref)?.[1] ?? []);
    expect(readdirSync(join(world.fleetHome, "trash")).sort()).toEqual(tips.sort());
    expect(await me.json(["list"])).toMatchObject({ code: 0, agents: [] });
    expect(await me.json(["doctor"])).toMatchObject({ code: 0, healthy: true });
  });
});
