import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { makeWorld } from "../../../core/test/support/world.js";
import { badAnswer, CASES, type Case, found, inventory, type Scene } from "./support/bad-disk.js";
import { HAS_OWN_MOUNTS, ownMounts, runWithOwnMounts, SmallDisk, type Verdicts } from "./support/private-mounts.js";
import { figure, LONG } from "./support/report.js";
import { type Ran, run } from "./support/run.js";

/**
 * File systems that are really full or read-only: what git, tmux, cp and the kernel do there, and not
 * only the command's own writes. They are mounted where nobody else sees them.
 */
const PRELOAD = fileURLToPath(new URL("support/disk.cjs", import.meta.url));

/** What lies on the small disk. */
type Holds = "home" | "home without the worktrees" | "repository";

interface Fault {
  readonly name: string;
  /** What may be said of it. */
  readonly codes: readonly string[];
  /** Before the command runs. */
  readonly apply?: (disk: SmallDisk) => void;
  /** A shell command run in its middle, before the write of that number, or the first with that in its name. */
  readonly midway?: { readonly at: number | string; readonly text: (disk: SmallDisk) => string };
  readonly mend: (disk: SmallDisk) => void;
}

interface Placed extends Scene {
  readonly disk: SmallDisk;
  dispose(): Promise<void>;
}

const FULL = ["DISK_FULL"];
const READ_ONLY = ["PERMISSION_DENIED"];

const full = (kib: number): Fault => ({
  name: `${kib} KiB left`,
  codes: FULL,
  apply: (disk) => disk.fill(kib),
  mend: (disk) => disk.empty(),
});
const noNames = (left: number): Fault => ({
  name: `room for ${left} more files`,
  codes: FULL,
  apply: (disk) => disk.fillNames(left),
  mend: (disk) => disk.empty(),
});
const readOnly: Fault = {
  name: "read-only",
  codes: READ_ONLY,
  apply: (disk) => disk.makeReadOnly(),
  mend: (disk) => disk.makeWritable(),
};
const fullAt = (at: number | string): Fault => ({
  name: `full from ${at} on`,
  codes: FULL,
  midway: { at, text: (disk) => disk.fillText() },
  mend: (disk) => disk.empty(),
});
const readOnlyAt = (at: number | string): Fault => ({
  name: `read-only from ${at} on`,
  codes: READ_ONLY,
  midway: { at, text: (disk) => disk.readOnlyText() },
  mend: (disk) => disk.makeWritable(),
});

/** Some sixty files of 8 KiB: a checkout that may fit or not. */
const FILES = Object.fromEntries([
  ["README.md", "# A repository\n"],
  [".gitignore", "*.ignored\n"],
  ...Array.from({ length: 60 }, (_, n) => [`src/file-${n}.txt`, `${n} line\n`.repeat(1000)]),
]);

async function place(testCase: Case, holds: Holds): Promise<Placed> {
  const world = makeWorld("real-disk");
  const path = holds === "repository" ? join(world.root, "disk") : world.fleetHome;
  const disk = new SmallDisk(path, "size=16m,nr_inodes=2000,mode=700");
  const end = async () => {
    try {
      world.tmux("kill-server");
    } catch {
      // None runs.
    }
    disk.unmount();
    await world.dispose();
  };
  try {
    const worktrees = join(holds === "repository" ? path : world.root, "worktrees");
    const root = holds === "home" ? "" : `[worktree]\nroot = "${worktrees}"\n`;
    const settings = `${root}[agents.sleep]\ncommand = ["sh", "-c", "exec cat", "agent"]\n`;
    world.write(join(world.fleetHome, "config.toml"), settings, 0o600);
    const repo = world.repo(holds === "repository" ? "disk/repo" : "repo", FILES);
    await testCase.before?.(world, repo);
    return { world, repo, disk, dispose: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Runs a command on a bad disk; answers with the writes it came to as well. */
async function under(scene: Placed, args: readonly string[], fault: Fault): Promise<Ran & { hit: boolean }> {
  const { world, repo, disk } = scene;
  fault.apply?.(disk);
  if (fault.midway === undefined) return { ...(await run(world, repo, args)), hit: true };
  const log = join(world.root, "writes");
  rmSync(log, { force: true });
  const ran = await run(world, repo, args, {
    NODE_OPTIONS: `--require=${PRELOAD}`,
    DISK_AT: String(fault.midway.at),
    DISK_DO: fault.midway.text(disk),
    DISK_LOG: log,
    DISK_ROOT: `${world.root}/`,
  });
  const writes = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
  const { at } = fault.midway;
  return { ...ran, hit: typeof at === "number" ? writes.length > at : writes.some((write) => write.includes(at)) };
}

/** Tries one fault. `hit`: it came in time; `same`: all is as it was, and the scene can be used again. */
async function tryFault(
  scene: Placed,
  testCase: Case,
  fault: Fault,
): Promise<{ wrong: string[]; hit: boolean; same: boolean; said: string }> {
  const { world, repo, disk } = scene;
  const before = await inventory(scene);
  const ran = await under(scene, [...testCase.args, "--json"], fault);
  const { hit } = ran;
  const wrong = badAnswer(ran, fault.codes, world);
  if (!hit && typeof fault.midway?.at === "string") wrong.push("that moment never came");
  if (hit) {
    const looked = await run(world, repo, ["list"]);
    if (looked.code !== 0) wrong.push(`fleet list does not work meanwhile: ${looked.stdout}${looked.stderr}`);
    fault.mend(disk);
  }
  const after = await found(scene, testCase, before);
  wrong.push(...after.wrong, ...strayFolders(scene, after.agents));
  const untouched = after.same && wrong.length === 0 && ran.code !== 0;
  let again = "";
  if (ran.code !== 0 && wrong.length === 0 && (LONG || !untouched)) {
    // Where a part of it was done there may be nothing more to do for that, and it is said.
    const repeated = await run(world, repo, testCase.args);
    if (repeated.code !== 0 && ran.code !== 7) wrong.push(`it does not work afterwards: ${repeated.stdout}${repeated.stderr}`);
    again = `then ${repeated.code}`;
    wrong.push(...(await found(scene, testCase, before)).wrong);
  }
  const said = `${ran.code} ${ran.stdout.trim()} ${ran.stderr.trim()} ${again}`;
  return { wrong, hit, same: untouched && again === "", said };
}

/** Folders where worktrees lie on a disk of their own, that are no agent's. */
function strayFolders({ world, disk }: Placed, agents: readonly { worktree: string }[]): string[] {
  return [join(disk.path, "worktrees"), join(world.root, "worktrees")]
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root).flatMap((project) => readdirSync(join(root, project)).map((slug) => join(root, project, slug))))
    .filter((path) => !agents.some(({ worktree }) => worktree === path))
    .map((path) => `the folder ${path}`);
}

interface Trial {
  readonly name: string;
  readonly command: string;
  readonly holds: Holds;
  readonly faults: readonly Fault[];
  /** Then in its middle, before each so many-th write; 0: not at all. */
  readonly each: number;
}

const SIZES = [0, 4, 16, 64, 256, 480].map(full);
const NAMES = [0, 2, 10, 40].map(noNames);
/** Writes between two faults that strike in the middle. */
const EACH = Number(process.env.DISK_EACH ?? 3);

/** Moments of a create: its worktree's folder is made, it is registered and its files are to come, its program is to start. */
const MOMENTS = ["/b/.git", "/.git/worktrees/b", "/logs/"].map(readOnlyAt);

const SHORT: readonly Trial[] = [
  { name: "create, its disk holds the home", command: "create", holds: "home", faults: [full(8), ...MOMENTS.slice(1)], each: 0 },
  { name: "create, its disk holds the repository", command: "create", holds: "repository", faults: [full(256)], each: 0 },
  { name: "kill --force, its disk holds the repository", command: "kill --force", holds: "repository", faults: [noNames(2)], each: 0 },
];
const LONG_FORM: readonly Trial[] = CASES.flatMap(({ name: command }) =>
  (["home", "home without the worktrees", "repository"] as const).map((holds) => ({
    name: `${command}, its disk holds the ${holds}`,
    command,
    holds,
    faults: [...SIZES, ...NAMES, readOnly, ...(command === "create" ? MOMENTS : [])],
    each: EACH,
  })),
);
const TRIALS = LONG ? LONG_FORM : SHORT;

function* faultsOf({ faults, each }: Trial): Generator<Fault> {
  yield* faults;
  for (let at = 1; each > 0; at += each) yield at % 2 === 0 ? readOnlyAt(at) : fullAt(at);
}

async function tryAll(trial: Trial): Promise<string[]> {
  const testCase = CASES.find(({ name }) => name === trial.command) as Case;
  const bad: string[] = [];
  let tried = 0;
  let scene: Placed | null = null;
  try {
    for (const fault of faultsOf(trial)) {
      scene ??= await place(testCase, trial.holds);
      const { wrong, hit, same, said } = await tryFault(scene, testCase, fault);
      if (process.env.DISK_SAY)
        console.error(trial.name, "|", fault.name, "|", said, wrong.length > 0 ? `\n   WRONG ${wrong.join("\n   ")}` : "");
      bad.push(...wrong.map((what) => `${fault.name}: ${what}`));
      tried += hit ? 1 : 0;
      if (!same) {
        await scene.dispose();
        scene = null;
      }
      if (!hit) break;
    }
  } finally {
    await scene?.dispose();
  }
  figure("R9", `${trial.name} (real file system)`, `${tried} faults, ${bad.length} wrong`);
  return bad;
}

const HOW = HAS_OWN_MOUNTS ? null : ownMounts();

describe("a file system that is really full or read-only under", () => {
  let verdicts: Verdicts = new Map();
  beforeAll(() => {
    if (HOW !== null) verdicts = runWithOwnMounts(HOW, import.meta.url);
  }, 3_600_000);

  it.skipIf(!HAS_OWN_MOUNTS && HOW === null).each(TRIALS.map((trial) => [trial.name, trial] as const))(
    "%s",
    async (name, trial) => {
      if (HAS_OWN_MOUNTS) expect(await tryAll(trial)).toEqual([]);
      else expect(verdicts.has(name) ? verdicts.get(name) : "It was not run.").toBeNull();
    },
    3_600_000,
  );
});
