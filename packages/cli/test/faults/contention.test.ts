import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, processesOf, settle, type World } from "../../../core/test/support/world.js";
import { agentOf, type Listed, listed, strays } from "./support/oracle.js";
import { figure, LONG, ROUNDS } from "./support/report.js";
import { json, type Ran, run } from "./support/run.js";

/** Many commands at the same time on the same agent, branch or repository. */
const MANY = LONG ? 16 : 4;
const TIMES = LONG ? 10 * ROUNDS : 1;

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("contention");
  repo = world.repo();
});
afterEach(() => world.dispose());

const together = (...commands: (readonly string[])[]): Promise<Ran[]> =>
  Promise.all(commands.map((args) => run(world, repo, [...args, "--json"])));
const many = (...args: string[]): string[][] => Array.from({ length: MANY }, () => args);

/** Exit code and error code of a command that said no, "0" of one that did not. */
function verdict({ code, stdout, stderr }: Ran): string {
  if (code === 0) return "0";
  try {
    return `${code} ${(JSON.parse(stdout) as { error: { code: string } }).error.code}`;
  } catch {
    return `${code} ${stdout}${stderr}`;
  }
}

function tally(all: readonly Ran[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const ran of all) counts[verdict(ran)] = (counts[verdict(ran)] ?? 0) + 1;
  return counts;
}

/** What is wrong with verdicts that may be one of these only. */
function unfair(all: readonly Ran[], fair: readonly string[]): string[] {
  const why = (stdout: string) => /"(failed|refused)": \[[\s\S]*/.exec(stdout)?.[0] ?? stdout;
  return all.filter((ran) => !fair.includes(verdict(ran))).map(({ code, stdout, stderr }) => `exit ${code}: ${why(stdout)}${stderr}`);
}

/** Programs of an agent: the demo agents, not their helpers. */
function programsOf(id: string): number[] {
  return processesOf(world.root).filter(
    (pid) => agentOf(pid) === id && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("demo-agent"),
  );
}

function registered(): string[] {
  const folder = join(repo, ".git", "worktrees");
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function nothingStrange(ended: readonly string[] = []): Promise<Listed[]> {
  const { agents } = await listed(world, repo);
  expect(await strays(world, repo, agents, { ended })).toEqual([]);
  return agents;
}

describe("at the same time", () => {
  it(`${MANY} creates of one branch: one makes it, the others are told so`, async () => {
    for (let round = 0; round < TIMES; round++) {
      const all = await together(...many("create", `same-${round}`, "--prompt", "x"));
      expect(unfair(all, ["0", "4 AGENT_EXISTS", "4 BRANCH_EXISTS", "4 BRANCH_IN_USE"])).toEqual([]);
      expect(tally(all)["0"]).toBe(1);
      expect(await nothingStrange()).toHaveLength(round + 1);
      figure("R2", `${MANY} creates of one branch`, JSON.stringify(tally(all)));
    }
  }, 300_000);

  it("creates and kills of one branch: it is there, whole, or it is gone", async () => {
    const ended: string[] = [];
    for (let round = 0; round < 2 * TIMES; round++) {
      const all = await together(
        ["create", "now", "--prompt", "x"],
        ["kill", "now", "--force", "--yes"],
        ["create", "now"],
        ["kill", "now", "--force", "--yes"],
      );
      for (const { code, stdout } of all) {
        const made = code === 0 ? (JSON.parse(stdout) as { agent?: Listed }).agent : undefined;
        if (made !== undefined) ended.push(made.id);
      }
      expect(unfair(all, ["0", "3 AGENT_NOT_FOUND", "4 AGENT_EXISTS", "4 BRANCH_IN_USE", "6 LOCKED"])).toEqual([]);
      const { agents } = await listed(world, repo);
      const branches = world.git(repo, "branch", "--list", "now", "--format=%(refname:short)").split("\n").filter(Boolean);
      expect(await strays(world, repo, agents, { ended, branches })).toEqual([]);
    }
  }, 300_000);

  it(`${MANY} prompts to one agent: each arrives whole, and once`, async () => {
    await json(world, repo, "create", "a");
    const texts = Array.from({ length: MANY }, (_, i) => `prompt ${i}\nwith a second line ${"x".repeat(i * 300)}`);
    const all = await together(...texts.map((text) => ["prompt", "a", text]));
    expect(tally(all)).toEqual({ "0": MANY });
    await settle(
      () => promptsTaken(world).length,
      (count) => count >= MANY,
    );
    const hash = (text: string) => createHash("sha256").update(text).digest("hex");
    expect(
      promptsTaken(world)
        .map(({ sha256 }) => sha256)
        .sort(),
    ).toEqual(texts.map(hash).sort());
  }, 120_000);

  it(`a prompt that waited behind one that opened a question is refused, not typed into the question`, async () => {
    await json(world, repo, "create", "a");
    await json(world, repo, "wait", "a", "--timeout", "20");
    const all = await together(...many("prompt", "a", "Go on [[ask May I?]]"));
    expect(unfair(all, ["0", "4 PROMPT_REFUSED"])).toEqual([]);
    const delivered = tally(all)["0"] ?? 0;
    expect(
      await settle(
        () => promptsTaken(world).length,
        (count) => count >= delivered,
      ),
    ).toBe(delivered);
    const { agents } = await listed(world, repo);
    expect(agents.map(({ status }) => status)).toEqual(["waiting"]);
  }, 120_000);

  it(`${MANY} resumes of one agent: one program runs, and all are content`, async () => {
    const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a");
    for (let round = 0; round < TIMES; round++) {
      expect(await together(["stop", "a"])).toMatchObject([{ code: 0 }]);
      expect(tally(await together(...many("resume", "a")))).toEqual({ "0": MANY });
      expect(programsOf(agent.id)).toHaveLength(1);
      expect(await nothingStrange()).toMatchObject([{ status: "idle" }]);
    }
  }, 300_000);

  it("stop, resume and kill of one agent: it is stopped, runs once, or is gone", async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 3 * TIMES; round++) {
      const { agent } = await json<{ agent: Listed }>(world, repo, "create", `a${round}`, "--prompt", "x");
      const name = agent.branch;
      const all = await together(["stop", name], ["resume", name], ["kill", name, "--force", "--yes"], ["stop", name], ["resume", name]);
      expect(unfair(all, ["0", "3 AGENT_NOT_FOUND"])).toEqual([]);
      expect(verdict(all[2] as Ran)).toBe("0");
      expect(programsOf(agent.id)).toEqual([]);
      const { agents } = await listed(world, repo);
      const branches = world
        .git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads")
        .split("\n")
        .filter((branch) => branch.startsWith("a"));
      expect(await strays(world, repo, agents, { ended: [agent.id, ...seen], branches })).toEqual([]);
      expect(agents).toEqual([]);
      seen.add(agent.id);
    }
  }, 300_000);

  it("stops and resumes of one agent: what it shows is what it is", async () => {
    const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a");
    for (let round = 0; round < 2 * TIMES; round++) {
      const all = await together(["stop", "a"], ["resume", "a"], ["stop", "a"], ["resume", "a"]);
      expect(tally(all)).toEqual({ "0": 4 });
      const [now] = await nothingStrange();
      expect([now?.status, programsOf(agent.id).length]).toEqual(now?.status === "stopped" ? ["stopped", 0] : ["idle", 1]);
    }
  }, 300_000);

  it(`${MANY} restores of one branch: it comes back once, whole`, async () => {
    for (let round = 0; round < TIMES; round++) {
      const { agent } = await json<{ agent: Listed }>(world, repo, "create", `b${round}`);
      world.write(join(agent.worktree, "work.txt"), "mine\n");
      expect(await together(["kill", agent.branch, "--force", "--yes"])).toMatchObject([{ code: 0 }]);
      const all = await together(...many("restore", agent.branch));
      expect(unfair(all, ["0", "3 AGENT_NOT_FOUND", "4 AGENT_EXISTS", "4 BRANCH_IN_USE"])).toEqual([]);
      expect(tally(all)["0"]).toBe(1);
      expect(readFileSync(join(agent.worktree, "work.txt"), "utf8")).toBe("mine\n");
      expect(await nothingStrange()).toHaveLength(round + 1);
    }
  }, 300_000);

  it("kills of one batch, of all and of single agents: each goes once, and what they held is saved", async () => {
    const { batch, agents } = await json<{ batch: string; agents: Listed[] }>(
      world,
      repo,
      "fanout",
      String(MANY),
      "f",
      "--prompt",
      "x [[dirty]]",
    );
    await json(world, repo, "wait", "--batch", batch, "--timeout", "60");
    const all = await together(
      ["kill", "--batch", batch, "--force", "--yes"],
      ["kill", "--batch", batch, "--force", "--yes"],
      ["kill", "--all", "--force", "--yes"],
      ["kill", "f-4", "--force", "--yes"],
      ["kill", "f-1", "f-3", "--force", "--yes"],
    );
    expect(unfair(all, ["0", "3 AGENT_NOT_FOUND", "3 BATCH_NOT_FOUND"])).toEqual([]);
    const killed = all.flatMap(({ stdout }) => (JSON.parse(stdout) as { killed?: { id: string; saved: unknown }[] }).killed ?? []);
    expect(killed.map(({ id }) => id).sort()).toEqual(agents.map(({ id }) => id).sort());
    expect(killed.every(({ saved }) => saved !== null)).toBe(true);
    expect((await listed(world, repo)).agents).toEqual([]);
    for (const { id, branch, worktree } of agents) {
      expect(existsSync(worktree)).toBe(false);
      expect(await together(["restore", id])).toMatchObject([{ code: 0 }]);
      expect(existsSync(join(worktree, "README.md")), branch).toBe(true);
    }
    expect(await nothingStrange()).toHaveLength(MANY);
  }, 300_000);

  it("a person's own git (commits, gc, worktrees) beside fan-outs and kills: nobody fails", async () => {
    let going = true;
    const complaints: string[] = [];
    const git = (cwd: string, ...args: string[]) =>
      new Promise<void>((resolve) => {
        const child = spawn("git", args, { cwd, env: world.env, stdio: ["ignore", "ignore", "pipe"] });
        let stderr = "";
        child.stderr.on("data", (text) => {
          stderr += text;
        });
        child.once("close", (code) => {
          // Git has no lock for either: a gc or fetch that meets a worktree on its way out says so, whoever removes it,
          // and a gc removes the emptied folder of loose objects that a commit was about to write into.
          const meeting = (args[0] === "gc" || args[0] === "fetch") && stderr.includes("worktrees/");
          const swept = stderr.includes("unable to create temporary file: No such file or directory");
          if (code !== 0 && !meeting && !swept) complaints.push(`git ${args.join(" ")}: ${stderr}`);
          resolve();
        });
      });
    const origin = world.repo("origin");
    world.git(repo, "remote", "add", "origin", origin);
    const habits = [
      (n: number) => git(repo, "commit", "-q", "--allow-empty", "-m", `mine ${n}`),
      () => git(repo, "fetch", "-q", "origin"),
      () => git(repo, "gc", "-q", "--no-prune"),
      async (n: number) => {
        await git(repo, "worktree", "add", "-q", "-b", `mine-${n}`, join(world.root, `mine-${n}`));
        await git(repo, "worktree", "remove", "--force", join(world.root, `mine-${n}`));
        await git(repo, "branch", "-q", "-D", `mine-${n}`);
      },
    ];
    const keepOn = async (some: typeof habits) => {
      for (let n = 0; going; n++) for (const habit of some) await habit(n);
    };
    // All at once, on a slow machine, a person's own gits fail on each other.
    const loops = LONG ? habits.map((habit) => keepOn([habit])) : [keepOn(habits)];
    const all: Ran[] = [];
    for (let round = 0; round < TIMES; round++) {
      all.push(...(await together(["fanout", "3", `p${round}`, "--prompt", "x"], ["fanout", "3", `q${round}`, "--prompt", "x"])));
      all.push(...(await together(["kill", `p${round}-*`, "--force", "--yes"], ["kill", `q${round}-*`, "--force", "--yes"])));
    }
    going = false;
    await Promise.all(loops);
    expect(unfair(all, ["0"])).toEqual([]);
    expect(complaints).toEqual([]);
    expect(world.git(repo, "fsck", "--connectivity-only", "--no-dangling")).toBe("");
    const { agents } = await listed(world, repo);
    expect(agents).toEqual([]);
    expect(registered()).toEqual([]);
  }, 300_000);

  it("two homes on one repository: neither sees nor harms the other's agents", async () => {
    const other: World = {
      ...world,
      fleetHome: join(world.home, "other"),
      env: { ...world.env, AI_FLEET_HOME: join(world.home, "other") },
    };
    const [here, there] = [world, other].map((home, i) =>
      Array.from({ length: MANY }, (_, n) => run(home, repo, ["create", `${"ab"[i]}${n}`, "--prompt", "x", "--json"])),
    );
    const made = await Promise.all([...(here ?? []), ...(there ?? [])]);
    expect(unfair(made, ["0"])).toEqual([]);
    const same = await Promise.all([world, other].map((home) => run(home, repo, ["create", "same", "--json"])));
    expect(same.map(verdict).sort()).toEqual(["0", "4 BRANCH_IN_USE"]);
    const kills = await Promise.all([world, other].map((home) => run(home, repo, ["kill", "--all", "--force", "--yes", "--json"])));
    expect(unfair(kills, ["0"])).toEqual([]);
    expect((await listed(world, repo)).agents).toEqual([]);
    expect((await listed(other, repo)).agents).toEqual([]);
    expect(registered()).toEqual([]);
  }, 120_000);
});
