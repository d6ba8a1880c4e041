import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../../../core/test/support/world.js";
import { contentOf, type Listed, listed, savedIds, strays } from "./oracle.js";
import { type Ran, run } from "./run.js";

/** A command that meets a disk that takes no writes. */
export interface Case {
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

export const CASES: readonly Case[] = [
  { name: "create, the very first", args: ["create", "b", "--agent", "sleep"] },
  { name: "create", args: ["create", "b", "--agent", "sleep"], before: used, short: [9, 24] },
  { name: "fanout 3", args: ["fanout", "3", "try", "--agent", "sleep", "--prompt", "x"], before: used },
  { name: "multi", args: ["multi", "one:x", "two:y", "--agent", "sleep"], before: used },
  { name: "prompt", args: ["prompt", "a", "y [[no-commit]]"], before: prompted },
  { name: "stop", args: ["stop", "a"], before: one, short: [16] },
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

/** Runs a command that must do what it says. */
export async function sure(world: World, repo: string, ...args: string[]): Promise<string> {
  const ran = await run(world, repo, args);
  if (ran.code !== 0) throw new Error(`fleet ${args.join(" ")}: exit ${ran.code} ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

export interface Scene {
  readonly world: World;
  readonly repo: string;
}

/** What a user has: agents, what is in their worktrees and in the trash. */
export async function inventory({ world, repo }: Scene) {
  const { agents } = await listed(world, repo);
  const logs = join(world.fleetHome, "logs");
  return {
    agents,
    saved: savedIds(world),
    ended: existsSync(logs) ? readdirSync(logs).map((name) => name.split(".")[0] as string) : [],
    work: agents.map(({ worktree }) => workIn(worktree)),
  };
}

/** What lies in a worktree, but what the demo agent notes of its prompts. */
function workIn(worktree: string): Record<string, string> {
  return Object.fromEntries(Object.entries(contentOf(worktree)).filter(([file]) => !file.startsWith("demo/")));
}

export type Inventory = Awaited<ReturnType<typeof inventory>>;

export interface Found {
  readonly wrong: string[];
  readonly same: boolean;
  readonly agents: readonly Listed[];
}

/** What is wrong with what is there once the disk is well again, and whether all is as it was. */
export async function found(scene: Scene, testCase: Case, before: Inventory): Promise<Found> {
  const { world, repo } = scene;
  const after = await inventory(scene);
  const isHandedOver = testCase.branches !== undefined && after.agents.length === 0;
  if (isHandedOver) world.git(repo, "worktree", "remove", "--force", before.agents[0]?.worktree as string);
  const branches = isHandedOver ? (testCase.branches ?? []) : [];
  const wrong = await strays(world, repo, after.agents, { branches, ended: before.ended });
  const states = (agents: readonly Listed[]) => JSON.stringify(agents.map(({ id, status }) => [id, status.replace("working", "idle")]));
  let same = states(before.agents) === states(after.agents) && JSON.stringify(before.saved) === JSON.stringify(after.saved);
  const restored: Listed[] = [];
  for (const [i, agent] of before.agents.entries()) {
    const there = after.agents.find(({ id }) => id === agent.id);
    const mayGo = testCase.args[0] === "kill" && !testCase.args.includes("--force");
    if (there === undefined && after.saved.includes(agent.id)) {
      await sure(world, repo, "restore", agent.id);
      restored.push(agent);
    } else if (there === undefined && !mayGo && !isHandedOver) wrong.push(`the agent ${agent.branch} is lost`);
    if (there?.status === "lost") wrong.push(`${agent.branch} is lost, though its disk was only full`);
    const isThere = existsSync(agent.worktree);
    if (isThere && JSON.stringify(workIn(agent.worktree)) !== JSON.stringify(before.work[i])) wrong.push("the work is not as it was");
    same &&= isThere;
  }
  for (const id of before.saved)
    if (!after.saved.includes(id) && !after.agents.some((agent) => agent.id === id)) wrong.push("saved work is lost");
  return { wrong, same: same && wrong.length === 0, agents: [...after.agents, ...restored] };
}

/** What is wrong with how a command ended. */
export function badAnswer(ran: Ran, codes: readonly string[], world: World): string[] {
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
    if (!codes.includes(error.code)) wrong.push(`${error.code}: ${error.message}`);
    if (!error.message.includes(world.root) && !/could not be started|^\w+: too many open files/.test(error.message))
      wrong.push(`names no path: ${error.message}`);
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
