import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTerminal } from "../../../core/test/agents/support/terminal.js";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { CASES, type Case, sure } from "./support/cases.js";
import { listed, strays } from "./support/oracle.js";
import { figure, LONG, ROUNDS } from "./support/report.js";
import { type Fate, fleetEnv, json, run, runUntil } from "./support/run.js";
import { disposeStages, type Stage, stageFor } from "./support/stage.js";
import { expectedOf, idsOfLogs, lostWork } from "./support/work.js";

/** Steps of each command that the short form tries. */
const SAMPLE = 1;
/** Worlds of the long form at the same time. */
const AT_ONCE = Number(process.env.FLEET_FAULTS_AT_ONCE ?? 3);
/**
 * The next command has put everything right within this time, milliseconds, its own start included. The
 * short form runs beside anything, and only sees that nobody waits for a lock's old age, which is ten seconds.
 */
const RECOVERY_MS = LONG ? 3000 : 8000;
/** What becomes of the commands that fleet was running when it was killed, round by round. */
const FATES: readonly Fate[] = ["live", "die", "held"];
/** In the long form the next command is killed, too, after every so many kills. */
const DOUBLE_EVERY = 4;

interface Trial {
  readonly wrong: readonly string[];
  /** Of the next command; null: it was not killed, and none was needed. */
  readonly ms: number | null;
  readonly step: string;
  readonly steps: number;
  readonly names: readonly string[];
  readonly died: boolean;
  readonly twice: boolean;
}

/** Kills the command at step `at`, the next one at step `again` (0: not), and says what is wrong after the one that is left in peace. */
async function tryStep(stage: Stage, testCase: Case, at: number, fate: Fate, again: number): Promise<Trial> {
  const { scene } = stage;
  const { world, repo } = scene;
  const killed = await runUntil(world, repo, testCase.args, at, { fate });
  const died = killed.signal === "SIGKILL";
  const trial = { step: `${killed.steps.at(-1) ?? "none"}, children ${fate}`, steps: killed.steps.length, names: killed.steps, died };
  if (!died && killed.code !== 0) {
    await stage.ready();
    return { ...trial, wrong: [`exit ${killed.code}: ${killed.stderr}`], ms: null, twice: false };
  }
  const twice = again > 0 && (await runUntil(world, repo, ["list"], again, { fate })).signal === "SIGKILL";
  const wrong: string[] = [];
  const { agents, ran } = await listed(world, repo);
  if (ran.ms > RECOVERY_MS) wrong.push(`the next command took ${Math.round(ran.ms)} ms`);
  wrong.push(...(await strays(world, repo, agents, expectedOf(stage, testCase, agents))));
  wrong.push(...(await lostWork(stage, testCase, agents)));
  wrong.push(...((await testCase.after?.(stage, false)) ?? []));
  await stage.ready(wrong.length > 0 || testCase.work !== undefined || testCase.after !== undefined ? undefined : agents);
  return { ...trial, wrong: wrong.map((text) => (twice ? `killed again at ${again}: ${text}` : text)), ms: ran.ms, twice };
}

/** What came of many kills. */
class Tally {
  kills = 0;
  twice = 0;
  slowest = 0;
  readonly failures: string[] = [];

  note(at: number, trial: Trial): void {
    if (trial.died) this.kills += 1;
    if (trial.twice) this.twice += 1;
    this.slowest = Math.max(this.slowest, trial.ms ?? 0);
    if (trial.wrong.length > 0) this.failures.push(`step ${at} (${trial.step}): ${trial.wrong.join("; ")}`);
  }
}

/** Every step in order, until one run passes clean. */
async function tryAll(testCase: Case, round: number, tally: Tally): Promise<void> {
  const fate = FATES[round % FATES.length] as Fate;
  const only = process.env.FLEET_FAULTS_STEP;
  let next = only === undefined ? 1 : Number(only);
  let passed = false;
  const worker = async (_: unknown, i: number) => {
    const stage = await stageFor(testCase.setUp, i);
    while (!passed) {
      const at = next++;
      // Another one of its first steps in each round.
      const again = (at + round) % DOUBLE_EVERY === 0 ? 1 + ((at + 7 * round) % 40) : 0;
      const trial = await tryStep(stage, testCase, at, fate, again);
      tally.note(at, trial);
      if (trial.wrong.length > 0) console.error(`${testCase.name} ${tally.failures.at(-1)}`);
      if (!trial.died || only !== undefined) passed = true;
    }
  };
  await Promise.all(Array.from({ length: only === undefined ? AT_ONCE : 1 }, worker));
}

/** A few steps: those that matter most, and some spread over all of them, others each day, the same all day long. */
async function trySome(testCase: Case, tally: Tally): Promise<void> {
  const stage = await stageFor(testCase.setUp, 0);
  const clean = await tryStep(stage, testCase, 0, "live", 0);
  tally.note(0, clean);
  const day = Math.floor(Date.now() / 86_400_000);
  for (const moment of testCase.moments ?? []) {
    const at = 1 + clean.names.findIndex((name) => moment.test(name));
    expect(at, `a step like ${moment}`).toBeGreaterThan(0);
    tally.note(at, await tryStep(stage, testCase, at, "live", 0));
  }
  for (let i = 0; i < SAMPLE; i++) {
    const at = 1 + Math.floor(((i + ((day * 0.618) % 1)) / SAMPLE) * clean.steps);
    tally.note(at, await tryStep(stage, testCase, at, FATES[(day + i) % FATES.length] as Fate, i === 0 ? 1 + (day % 20) : 0));
  }
}

/** Processor time of this process and of all it has waited for, milliseconds. */
function cpuMs(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
}

describe("a prompt that was killed before its Enter", () => {
  let world: World;
  let repo: string;
  beforeEach(() => {
    world = makeWorld("typed");
    repo = world.repo();
  });
  afterEach(() => world.dispose());

  it("is not made one with the next: that is refused until somebody has been at the agent's terminal", async () => {
    await sure(world, repo, "create", "a", "--prompt", "Go [[no-commit]]");
    await sure(world, repo, "wait", "a", "--timeout", "10");
    expect((await runUntil(world, repo, ["prompt", "a", "half done"], /^tmux .*send-keys/)).signal).toBe("SIGKILL");

    for (let time = 0; time < 2; time++) {
      const next = await run(world, repo, ["prompt", "a", "the next"]);
      expect(next).toMatchObject({ code: 4, stderr: expect.stringMatching(/never submitted[^\n]*\n[^\n]*fleet attach a/) });
    }
    const terminal = openTerminal(
      world,
      ["env", "-u", "TMUX", "-u", "TMUX_PANE", process.execPath, BIN, "attach", "a"],
      repo,
      fleetEnv(world),
    );
    await terminal.see((lines) => lines.some((line) => line.includes("half done")), "the text that was typed");
    terminal.press("Enter");
    terminal.press("C-q");
    expect(await terminal.ended()).toBe(0);
    await sure(world, repo, "wait", "a", "--timeout", "10");
    await sure(world, repo, "prompt", "a", "the next");
    const texts = () => promptsTaken(world).map(({ text }) => text);
    await settle(texts, (all) => all.includes("the next"));
    expect(texts()).toEqual(["Go [[no-commit]]", "half done", "the next"]);
  });
});

describe.runIf(LONG)("a fan-out of 40 that was killed", () => {
  // Moments at which ever more of all 40 is there: branches, worktrees, checkouts, programs.
  it.each([/started git update-ref/, /rename repo\/\.git\/aifleet-new/, /started git reset/, /started tmux .*start-server/])(
    "at %s is undone by the next command within three seconds",
    async (moment) => {
      const world = makeWorld("forty");
      try {
        world.write(join(world.fleetHome, "config.toml"), '[agents.still]\ncommand = ["sh", "-c", "exec cat"]\n', 0o600);
        const repo = world.repo();
        const args = ["fanout", "40", "try", "--prompt", "x", "--agent", "still"];
        const killed = await runUntil(world, repo, args, moment);
        expect(killed.signal).toBe("SIGKILL");
        const cpu = cpuMs();
        const { agents, ran } = await listed(world, repo);
        const used = cpuMs() - cpu;
        figure(
          "R1",
          `fanout 40, ${moment.source}`,
          `next command ${Math.round(ran.ms)} ms, ${used} ms of processor, its git and tmux included`,
        );
        expect(await strays(world, repo, agents, { ended: idsOfLogs(world) })).toEqual([]);
        // By its processor time: two cores at rest do that in no more.
        expect(used).toBeLessThan(RECOVERY_MS);
      } finally {
        await world.dispose();
      }
    },
    120_000,
  );
});

describe("a command that was killed, given once more at once", () => {
  // What is planned ahead is planned by branches that the first one made, and that are about to be undone.
  it("makes the very branches it was asked for, its own from their beginning", async () => {
    const world = makeWorld("again");
    try {
      world.write(join(world.fleetHome, "config.toml"), '[agents.still]\ncommand = ["sh", "-c", "exec cat"]\n', 0o600);
      const repo = world.repo();
      const wanted: string[] = [];
      for (const [args, branches] of [
        [["create", "a", "--agent", "still"], ["a"]],
        [
          ["fanout", "2", "try", "--prompt", "x", "--agent", "still"],
          ["try-1", "try-2"],
        ],
      ] as const) {
        const killed = await runUntil(world, repo, args, /^started git reset/);
        expect([killed.signal, world.git(repo, "branch", "--list", ...branches).match(/[\w-]+/g)]).toEqual(["SIGKILL", branches]);
        const again = await run(world, repo, args);
        expect([again.code, again.stderr]).toEqual([0, expect.not.stringContaining("exists")]);
        wanted.push(...branches);
        const { agents } = await listed(world, repo);
        expect(agents.map(({ branch }) => branch).sort()).toEqual(wanted);
        expect(await strays(world, repo, agents, { ended: idsOfLogs(world) })).toEqual([]);
      }
      const { killed } = await json<{ killed: readonly { branch: string; branchKept: boolean }[] }>(world, repo, "kill", "--all", "--yes");
      expect(killed.filter(({ branchKept }) => branchKept)).toEqual([]);
    } finally {
      await world.dispose();
    }
  }, 60_000);
});

describe("fleet killed in the middle of", () => {
  const only = process.env.FLEET_FAULTS_CASE?.split(",");
  // The short form tries those that the figures rest on, and some of the others, others each day.
  const isDue = ({ often }: Case, i: number) => LONG || often === true || i % 5 === Math.floor(Date.now() / 86_400_000) % 5;
  const chosen = CASES.filter((testCase, i) => (only === undefined ? isDue(testCase, i) : only.includes(testCase.name)));
  const all = new Tally();
  const [cpuAtStart, startedAt] = [cpuMs(), Date.now()];

  afterAll(async () => {
    const each = Math.round((cpuMs() - cpuAtStart) / Math.max(1, all.kills));
    const minutes = ((Date.now() - startedAt) / 60_000).toFixed(1);
    figure(
      "R1",
      "all",
      `${all.kills} kills, of ${all.twice} the next command was killed too, in ${minutes} minutes; ${each} ms of processor each`,
    );
    figure("R1", "recovery", `slowest next command ${Math.round(all.slowest)} ms`);
    await disposeStages();
  });

  for (const testCase of chosen) {
    it(
      `${testCase.name}: the next command leaves nothing behind and loses nothing`,
      async () => {
        const tally = new Tally();
        const rounds = testCase.often ? ROUNDS : Math.ceil(ROUNDS / 5);
        for (let round = 0; round < rounds; round++) await (LONG ? tryAll(testCase, round, tally) : trySome(testCase, tally));
        all.kills += tally.kills;
        all.twice += tally.twice;
        all.slowest = Math.max(all.slowest, tally.slowest);
        const slowest = `slowest next command ${Math.round(tally.slowest)} ms`;
        figure(
          "R1",
          testCase.name,
          `${tally.kills} kills in ${rounds} ${rounds === 1 ? "round" : "rounds"}, ${tally.failures.length} wrong; ${slowest}`,
        );
        expect(tally.failures).toEqual([]);
        expect(tally.kills).toBeGreaterThan(0);
      },
      LONG ? 7_200_000 : 60_000,
    );
  }
});
