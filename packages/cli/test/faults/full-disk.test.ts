import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { badAnswer, CASES, type Case, found, inventory, type Scene, sure } from "./support/bad-disk.js";
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

async function makeScene(testCase: Case): Promise<Scene> {
  const world = makeWorld("disk");
  world.write(join(world.fleetHome, "config.toml"), '[agents.sleep]\ncommand = ["sh", "-c", "exec cat", "agent"]\n', 0o600);
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

/** Tries one fault; `same` says that all is as it was, so that the scene can be used again. */
async function tryFault(scene: Scene, testCase: Case, fault: Fault): Promise<Tried & { same: boolean }> {
  const { world, repo } = scene;
  const before = await inventory(scene);
  const ran = await onBadDisk(world, repo, [...testCase.args, "--json"], fault);
  const step = ran.writes[fault.at - 1] ?? "none";
  const wrong = badAnswer(ran, CODES[fault.error] ?? [], world);
  // As long as the disk is like that, what only looks still works.
  if (fault.lasts === true) wrong.push(...(await looks(world, repo, fault)));

  const after = await found(scene, testCase, before);
  wrong.push(...after.wrong);
  const same = after.same && wrong.length === 0 && (fault.at < ran.writes.length || ran.code !== 0);
  return { wrong, step, hit: ran.writes.length >= fault.at, said: `${ran.code} ${ran.stdout.trim()} ${ran.stderr.trim()}`, same };
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
  for (let at = Number(process.env.DISK_FROM ?? 1); ; at += Number(process.env.DISK_EACH ?? 1)) yield at;
}

describe("a limit of the shell on", () => {
  const LIMITS: readonly (readonly [string, string, string, readonly number[]])[] = [
    ["open files", "-n", "DRIVER_FAILED", LONG ? [20, 22, 24, 26, 28, 30, 32, 34, 40, 64] : [24, 30]],
    ["the size of files", "-f", "DISK_FULL", LONG ? [1, 2, 4, 8, 16, 64] : [4]],
  ];
  it.each(LIMITS)(
    "%s is told, and leaves nothing half made",
    async (what, flag, code, sizes) => {
      const testCase = CASES.find(({ name }) => name === (flag === "-n" ? "fanout 3" : "create")) as Case;
      const scene = await makeScene(testCase);
      const { world, repo } = scene;
      const bad: string[] = [];
      try {
        // Larger than any of the limits.
        world.write(join(repo, "large.txt"), "0123456789\n".repeat(10_000));
        world.git(repo, "add", "-A");
        world.git(repo, "commit", "-q", "-m", "large");
        for (const size of sizes) {
          const before = await inventory(scene);
          const ran = await run(world, repo, [...testCase.args, "--json"], {}, [
            "/bin/sh",
            "-c",
            `ulimit ${flag} ${size}; exec "$@"`,
            "sh",
          ]);
          if (process.env.DISK_SAY) console.log(flag, size, ran.code, ran.stdout, ran.stderr);
          bad.push(...badAnswer(ran, [code], world).map((wrong) => `${flag} ${size}: ${wrong}`));
          bad.push(...(await found(scene, testCase, before)).wrong.map((wrong) => `${flag} ${size}: ${wrong}`));
          if (ran.code !== 1) await sure(world, repo, "kill", "--all", "--yes");
        }
      } finally {
        await world.dispose();
      }
      figure("R9", `limit on ${what}`, `${sizes.length} tried, ${bad.length} wrong`);
      expect(bad).toEqual([]);
    },
    600_000,
  );
});

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
