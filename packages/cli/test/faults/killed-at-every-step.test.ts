import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { contentOf, type Listed, listed, savedIds, strays } from "./support/oracle.js";
import { figure, LONG, ROUNDS } from "./support/report.js";
import { json, run, runUntil } from "./support/run.js";

/** Steps of each command that the short form tries. */
const SAMPLE = 2;
/** Worlds of the long form at the same time. */
const AT_ONCE = 3;
/** The next command has put everything right within this time, milliseconds, its own start included. */
const RECOVERY_MS = 3000;

interface Scene {
  readonly world: World;
  readonly repo: string;
}

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  /** What stands before the command; its answer goes to `after`. */
  readonly before?: (scene: Scene) => Promise<void>;
  /** Work that must be found again, whole: in the worktree, or after `fleet restore`. */
  readonly work?: Record<string, string>;
  readonly branches?: readonly string[];
}

const IDLE = ["wait", "--all", "--timeout", "20"];
/** Modified, untracked, executable and ignored: all that git alone would lose. */
const WORK: Record<string, string> = {
  "README.md": "changed\n",
  "new/file.txt": "untracked\n",
  "run.sh": "#!/bin/sh\n",
  "results.ignored": "precious\n",
};

const one = async ({ world, repo }: Scene) => {
  await sure(world, repo, "create", "a", "--prompt", "x");
  await sure(world, repo, ...IDLE);
};
const dirty = async (scene: Scene) => {
  await one(scene);
  const worktree = (await sure(scene.world, scene.repo, "path", "a")).trim();
  for (const [file, content] of Object.entries(WORK)) scene.world.write(join(worktree, file), content);
  chmodSync(join(worktree, "run.sh"), 0o755);
  scene.world.git(worktree, "add", "new/file.txt");
};

const CASES: readonly Case[] = [
  { name: "create", args: ["create", "a", "--prompt", "x"] },
  { name: "create tracking a remote branch", args: ["create", "far", "--prompt", "x"], before: withRemote },
  { name: "fanout 3", args: ["fanout", "3", "try", "--prompt", "x"] },
  { name: "stop", args: ["stop", "a"], before: one },
  {
    name: "kill",
    args: ["kill", "a"],
    before: async ({ world, repo }) => void (await sure(world, repo, "create", "a", "--agent", "sleep")),
  },
  { name: "kill --force", args: ["kill", "a", "--force", "--yes"], before: dirty, work: WORK },
  {
    name: "kill --all --force",
    args: ["kill", "--all", "--force", "--yes"],
    before: async (scene) => {
      await dirty(scene);
      await sure(scene.world, scene.repo, "create", "b", "--agent", "sleep");
    },
    work: WORK,
  },
  {
    name: "restore",
    args: ["restore", "a"],
    before: async (scene) => {
      await dirty(scene);
      await sure(scene.world, scene.repo, "kill", "a", "--force", "--yes");
    },
    work: WORK,
  },
  {
    name: "resume",
    args: ["resume", "a"],
    before: async (scene) => {
      await one(scene);
      await sure(scene.world, scene.repo, "stop", "a");
    },
  },
];

/** Runs a command that must do what it says. */
async function sure(world: World, repo: string, ...args: string[]): Promise<string> {
  const ran = await run(world, repo, args);
  if (ran.code !== 0) throw new Error(`fleet ${args.join(" ")}: exit ${ran.code} ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

async function withRemote({ world, repo }: Scene): Promise<void> {
  const origin = world.repo("origin");
  world.git(origin, "branch", "far");
  world.git(repo, "remote", "add", "origin", origin);
  world.git(repo, "fetch", "-q", "origin");
}

async function makeScene(testCase: Case): Promise<Scene> {
  const world = makeWorld("kill9");
  world.write(join(world.fleetHome, "config.toml"), '[agents.sleep]\ncommand = ["sleep", "1000"]\n', 0o600);
  const repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "*.ignored\n", "src/a.txt": "a\n" });
  const scene = { world, repo };
  try {
    await testCase.before?.(scene);
    return scene;
  } catch (error) {
    await world.dispose();
    throw error;
  }
}

/** What is wrong after the command was killed and another has run. Null: nothing, and the command came through. */
async function tryStep(testCase: Case, at: number): Promise<{ wrong: string[]; ms: number; step: string; steps: number; died: boolean }> {
  const scene = await makeScene(testCase);
  const { world, repo } = scene;
  try {
    const earlier = [...(await listed(world, repo)).agents.map(({ id }) => id), ...savedIds(world)];
    const commits = workCommits(scene);
    const killed = await runUntil(world, repo, testCase.args, at);
    const died = killed.signal === "SIGKILL";
    const step = killed.steps.at(-1) ?? "none";
    if (!died && killed.code !== 0)
      return { wrong: [`exit ${killed.code}: ${killed.stderr}`], ms: 0, step, steps: killed.steps.length, died };
    const { agents, ran } = await listed(world, repo);
    const wrong: string[] = [];
    if (ran.ms > RECOVERY_MS) {
      // A machine that is busy with other things makes every command slow: then what counts is how much slower this one was.
      const plain = (await listed(world, repo)).ran.ms;
      if (ran.ms > 6 * plain) wrong.push(`the next command took ${Math.round(ran.ms)} ms, another ${Math.round(plain)} ms`);
    }
    const tips = world.git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n").filter(Boolean);
    // The agent's own commits keep its branch when it goes.
    const keptBranches = tips.filter((tip) => commits.branches.has(tip));
    wrong.push(...(await strays(world, repo, agents, { branches: keptBranches, ended: earlier })));
    wrong.push(...(await lostWork(scene, testCase, agents, commits)));
    return { wrong, ms: ran.ms, step, steps: killed.steps.length, died };
  } finally {
    await world.dispose();
  }
}

interface Commits {
  readonly branches: ReadonlySet<string>;
  readonly all: readonly string[];
}

function workCommits({ world, repo }: Scene): Commits {
  const lines = world.git(repo, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").split("\n").filter(Boolean);
  const base = world.git(repo, "rev-parse", "main").trim();
  const own = lines.map((line) => line.split(" ")).filter(([, tip]) => tip !== base);
  return { branches: new Set(own.map(([name]) => name as string)), all: own.map(([, tip]) => tip as string) };
}

async function lostWork({ world, repo }: Scene, { work }: Case, agents: readonly Listed[], commits: Commits): Promise<string[]> {
  const wrong: string[] = [];
  for (const commit of commits.all) {
    const refs = world.git(repo, "for-each-ref", "--contains", commit, "--format=%(refname)").trim();
    if (refs === "") wrong.push(`the commit ${commit} is on no ref`);
  }
  if (work === undefined) return wrong;
  let worktree = agents.find(({ branch }) => branch === "a")?.worktree;
  if (worktree === undefined) {
    const restored = await json<{ agent?: Listed; error?: { message: string } }>(world, repo, "restore", "a");
    worktree = restored.agent?.worktree;
    if (worktree === undefined) return [...wrong, `the work cannot be restored: ${restored.error?.message}`];
    const after = await listed(world, repo);
    wrong.push(...(await strays(world, repo, after.agents, { ended: [...savedIds(world), ...idsOfLogs(world)] })));
  }
  const files = contentOf(worktree);
  for (const [file, content] of Object.entries(work)) {
    const mode = file === "run.sh" ? "755" : "644";
    if (files[file] !== `${mode} ${content}`) wrong.push(`${file} is ${files[file] ?? "gone"}`);
  }
  const status = world.git(worktree, "status", "--porcelain", "-uall");
  if (!status.includes("A  new/file.txt") || !status.includes("?? run.sh") || !status.includes(" M README.md"))
    wrong.push(`status is ${status}`);
  return wrong;
}

/** Ids of agents whose logs are kept: also of those that are gone. */
function idsOfLogs(world: World): string[] {
  return readdirSync(join(world.fleetHome, "logs")).map((name) => name.split(".")[0] as string);
}

/** The steps to try: all in order until one run passes clean, or some spread over them. */
async function tryAll(testCase: Case): Promise<{ tried: number; slowest: number; failures: string[] }> {
  let tried = 0;
  let slowest = 0;
  const failures: string[] = [];
  const note = (at: number, result: Awaited<ReturnType<typeof tryStep>>) => {
    if (result.died) tried += 1;
    slowest = Math.max(slowest, result.ms);
    if (result.wrong.length > 0 && LONG) console.error(`${testCase.name} ${at} (${result.step}): ${result.wrong.join("; ")}`);
    if (result.wrong.length > 0) failures.push(`step ${at} (${result.step}): ${result.wrong.join("; ")}`);
  };
  if (LONG) {
    const only = process.env.FLEET_FAULTS_STEP;
    let next = only === undefined ? 1 : Number(only);
    let passed = false;
    const worker = async () => {
      while (!passed) {
        const at = next++;
        const result = await tryStep(testCase, at);
        note(at, result);
        if (!result.died || only !== undefined) passed = true;
      }
    };
    await Promise.all(Array.from({ length: only === undefined ? AT_ONCE : 1 }, worker));
    return { tried, slowest, failures };
  }
  const clean = await tryStep(testCase, 0);
  note(0, clean);
  // Another part of the steps each day, the same all day long.
  const day = Math.floor(Date.now() / 86_400_000);
  const sample = Array.from({ length: SAMPLE }, (_, i) => 1 + Math.floor(((i + ((day * 0.618) % 1)) / SAMPLE) * clean.steps));
  await Promise.all(sample.map(async (at) => note(at, await tryStep(testCase, at))));
  return { tried, slowest, failures };
}

describe("fleet killed in the middle of", () => {
  const only = process.env.FLEET_FAULTS_CASE;
  let steps = 0;
  let slowest = 0;
  afterAll(() => figure("R1", "all", `${steps} kills; slowest next command ${Math.round(slowest)} ms`));

  for (const testCase of CASES.filter(({ name }) => only === undefined || only.split(",").includes(name))) {
    it(
      `${testCase.name}: the next command leaves nothing behind and loses nothing`,
      async () => {
        const failures: string[] = [];
        let tried = 0;
        for (let round = 0; round < ROUNDS; round++) {
          const result = await tryAll(testCase);
          tried += result.tried;
          slowest = Math.max(slowest, result.slowest);
          failures.push(...result.failures);
        }
        steps += tried;
        figure("R1", testCase.name, `${tried} kills, ${failures.length} wrong`);
        expect(failures).toEqual([]);
        expect(tried).toBeGreaterThan(0);
      },
      LONG ? 3_600_000 : 60_000,
    );
  }
});
