import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../../../core/test/support/world.js";
import { settle } from "../../../../core/test/support/world.js";
import type { Expectation, Listed } from "./oracle.js";
import { json, run } from "./run.js";
import type { Scene, Stage } from "./stage.js";

export type SetUp = (scene: Scene) => Promise<void>;

/** A command to be broken off at each of its steps. */
export interface Case {
  readonly name: string;
  readonly args: readonly string[];
  /** What stands before the command. Cases that name the same one share their worlds. */
  readonly setUp: SetUp;
  /** Work that must be found again, whole: in the worktree of `a`, or after `fleet restore a`. */
  readonly work?: Readonly<Record<string, string>>;
  /** The trash may have let go of the work, if it says so. */
  readonly drops?: boolean;
  /** What else may be there, given the agents that are. */
  readonly expects?: (stage: Stage, agents: readonly Listed[]) => Expectation;
  /** What else is wrong in the end; it may leave anything behind. */
  readonly after?: (stage: Stage, interrupted: boolean) => Promise<string[]>;
  /** Steps that the short form never leaves out: something is half done, or a lock is held. */
  readonly moments?: readonly RegExp[];
  /** In every round, not in each fifth. */
  readonly often?: boolean;
}

/** Modified, untracked, executable and ignored: all that git alone would lose. */
const WORK: Readonly<Record<string, string>> = {
  "README.md": "changed\n",
  "new/file.txt": "untracked\n",
  "run.sh": "#!/bin/sh\n",
  "results.ignored": "precious\n",
};

const nothing: SetUp = async () => {};

const remote: SetUp = async ({ world, repo }) => {
  const origin = world.repo("origin");
  world.git(origin, "branch", "far");
  world.git(repo, "remote", "add", "origin", origin);
  world.git(repo, "fetch", "-q", "origin");
};

const furnished: SetUp = async ({ world, repo }) => {
  const settings =
    '\n[setup]\ncommands = ["echo made > made.txt", "mkdir -p out && echo x > out/x.ignored"]\ncredential_files = [".env"]\n';
  world.write(join(repo, ".gitignore"), "*.ignored\n.env\n");
  world.git(repo, "commit", "-qam", "ignore .env");
  world.write(join(repo, ".env"), "KEY=1\n");
  const file = join(world.fleetHome, "config.toml");
  world.write(file, `[agents.still]\ncommand = ["sh", "-c", "exec cat"]\n${settings}`, 0o600);
};

/** A worktree in the pool, and with `behind` a commit since. */
const pooled: SetUp = async (scene) => {
  await furnished(scene);
  await sure(scene.world, scene.repo, "pool", "fill", "1");
};
const behind: SetUp = async (scene) => {
  const { world, repo } = scene;
  await furnished(scene);
  const file = join(world.fleetHome, "config.toml");
  const settings = readFileSync(file, "utf8").replace('"echo made > made.txt", ', "");
  world.write(file, `${settings}\n[pool]\nrefresh = ["echo fresh > fresh.txt"]\n`, 0o600);
  await sure(world, repo, "pool", "fill", "1");
  world.git(repo, "commit", "-q", "--allow-empty", "-m", "goes on");
};
const twoPooled: SetUp = async (scene) => {
  await furnished(scene);
  await sure(scene.world, scene.repo, "pool", "fill", "2");
};

const one: SetUp = async ({ world, repo }) => void (await sure(world, repo, "create", "a", "--agent", "still"));
const two: SetUp = async ({ world, repo }) => void (await sure(world, repo, "fanout", "2", "pair", "--prompt", "x", "--agent", "still"));
const reading: SetUp = async ({ world, repo }) => void (await sure(world, repo, "create", "a", "--agent", "reader"));

const dirty: SetUp = async (scene) => {
  await one(scene);
  const { world, repo } = scene;
  const worktree = (await sure(world, repo, "path", "a")).trim();
  world.git(worktree, "commit", "-q", "--allow-empty", "-m", "the agent's own");
  for (const [file, content] of Object.entries(WORK)) world.write(join(worktree, file), content);
  chmodSync(join(worktree, "run.sh"), 0o755);
  world.git(worktree, "add", "new/file.txt");
};

const dirtyAndClean: SetUp = async (scene) => {
  await dirty(scene);
  await sure(scene.world, scene.repo, "create", "b", "--agent", "still");
};

const saved: SetUp = async (scene) => {
  await dirty(scene);
  await sure(scene.world, scene.repo, "kill", "a", "--force", "--yes");
};

/** With more in it than is deleted while somebody waits. */
const full: SetUp = async (scene) => {
  const { world, repo } = scene;
  world.write(join(repo, ".gitignore"), "*.ignored\nnode_modules\n");
  world.git(repo, "commit", "-qam", "ignore node_modules");
  await one(scene);
  const many = join((await sure(world, repo, "path", "a")).trim(), "node_modules/many");
  mkdirSync(many, { recursive: true });
  for (let n = 0; n < 10_100; n++) writeFileSync(join(many, String(n)), "");
};

/** As it is for somebody who keeps the trash on another disk: nothing can be renamed into it. */
const dirtyAndFar: SetUp = async (scene) => {
  await dirty(scene);
  const trash = join(scene.world.fleetHome, "trash");
  rmdirSync(trash);
  symlinkSync(mkdtempSync("/tmp/fleet-far-"), trash);
};

const savedFar: SetUp = async (scene) => {
  await dirtyAndFar(scene);
  await sure(scene.world, scene.repo, "kill", "a", "--force", "--yes");
};

const stopped: SetUp = async (scene) => {
  await one(scene);
  await sure(scene.world, scene.repo, "stop", "a");
};

const bothStopped: SetUp = async (scene) => {
  await two(scene);
  await sure(scene.world, scene.repo, "stop", "--all");
};

/** Lines that the program of `a` has taken, each a prompt. */
export function taken({ world }: Scene): string[] {
  const file = join(world.root, "took.txt");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}

/** The next prompt arrives by itself, or is refused since the last one stands in the input; never both as one text. */
async function promptsTaken({ scene }: Stage, interrupted: boolean): Promise<string[]> {
  const { world, repo } = scene;
  const { ran, error } = await json<{ error?: { code: string; message: string } }>(world, repo, "prompt", "a", "and then");
  const lines = await settle(
    () => taken(scene),
    (all) => ran.code !== 0 || all.includes("and then"),
    2000,
  );
  const told = `exit ${ran.code} ${error?.message ?? ""}, taken ${JSON.stringify(lines)}`;
  const fair = ran.code === 0 ? [["and then"], ["go on", "and then"]] : [[], ["go on"]];
  if (!fair.some((some) => some.join() === lines.join())) return [told];
  // Who is told to stop by a signal still has the time to press Enter.
  return ran.code === 0 || (!interrupted && ran.code === 4 && error?.message.includes("never submitted")) ? [] : [told];
}

/** The worktree is the agent's, or the user's: there in any case, and without a mark if it is the user's. */
function handedOver({ before }: Stage, agents: readonly Listed[]): Expectation {
  const [was] = before.agents;
  return agents.length > 0 || was === undefined ? {} : { worktrees: [was.worktree], branches: [was.branch] };
}

const STILL = ["--prompt", "x", "--agent", "still"];

export const CASES: readonly Case[] = [
  {
    name: "create",
    args: ["create", "a", ...STILL],
    setUp: nothing,
    often: true,
    // The first: a branch and a folder that no registration joins yet, and a lock; only the note names them, and only the sweep finds the rest.
    moments: [/rename .*aifleet-new-/, /started git reset/],
  },
  { name: "fanout 3", args: ["fanout", "3", "try", ...STILL], setUp: nothing, often: true },
  { name: "stop", args: ["stop", "a"], setUp: one, often: true },
  { name: "kill", args: ["kill", "a"], setUp: one, often: true, moments: [/started rm \.aifleet-gone/] },
  { name: "kill --force", args: ["kill", "a", "--force", "--yes"], setUp: dirty, work: WORK, often: true },
  { name: "restore", args: ["restore", "a"], setUp: saved, work: WORK, often: true, moments: [/rm .*-fresh-/] },

  { name: "create tracking a remote branch", args: ["create", "far", ...STILL], setUp: remote },
  { name: "create --replace", args: ["create", "a", "--replace", ...STILL], setUp: one },
  { name: "create with its prompt typed", args: ["create", "a", "--prompt", "x", "--agent", "reader"], setUp: nothing },
  { name: "fanout 2 with setup and credentials", args: ["fanout", "2", "try", ...STILL], setUp: furnished },
  { name: "pool fill", args: ["pool", "fill", "2"], setUp: furnished, moments: [/started sh/] },
  { name: "pool drain", args: ["pool", "drain"], setUp: twoPooled, moments: [/started rm \.aifleet-gone/] },
  { name: "create from the pool", args: ["create", "a", ...STILL], setUp: pooled, moments: [/started git switch/] },
  { name: "create from the pool after its base moved on", args: ["create", "a", ...STILL], setUp: behind, moments: [/started git switch/] },
  { name: "fanout 3 with two from the pool", args: ["fanout", "3", "try", ...STILL], setUp: twoPooled },
  { name: "multi", args: ["multi", "one:x", "two/three:y", "--agent", "still"], setUp: nothing },
  {
    name: "prompt",
    args: ["prompt", "a", "go on"],
    setUp: reading,
    often: true,
    moments: [/started tmux .*paste-buffer/, /^\d+ tmux .*send-keys/],
    after: promptsTaken,
  },
  { name: "stop --all", args: ["stop", "--all"], setUp: two },
  { name: "resume", args: ["resume", "a"], setUp: stopped },
  { name: "resume --all", args: ["resume", "--all"], setUp: bothStopped },
  { name: "trash drop", args: ["trash", "drop", "a", "--yes"], setUp: saved, work: WORK, drops: true },
  { name: "kill --keep-worktree", args: ["kill", "a", "--keep-worktree"], setUp: dirty, work: WORK, expects: handedOver },
  { name: "kill of a batch", args: ["kill", "pair-*", "--yes"], setUp: two },
  { name: "kill of a large one", args: ["kill", "a"], setUp: full, moments: [/rename .*\.aifleet-gone/] },
  { name: "kill --force with the trash on another disk", args: ["kill", "a", "--force", "--yes"], setUp: dirtyAndFar, work: WORK },
  { name: "restore from another disk", args: ["restore", "a"], setUp: savedFar, work: WORK },
  { name: "kill --all --force", args: ["kill", "--all", "--force", "--yes"], setUp: dirtyAndClean, work: WORK },
];

/** Runs a command that must do what it says. */
export async function sure(world: World, repo: string, ...args: string[]): Promise<string> {
  const ran = await run(world, repo, args);
  if (ran.code !== 0) throw new Error(`fleet ${args.join(" ")}: exit ${ran.code} ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}
