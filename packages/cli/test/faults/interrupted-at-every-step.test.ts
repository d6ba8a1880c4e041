import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { CASES, type Case, sure } from "./support/cases.js";
import { listed, recorded, strays } from "./support/oracle.js";
import { figure, LONG, ROUNDS } from "./support/report.js";
import { type Fault, fleetEnv, type Ran, runUntil } from "./support/run.js";
import { disposeStages, type Stage, stageFor } from "./support/stage.js";
import { expectedOf, idsOfLogs, lostWork } from "./support/work.js";

/** Steps of each command that the short form tries. */
const SAMPLE = 2;
const AT_ONCE = Number(process.env.FLEET_FAULTS_AT_ONCE ?? 3);
/** A second Ctrl+C ends the program within this time, milliseconds. The short form runs beside anything. */
const AT_ONCE_MS = LONG ? 500 : 3000;

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

interface Way extends Fault {
  readonly name: string;
  readonly signal: keyof typeof CODES;
}

const WAYS: readonly Way[] = [
  { name: "Ctrl+C", signal: "SIGINT", group: true },
  { name: "SIGTERM", signal: "SIGTERM" },
  { name: "Ctrl+C twice", signal: "SIGINT", group: true, againMs: 10 },
  { name: "SIGINT", signal: "SIGINT" },
];

interface Trial {
  readonly wrong: readonly string[];
  /** From the last signal to the end, milliseconds. */
  readonly ms: number;
  readonly step: string;
  readonly steps: number;
  readonly struck: boolean;
}

async function tryStep(stage: Stage, testCase: Case, at: number, way: Way): Promise<Trial> {
  const { scene } = stage;
  const { world, repo } = scene;
  const ran = await runUntil(world, repo, testCase.args, at, way);
  const struck = ran.struckAt !== null;
  const ms = ran.struckAt === null ? 0 : Math.max(0, ran.endedAt - ran.struckAt - (way.againMs ?? 0));
  const wrong = [...wrongEnd(ran, way, struck)];
  if (way.againMs !== undefined && ms > AT_ONCE_MS) wrong.push(`it ended ${ms} ms after the second`);
  // Who was told twice leaves the rest to the next command; any other has left nothing.
  const agents = way.againMs === undefined ? recorded(world) : (await listed(world, repo)).agents;
  wrong.push(...(await strays(world, repo, agents, expectedOf(stage, testCase, agents))));
  wrong.push(...(await lostWork(stage, testCase, agents)));
  wrong.push(...((await testCase.after?.(stage, way.againMs === undefined)) ?? []));
  const touched = wrong.length > 0 || testCase.work !== undefined || testCase.after !== undefined || agents.length > 0;
  await stage.ready(touched ? undefined : agents);
  return { wrong, ms, step: `${ran.steps.at(-1) ?? "none"}, ${way.name}`, steps: ran.steps.length, struck };
}

/** How it ended, and what it said: interrupted, in one line; or finished before it heard of it. */
function wrongEnd(ran: Ran, way: Way, struck: boolean): string[] {
  const said = `${ran.stdout}${ran.stderr}`;
  if (/\n\s+at /.test(said)) return [`it said ${said}`];
  if (ran.code === 0) return [];
  if (!struck) return [`exit ${ran.code}: ${said}`];
  // Before its first instruction the system's own answer to a signal is all there is.
  if (ran.signal === way.signal || way.againMs !== undefined) return [];
  if (ran.code !== CODES[way.signal]) return [`exit ${ran.code}: ${said}`];
  // What was finished all the same is told as ever.
  return said !== "" && (said.match(/^error: /gm) ?? []).length <= 1 ? [] : [`it said ${said}`];
}

class Tally {
  signals = 0;
  slowest = 0;
  slowestSecond = 0;
  readonly failures: string[] = [];

  note(at: number, way: Way, trial: Trial): void {
    if (trial.struck) this.signals += 1;
    if (way.againMs === undefined) this.slowest = Math.max(this.slowest, trial.ms);
    else this.slowestSecond = Math.max(this.slowestSecond, trial.ms);
    if (trial.wrong.length === 0) return;
    this.failures.push(`step ${at} (${trial.step}): ${trial.wrong.join("; ")}`);
    if (LONG) console.error(this.failures.at(-1));
  }
}

async function tryAll(testCase: Case, round: number, tally: Tally): Promise<void> {
  let next = Number(process.env.FLEET_FAULTS_STEP ?? 1);
  let passed = false;
  const worker = async (_: unknown, i: number) => {
    const stage = await stageFor(testCase.setUp, i);
    while (!passed) {
      const at = next++;
      const way = WAYS[(at + round) % WAYS.length] as Way;
      const trial = await tryStep(stage, testCase, at, way);
      tally.note(at, way, trial);
      if (!trial.struck || process.env.FLEET_FAULTS_STEP !== undefined) passed = true;
    }
  };
  await Promise.all(Array.from({ length: process.env.FLEET_FAULTS_STEP === undefined ? AT_ONCE : 1 }, worker));
}

/** A few steps, others each day. */
async function trySome(testCase: Case, tally: Tally): Promise<void> {
  const stage = await stageFor(testCase.setUp, 0);
  const day = Math.floor(Date.now() / 86_400_000);
  const clean = await tryStep(stage, testCase, 0, WAYS[0] as Way);
  for (let i = 0; i < SAMPLE; i++) {
    const at = 1 + Math.floor(((i + ((day * 0.618) % 1)) / SAMPLE) * clean.steps);
    const way = WAYS[(day + i) % WAYS.length] as Way;
    tally.note(at, way, await tryStep(stage, testCase, at, way));
  }
}

/** A git that first does something else in one of its commands. */
function shadowGit(world: World, command: string, first: string): Record<string, string> {
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  world.write(join(world.root, "shadow/git"), `#!/bin/sh\ncase " $* " in *" ${command} "*) ${first};; esac\nexec ${real} "$@"\n`, 0o755);
  return { PATH: `${join(world.root, "shadow")}:${world.env.PATH}` };
}

/** A command of its own process group, as a shell starts it in a terminal. */
function onTerminal(world: World, repo: string, args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: repo,
    env: { ...fleetEnv(world), ...env },
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => setImmediate(() => resolve(code))));
  return { ctrlC: () => process.kill(-(child.pid as number), "SIGINT"), ended, said: () => said };
}

describe("Ctrl+C on a terminal goes to all in the foreground", () => {
  let world: World;
  let repo: string;
  beforeEach(() => {
    world = makeWorld("ctrlc");
    world.write(join(world.fleetHome, "config.toml"), '[agents.still]\ncommand = ["sh", "-c", "exec cat"]\n', 0o600);
    repo = world.repo();
  });
  afterEach(() => world.dispose());
  const here = () => join(world.root, "here");
  const isHere = async () => expect(await settle(() => existsSync(here()), Boolean)).toBe(true);

  it("and a kill that has begun is finished: its git hears nothing of it", async () => {
    await sure(world, repo, "create", "a", "--agent", "still");
    const run = onTerminal(world, repo, ["kill", "a"], shadowGit(world, "update-ref", `echo x > '${here()}'; sleep 0.7`));
    await isHere();
    run.ctrlC();
    expect(await run.ended).toBe(130);
    expect(run.said()).toContain("a killed");
    expect(recorded(world)).toEqual([]);
    expect(await strays(world, repo, [], { ended: idsOfLogs(world) })).toEqual([]);
  });

  it("pressed again it leaves at once, also where git hangs, and the next command cleans up", async () => {
    const run = onTerminal(
      world,
      repo,
      ["create", "a", "--agent", "still"],
      shadowGit(world, "update-ref", `trap '' INT TERM; echo x > '${here()}'; sleep 1000`),
    );
    await isHere();
    run.ctrlC();
    // Not before the first was heard: the system would make one of two.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const pressed = Date.now();
    run.ctrlC();
    expect(await run.ended).toBe(130);
    const ms = Date.now() - pressed;
    figure("R13", "a second Ctrl+C while git hangs", `ended in ${ms} ms`);
    expect(ms).toBeLessThan(AT_ONCE_MS);
    const { agents } = await listed(world, repo);
    expect(await strays(world, repo, agents)).toEqual([]);
    expect(agents).toEqual([]);
  });
});

describe("fleet interrupted in the middle of", () => {
  const only = process.env.FLEET_FAULTS_CASE?.split(",");
  const chosen = CASES.filter(({ name, often }) => (only === undefined ? LONG || often === true : only.includes(name)));
  const all = new Tally();
  afterAll(async () => {
    figure("R13", "all", `${all.signals} signals; slowest end ${all.slowest} ms after the first, ${all.slowestSecond} ms after a second`);
    await disposeStages();
  });

  for (const testCase of chosen) {
    it(
      `${testCase.name}: it is undone or finished, and says so by its exit code`,
      async () => {
        const tally = new Tally();
        const rounds = testCase.often === true ? ROUNDS : Math.ceil(ROUNDS / 5);
        for (let round = 0; round < rounds; round++) await (LONG ? tryAll(testCase, round, tally) : trySome(testCase, tally));
        all.signals += tally.signals;
        all.slowest = Math.max(all.slowest, tally.slowest);
        all.slowestSecond = Math.max(all.slowestSecond, tally.slowestSecond);
        figure("R13", testCase.name, `${tally.signals} signals, ${tally.failures.length} wrong`);
        expect(tally.failures).toEqual([]);
        expect(tally.signals).toBeGreaterThan(0);
      },
      LONG ? 3_600_000 : 60_000,
    );
  }
});
