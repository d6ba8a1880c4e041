import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTerminal, type Terminal } from "../../../core/test/agents/support/terminal.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { sure } from "./support/cases.js";
import { listed, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { fleetEnv, json, PRELOAD, stepsIn } from "./support/run.js";
import { idsOfLogs } from "./support/work.js";

/** Steps that the long form tries; those that only look and wait would go on for ever. */
const MOST_STEPS = 30;
/** A command that has come to no new step for so long, or looks again and again for so long, milliseconds, only waits. */
const STILL_MS = 600;
const BUSY_MS = 2500;

interface Way {
  readonly name: string;
  readonly signal: "SIGINT" | "SIGTERM";
  readonly twice?: boolean;
}
const WAYS: readonly Way[] = [
  { name: "Ctrl+C", signal: "SIGINT" },
  { name: "SIGTERM", signal: "SIGTERM" },
  { name: "Ctrl+C twice", signal: "SIGINT", twice: true },
  { name: "SIGTERM twice", signal: "SIGTERM", twice: true },
];
const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

interface Shown {
  readonly args: readonly string[];
  /** Puts back what the command may have done. */
  readonly again?: () => Promise<unknown>;
  /** From some moment on the terminal is the agent's, and Ctrl+C is a key like any other. */
  readonly handsOver?: boolean;
}

const ASK = "Go [[ask May I?]] [[no-commit]]";
const SHOWN: readonly Shown[] = [
  { args: ["wait", "a", "--for", "done"] },
  { args: ["list", "--watch"] },
  { args: ["list", "--watch", "--json"] },
  { args: ["logs", "a", "--follow"] },
  { args: ["attach", "a"], handsOver: true },
  { args: ["answer", "q", "no"], again: asked },
  { args: ["prompt", "a", "-"] },
  { args: ["kill", "a", "q", "--force"] },
  { args: ["trash", "drop", "gone"] },
  { args: ["resume", "--all"], again: () => sure(world, repo, "stop", "s") },
  { args: ["exec", "a", "--", "sleep", "1000"] },
];

let world: World;
let repo: string;
beforeAll(async () => {
  world = makeWorld("tty-signal");
  world.write(
    join(world.fleetHome, "config.toml"),
    '[agents.still]\ncommand = ["sh", "-c", "trap : INT; while :; do sleep 1000; done"]\n',
    0o600,
  );
  repo = world.repo();
  for (const name of ["a", "s", "gone"]) await sure(world, repo, "create", name, "--prompt", "x", "--agent", "still");
  await sure(world, repo, "stop", "s");
  world.write(join((await sure(world, repo, "path", "gone")).trim(), "work.txt"), "work\n");
  await sure(world, repo, "kill", "gone", "--force", "--yes");
  await sure(world, repo, "create", "q", "--prompt", ASK);
  await asked();
});
afterAll(() => world.dispose());

/** The agent `q` asks. */
async function asked(): Promise<void> {
  await json(world, repo, "wait", "q", "--for", "waiting", "--timeout", "2");
  const { agents } = await listed(world, repo);
  if (agents.find(({ branch }) => branch === "q")?.status !== "waiting") await sure(world, repo, "prompt", "q", ASK);
  await sure(world, repo, "wait", "q", "--for", "waiting", "--timeout", "10");
}

/** What a terminal must be after as it was before. A second Ctrl+C may come when the command has ended: it must not end what looks. */
const SCRIPT = `trap : INT
stty -a > "$0.before"
"$@"
code=$?
trap '' INT
echo $code > "$0.exit"
stty -a > "$0.now"
mv "$0.now" "$0.after"
exec sleep 1000`;

/** Runs a command as from a shell on a terminal, interrupts it at that step or, where it comes to none any more, while it waits. */
async function tryStep({ args, handsOver }: Shown, at: number, way: Way): Promise<{ wrong: string[]; struck: boolean }> {
  const base = join(world.root, "trial");
  const log = `${base}.steps`;
  for (const what of ["before", "exit", "after", "steps"]) rmSync(`${base}.${what}`, { force: true });
  // At a step of its own, the signal comes from inside; to the terminal's whole group where a key would send it.
  const toGroup = way.signal === "SIGINT" && handsOver !== true;
  const fault = {
    NODE_OPTIONS: `--require=${PRELOAD}`,
    FAULT_AT: String(at),
    FAULT_LOG: log,
    FAULT_ROOT: `${world.root}/`,
    FAULT_SIGNAL: way.signal,
    ...(toGroup ? { FAULT_GROUP: "1" } : {}),
    ...(way.twice ? { FAULT_AGAIN: "10" } : {}),
  };
  const env = { ...fleetEnv(world), ...fault };
  const argv = ["env", "-u", "TMUX", "-u", "TMUX_PANE", "sh", "-c", SCRIPT, base, process.execPath, BIN, ...args];
  const terminal = openTerminal(world, argv, repo, env);
  const ended = () => existsSync(`${base}.after`);
  const struck = () => stepsIn(log).struckAt !== null;
  let steps = -1;
  let since = Date.now();
  let began: number | null = null;
  await settle(
    () => {
      const now = stepsIn(log).steps.length;
      if (now !== steps) since = Date.now();
      steps = now;
      if (began === null && existsSync(log)) began = Date.now();
      return ended() || struck() || (began !== null && (Date.now() - since > STILL_MS || Date.now() - began > BUSY_MS));
    },
    Boolean,
    20_000,
  );
  const inside = struck();
  if (!inside && !ended()) interrupt(terminal, way);
  // Whoever has the terminal by then goes on undisturbed, and is left as a person leaves it.
  if (handsOver === true && way.signal === "SIGINT" && !(await settle(ended, Boolean, 1500))) terminal.press("C-q");
  const wrong: string[] = [];
  if (!(await settle(ended, Boolean, 20_000))) wrong.push(`it has not ended: ${terminal.screen().join("\n").trim()}`);
  else {
    const said = (what: string) => readFileSync(`${base}.${what}`, "utf8");
    const code = Number(said("exit"));
    if (code !== 0 && code !== CODES[way.signal] && !(way.twice && code > 128))
      wrong.push(`exit ${code}: ${terminal.screen().join("\n").trim()}`);
    if (code === 0 && handsOver !== true && stillWaits(args)) wrong.push("exit 0");
    if (said("before") !== said("after")) wrong.push(`the terminal was ${said("before")} and is ${said("after")}`);
    const flags = terminal.ask("#{cursor_flag} #{alternate_on} #{mouse_any_flag}");
    if (flags !== "1 0 0") wrong.push(`cursor, other screen and mouse are ${flags}`);
    const trace = terminal.screen().find((line) => /^\s+at /.test(line));
    if (trace !== undefined) wrong.push(`it said ${trace}`);
  }
  terminal.close();
  const { agents } = await listed(world, repo);
  wrong.push(...(await strays(world, repo, agents, { ended: idsOfLogs(world) })));
  return {
    wrong: wrong.map((text) => `${args.join(" ")}, step ${at} (${stepsIn(log).steps.at(-1)}), ${way.name}: ${text}`),
    struck: inside,
  };
}

/** Nothing but a signal ends these. */
function stillWaits(args: readonly string[]): boolean {
  return ["wait", "list", "logs", "exec"].includes(args[0] as string);
}

function interrupt(terminal: Terminal, { signal, twice }: Way): void {
  const times = twice ? 2 : 1;
  const fleet = Number(readFileSync(`/proc/${terminal.pid()}/task/${terminal.pid()}/children`, "utf8").trim().split(" ")[0]);
  for (let time = 0; time < times; time++) {
    if (signal === "SIGINT") terminal.press("C-c");
    else
      try {
        process.kill(fleet, signal);
      } catch {
        // The first was enough.
      }
  }
}

const DAY = Math.floor(Date.now() / 86_400_000);
// The short form tries two, and some of the others, others each day.
const chosen = SHOWN.filter(({ args: [name] }, i) => LONG || name === "attach" || name === "list" || i % 3 === DAY % 3);

describe("on a terminal, interrupted at any moment,", () => {
  it.each(chosen.map((shown) => [shown.args.join(" "), shown] as const))(
    "fleet %s ends with its code and leaves the terminal as it was",
    async (name, shown) => {
      const day = DAY + SHOWN.indexOf(shown);
      const trials: [at: number, way: Way][] = LONG
        ? Array.from({ length: MOST_STEPS }, (_, i) => [i + 1, WAYS[(i + day) % WAYS.length] as Way])
        : [[1 + (day % 12), WAYS[day % WAYS.length] as Way]];
      // While it waits, each way.
      for (const way of LONG ? WAYS : [WAYS[(day + 1) % WAYS.length] as Way]) trials.push([0, way]);
      const wrong: string[] = [];
      let passed = false;
      let done = 0;
      for (const [at, way] of trials) {
        // One that was past its last step was interrupted while it waited.
        if (passed && at > 0) continue;
        const trial = await tryStep(shown, at, way);
        passed = !trial.struck;
        done += 1;
        wrong.push(...trial.wrong);
        if (LONG) for (const text of trial.wrong) console.error(text);
        await shown.again?.();
      }
      figure("R13", `${name} on a terminal`, `${done} interruptions, ${wrong.length} wrong`);
      expect(wrong).toEqual([]);
    },
    LONG ? 600_000 : 60_000,
  );
});
