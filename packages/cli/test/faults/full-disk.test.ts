import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { contentOf, type Listed, listed, savedIds, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { type Ran, run } from "./support/run.js";

/** Every write of every command fails once, or it and all after it, as on a full, read-only or broken disk. */
const PRELOAD = fileURLToPath(new URL("support/disk.cjs", import.meta.url));

interface Fault {
  readonly error: string;
  readonly at: number;
  /** It and all that follow. */
  readonly lasts?: boolean;
  /** Half of the bytes arrive. */
  readonly short?: boolean;
}

/** What a failing write may be called. */
const CODES: Record<string, readonly string[]> = {
  ENOSPC: ["DISK_FULL"],
  EDQUOT: ["DISK_FULL"],
  EROFS: ["PERMISSION_DENIED"],
  EACCES: ["PERMISSION_DENIED"],
  EIO: ["DRIVER_FAILED"],
  EMFILE: ["DRIVER_FAILED"],
};

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly before?: (world: World, repo: string) => Promise<void>;
  /** Branches there afterwards that are no agent's. */
  readonly branches?: readonly string[];
  /** The writes that the short form tries; without: left to the long form. */
  readonly short?: readonly number[];
}

/** Modified, untracked, executable and ignored: all that git alone would lose. */
const WORK: Record<string, string> = {
  "README.md": "changed\n",
  "new/file.txt": "untracked\n",
  "run.sh": "#!/bin/sh\n",
  "results.ignored": "precious\n",
};

/** All that a home gets at its first use is there. */
const used = async (world: World, repo: string) => {
  await sure(world, repo, "create", "z", "--agent", "sleep");
  await sure(world, repo, "kill", "z");
};
const one = async (world: World, repo: string) => void (await sure(world, repo, "create", "a", "--agent", "sleep"));
const stopped = async (world: World, repo: string) => {
  await one(world, repo);
  await sure(world, repo, "stop", "a");
};
const dirty = async (world: World, repo: string) => {
  await one(world, repo);
  const worktree = (await sure(world, repo, "path", "a")).trim();
  for (const [file, content] of Object.entries(WORK)) world.write(join(worktree, file), content);
  chmodSync(join(worktree, "run.sh"), 0o755);
  world.git(worktree, "add", "new/file.txt");
};
const saved = async (world: World, repo: string) => {
  await dirty(world, repo);
  await sure(world, repo, "kill", "a", "--force", "--yes");
};
const prompted = async (world: World, repo: string) => {
  await sure(world, repo, "create", "a", "--prompt", "x [[no-commit]]");
  await sure(world, repo, "wait", "a", "--timeout", "20");
};

const CASES: readonly Case[] = [
  { name: "create, the very first", args: ["create", "b", "--agent", "sleep"] },
  { name: "create", args: ["create", "b", "--agent", "sleep"], before: used, short: [9, 24] },
  { name: "fanout 3", args: ["fanout", "3", "try", "--agent", "sleep", "--prompt", "x"], before: used },
  { name: "multi", args: ["multi", "one:x", "two:y", "--agent", "sleep"], before: used },
  { name: "prompt", args: ["prompt", "a", "y [[no-commit]]"], before: prompted },
  { name: "stop", args: ["stop", "a"], before: one, short: [10] },
  { name: "resume", args: ["resume", "a"], before: stopped },
  { name: "kill", args: ["kill", "a"], before: one },
  { name: "kill --force", args: ["kill", "a", "--force", "--yes"], before: dirty, short: [12, 30] },
  { name: "kill --keep-worktree", args: ["kill", "a", "--keep-worktree"], before: one, branches: ["a"] },
  { name: "restore", args: ["restore", "a"], before: saved, short: [20] },
  { name: "list", args: ["list"], before: one },
  { name: "config set", args: ["config", "set", "fleet.max_parallel", "3"] },
  { name: "init", args: ["init"] },
  { name: "trust", args: ["trust"], before: async (world, repo) => void (await sure(world, repo, "init")) },
  { name: "doctor --fix", args: ["doctor", "--fix"], before: one },
];

async function sure(world: World, repo: string, ...args: string[]): Promise<string> {
  const ran = await run(world, repo, args);
  if (ran.code !== 0) throw new Error(`fleet ${args.join(" ")}: exit ${ran.code} ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

async function makeScene(testCase: Case): Promise<Scene> {
  const world = makeWorld("disk");
  world.write(join(world.fleetHome, "config.toml"), '[agents.sleep]\ncommand = ["sh", "-c", "sleep 1000", "agent"]\n', 0o600);
  const repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "*.ignored\n" });
  try {
    await testCase.before?.(world, repo);
    return { world, repo };
  } catch (error) {
    await world.dispose();
    throw error;
  }
}

/** Runs a command on a disk that fails; answers with the writes it came to as well. */
async function onBadDisk(world: World, repo: string, args: readonly string[], fault: Fault): Promise<Ran & { writes: string[] }> {
  const log = join(world.root, "writes");
  rmSync(log, { force: true });
  const ran = await run(world, repo, args, {
    NODE_OPTIONS: `--require=${PRELOAD}`,
    DISK_AT: String(fault.at),
    DISK_ERROR: fault.error,
    DISK_LASTS: fault.lasts === true ? "1" : "",
    DISK_SHORT: fault.short === true ? "1" : "",
    DISK_LOG: log,
    DISK_ROOT: `${world.root}/`,
  });
  return { ...ran, writes: existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : [] };
}

interface Tried {
  readonly wrong: readonly string[];
  readonly step: string;
  readonly hit: boolean;
  readonly said: string;
}

interface Scene {
  readonly world: World;
  readonly repo: string;
}

/** What a user has: agents, what is in their worktrees and in the trash. */
async function inventory({ world, repo }: Scene) {
  const { agents } = await listed(world, repo);
  const logs = join(world.fleetHome, "logs");
  return {
    agents,
    saved: savedIds(world),
    ended: existsSync(logs) ? readdirSync(logs).map((name) => name.split(".")[0] as string) : [],
    work: agents.map(({ worktree }) => contentOf(worktree)),
  };
}

/** Tries one fault; `same` says that all is as it was, so that the scene can be used again. */
async function tryFault(scene: Scene, testCase: Case, fault: Fault): Promise<Tried & { same: boolean }> {
  const { world, repo } = scene;
  const before = await inventory(scene);
  const ran = await onBadDisk(world, repo, [...testCase.args, "--json"], fault);
  const step = ran.writes[fault.at - 1] ?? "none";
  const wrong = badAnswer(ran, fault, world);
  // As long as the disk is like that, what only looks still works.
  if (fault.lasts === true) wrong.push(...(await looks(world, repo, fault)));

  const after = await inventory(scene);
  const isHandedOver = testCase.branches !== undefined && after.agents.length === 0;
  if (isHandedOver) world.git(repo, "worktree", "remove", "--force", before.agents[0]?.worktree as string);
  wrong.push(
    ...(await strays(world, repo, after.agents, { branches: isHandedOver ? (testCase.branches ?? []) : [], ended: before.ended })),
  );
  const states = (agents: readonly Listed[]) => JSON.stringify(agents.map(({ id, status }) => [id, status.replace("working", "idle")]));
  let same = states(before.agents) === states(after.agents) && JSON.stringify(before.saved) === JSON.stringify(after.saved);
  for (const [i, agent] of before.agents.entries()) {
    const there = after.agents.find(({ id }) => id === agent.id);
    const mayGo = testCase.args[0] === "kill" && Object.keys(before.work[i] ?? {}).length === 2;
    if (there === undefined && after.saved.includes(agent.id)) await sure(world, repo, "restore", agent.id);
    else if (there === undefined && !mayGo && !isHandedOver) wrong.push(`the agent ${agent.branch} is lost`);
    if (there?.status === "lost") wrong.push(`${agent.branch} is lost, though its disk was only full`);
    const isThere = existsSync(agent.worktree);
    if (isThere && JSON.stringify(contentOf(agent.worktree)) !== JSON.stringify(before.work[i])) wrong.push("the work is not as it was");
    same &&= isThere;
  }
  for (const id of before.saved)
    if (!after.saved.includes(id) && !after.agents.some((agent) => agent.id === id)) wrong.push("saved work is lost");
  same &&= wrong.length === 0 && (fault.at < ran.writes.length || ran.code !== 0);
  return { wrong, step, hit: ran.writes.length >= fault.at, said: `${ran.code} ${ran.stdout.trim()} ${ran.stderr.trim()}`, same };
}

/** What is wrong with how a command ended. */
function badAnswer(ran: Ran, fault: Fault, world: World): string[] {
  const wrong: string[] = [];
  if (/^\s+at .*[:(]\d+|node:internal|\bundefined\b/m.test(ran.stdout + ran.stderr)) wrong.push(`prints its insides: ${ran.stderr}`);
  let answer: { error?: ShownError; failed?: { error: ShownError }[]; refused?: { error: ShownError }[] };
  try {
    answer = JSON.parse(ran.stdout);
  } catch {
    return [...wrong, `prints no document: ${ran.stdout}${ran.stderr}`];
  }
  const errors = [...(answer.error ? [answer.error] : []), ...(answer.failed ?? []), ...(answer.refused ?? [])].map((entry) =>
    "error" in entry ? entry.error : entry,
  );
  if (ran.code === 0 && errors.length > 0) wrong.push("exit 0 with an error");
  if (ran.code !== 0 && errors.length === 0) wrong.push(`exit ${ran.code} without an error`);
  for (const error of errors) {
    if (!CODES[fault.error]?.includes(error.code)) wrong.push(`${error.code}: ${error.message}`);
    if (!error.message.includes(world.root)) wrong.push(`names no path: ${error.message}`);
    if (error.hint === null) wrong.push(`says not what to do: ${error.message}`);
    if (error.message.includes("\n") || error.message.length > 700) wrong.push(`is no clear line: ${error.message}`);
  }
  return wrong;
}

interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

async function looks(world: World, repo: string, fault: Fault): Promise<string[]> {
  const ran = await onBadDisk(world, repo, ["list", "--json"], { ...fault, at: 1 });
  if (ran.code === 0) return [];
  return [`fleet list does not work meanwhile: ${ran.code} ${ran.stdout}${ran.stderr}`];
}

const ERRORS = ["EROFS", "EDQUOT", "EIO", "EACCES", "EMFILE"] as const;

function faultsAt(at: number): Fault[] {
  const lasting: Fault = { error: at % 3 === 0 ? "EROFS" : "ENOSPC", at, lasts: true };
  const passing: Fault =
    at % 2 === 0 ? { error: "ENOSPC", at, short: true } : { error: ERRORS[((at - 1) / 2) % ERRORS.length] as string, at };
  return LONG ? [lasting, passing] : [at % 2 === 0 ? lasting : passing];
}

function* count() {
  for (let at = Number(process.env.DISK_FROM ?? 1); ; at++) yield at;
}

describe("a disk that fails at any write of", () => {
  it.each(CASES.filter(({ short }) => LONG || short !== undefined))(
    "$name",
    async (testCase) => {
      let tried = 0;
      const bad: string[] = [];
      let scene: Scene | null = null;
      try {
        for (const at of LONG ? count() : (testCase.short ?? [])) {
          let any = false;
          for (const fault of faultsAt(at)) {
            scene ??= await makeScene(testCase);
            const { wrong, step, hit, said, same } = await tryFault(scene, testCase, fault);
            if (process.env.DISK_SAY) console.log(fault.error, fault.lasts ? "lasts" : fault.short ? "short" : "once", step, said);
            if (wrong.length > 0) bad.push(`${JSON.stringify(fault)} ${step}: ${wrong.join("; ")}`);
            any ||= hit;
            tried += hit ? 1 : 0;
            if (same) continue;
            await scene.world.dispose();
            scene = null;
          }
          if (!any) break;
        }
      } finally {
        await scene?.world.dispose();
      }
      figure("R9", testCase.name, `${tried} failing writes, ${bad.length} wrong`);
      expect(bad).toEqual([]);
    },
    3_600_000,
  );
});
