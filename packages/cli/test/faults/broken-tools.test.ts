import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { type Listed, listed, savedIds, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { type Ran, run } from "./support/run.js";
import { breakTool, FAULTS, type Fault, shimProcesses, type Tool } from "./support/shims.js";

/** A command that meets a hung tool at its first call has ended by then, milliseconds, its own start and end included. */
const FIRST_MS = 10_000;
/** No hang that comes later holds a command up for longer, with `git.timeout` at two seconds and the undoing, milliseconds. */
const LATER_MS = 45_000;
/** Exit codes of the contract that a command with a broken tool may end with. */
const EXITS = new Set([0, 1, 4, 5, 6, 7]);
const WORK: Record<string, string> = { "README.md": "changed\n", "new/file.txt": "untracked\n" };

interface Command {
  readonly args: readonly string[];
  /** Changes nothing, whatever it meets. */
  readonly reads?: true;
  /** Puts the scene back after it has done its work. */
  readonly back?: readonly (readonly string[])[];
  /** Stands before each run. */
  readonly before?: readonly (readonly string[])[];
}

const COMMANDS: Readonly<Record<string, Command>> = {
  create: { args: ["create", "new", "--prompt", "x"], back: [["kill", "new", "--force", "--yes"]] },
  "create with credentials": { args: ["create", "new", "--agent", "sleep"], back: [["kill", "new", "--force", "--yes"]] },
  fanout: { args: ["fanout", "2", "try", "--prompt", "x"], back: [["kill", "try-*", "--force", "--yes"]] },
  multi: { args: ["multi", "m1:x", "m2:y"], back: [["kill", "m?", "--force", "--yes"]] },
  prompt: { args: ["prompt", "a", "hello"] },
  attach: { args: ["attach", "a", "--json"], reads: true },
  logs: { args: ["logs", "a"], reads: true },
  list: { args: ["list"], reads: true },
  "list --changes": { args: ["list", "--changes"], reads: true },
  wait: { args: ["wait", "a", "--for", "idle", "--timeout", "20"], reads: true },
  stop: { args: ["stop", "a"], back: [["resume", "a"]] },
  resume: { args: ["resume", "s"], back: [["stop", "s"]] },
  kill: { args: ["kill", "c"], back: [["create", "c", "--agent", "sleep"]] },
  "kill of one with work": { args: ["kill", "d"] },
  "kill --force": {
    args: ["kill", "d", "--force", "--yes"],
    back: [
      ["restore", "d"],
      ["resume", "d"],
    ],
  },
  "kill --all": {
    args: ["kill", "--all", "--yes"],
    back: [
      ["create", "c", "--agent", "sleep"],
      ["create", "a"],
      ["create", "s", "--agent", "sleep"],
      ["stop", "s"],
    ],
  },
  path: { args: ["path", "a"], reads: true },
  diff: { args: ["diff", "d"], reads: true },
  exec: { args: ["exec", "d", "--", "true"], reads: true },
  restore: { args: ["restore", "d"], before: [["kill", "d", "--force", "--yes"]], back: [["resume", "d"]] },
  doctor: { args: ["doctor"], reads: true },
  init: { args: ["init", "--type", "generic"] },
};

let world: World;
let repo: string;
let work: Record<string, string>;
/** The agents that stand before each run. */
let scene: readonly Listed[];
afterEach(() => world?.dispose());

async function makeScene(): Promise<void> {
  world = makeWorld("broken");
  world.write(
    join(world.fleetHome, "config.toml"),
    '[agents.sleep]\ncommand = ["sh", "-c", "exec cat"]\n[setup]\ncredential_files = [".env"]\n',
    0o600,
  );
  repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "*.ignored\n.env\n" });
  world.write(join(repo, ".env"), "KEY=1\n");
  await sure("create", "a");
  await sure("create", "c", "--agent", "sleep");
  await sure("create", "d", "--agent", "sleep");
  await sure("create", "s", "--agent", "sleep");
  await sure("stop", "s");
  const worktree = (await sure("path", "d")).trim();
  for (const [file, content] of Object.entries(WORK)) world.write(join(worktree, file), content);
  work = WORK;
  await sure("wait", "a", "--timeout", "20");
  scene = (await listed(world, repo)).agents;
}

async function sure(...args: string[]): Promise<string> {
  const ran = await run(world, repo, args);
  if (ran.code !== 0) throw new Error(`fleet ${args.join(" ")}: exit ${ran.code} ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

/** Records as the registry holds them: what an unanswered question must leave alone. */
function records(): string {
  const { agents } = JSON.parse(readFileSync(join(world.fleetHome, "state.json"), "utf8")) as { agents: Listed[] };
  return agents.map(({ id, branch, status, worktree }) => `${id} ${branch} ${status} ${worktree}`).join("\n");
}

interface Outcome {
  readonly wrong: readonly string[];
  readonly ran: Ran;
  readonly calls: number;
}

/** Runs one command with one broken tool, and the next one with it mended. */
async function tryOne(command: Command, tool: Tool, fault: Fault, at: number, match: string | null = null): Promise<Outcome> {
  for (const args of command.before ?? []) await sure(...args);
  const before = command.before === undefined ? scene : (await listed(world, repo)).agents;
  const recorded = records();
  const shims = breakTool(world, tool, FAULTS[fault], at, match);
  const ran = await run(world, repo, command.args, { PATH: shims.path, AIFLEET_GIT_TIMEOUT: "2" });
  const calls = shims.calls().length;
  const wrong: string[] = [];
  const hangs = fault.startsWith("hangs");
  if (ran.code === null || !EXITS.has(ran.code)) wrong.push(`exit ${ran.code} ${ran.signal}`);
  if (hangs && at <= 1 && match === null && ran.ms > FIRST_MS) wrong.push(`took ${Math.round(ran.ms)} ms`);
  if (ran.ms > LATER_MS) wrong.push(`took ${Math.round(ran.ms)} ms in all`);
  wrong.push(...unclear(ran, tool, command));
  const left = await settle(
    () => shimProcesses(world),
    (found) => found.length === 0,
    1500,
  );
  // What a hook of the user's leaves running on purpose is the user's: a change may.
  if (fault === "leaves a child at its output" && command.reads !== true)
    for (const line of left) process.kill(Number.parseInt(line, 10), "SIGKILL");
  else wrong.push(...left.map((line) => `left running: ${line}`));
  if (command.reads === true && records() !== recorded) wrong.push(`records changed from\n${recorded}\nto\n${records()}`);

  const next = await listed(world, repo);
  const names = next.agents.map(({ branch }) => branch);
  const ended = [...before.map(({ id }) => id), ...savedIds(world), ...logsKept()];
  const kept = branchesKept(command, names);
  wrong.push(...(await strays(world, repo, next.agents, { branches: kept, ended })).map((stray) => `stray: ${stray}`));
  wrong.push(...(await lost(command, before, next.agents, ran)));
  await putBack(command, before, next.agents);
  return {
    wrong: wrong.map(
      (text) => `${tool} ${fault} at ${match ?? (at > 0 ? at : at === 0 ? "every call" : "every call but --version")}: ${text}`,
    ),
    ran,
    calls,
  };
}

/** Lines that no person should see, or that do not say what is wrong with what. */
function unclear({ code, stderr, stdout }: Ran, tool: Tool, { args }: Command): string[] {
  const wrong: string[] = [];
  if (/^\s+at .+[:(]\d+|\[object |undefined|TypeError|ReferenceError/m.test(stdout + stderr))
    wrong.push(`a stack trace: ${stderr}${stdout}`);
  const lines = stderr.split("\n").filter(Boolean);
  for (const line of lines)
    if (line.length > 700 || /[\u0000-\u0008\u000b-\u001f\ufffd]/.test(line)) wrong.push(`an unreadable line: ${line.slice(0, 300)}`);
  if (code === 0 || args.includes("--json") || args[0] === "doctor") return wrong;
  const errors = lines.filter((line) => line.startsWith("error: "));
  // Several agents have a line each.
  const several = lines.some((line) => line.startsWith("✗ "));
  if (errors.length !== 1 && code !== 7 && !several) wrong.push(`${errors.length} error lines: ${stderr}`);
  if (!new RegExp(`\\b${tool}\\b`, "i").test(stderr) && !/program|session|worktree|work that would be lost/.test(stderr))
    wrong.push(`names no tool: ${stderr}`);
  // Of several each has its own, indented below it.
  if (!lines.some((line) => line.startsWith(several ? "  " : "hint: ")) && code !== 7) wrong.push(`no hint: ${stderr}`);
  return wrong;
}

function logsKept(): string[] {
  return readdirSync(join(world.fleetHome, "logs")).map((name) => name.split(".")[0] as string);
}

/** Branches that a kill may leave: it said so, or could not delete them. */
function branchesKept(command: Command, names: readonly string[]): string[] {
  if (command.args[0] !== "kill") return [];
  return branches().filter((name) => name !== "main" && !names.includes(name));
}

function branches(): string[] {
  return world.git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n").filter(Boolean);
}

/** Agents that vanished although nobody said that they went, and work that is nowhere. */
async function lost(command: Command, before: readonly Listed[], now: readonly Listed[], ran: Ran): Promise<string[]> {
  const wrong: string[] = [];
  const meant = command.args[0] === "kill" ? (command.args[1] === "--all" ? before.map(({ branch }) => branch) : [command.args[1]]) : [];
  for (const { branch, id, status } of before) {
    const there = now.find((agent) => agent.id === id);
    if (there === undefined && !meant.includes(branch)) wrong.push(`${branch} is gone`);
    if (there !== undefined && command.reads === true && there.status !== status) wrong.push(`${branch} is ${there.status}, was ${status}`);
  }
  const dirty = now.find(({ branch }) => branch === "d");
  if (dirty === undefined) {
    if (!savedIds(world).length) wrong.push("the work of d is neither in its place nor in the trash");
    if (command.args[0] === "kill" && command.args[1] === "d" && !command.args.includes("--force"))
      wrong.push("d was removed with its work");
    return wrong;
  }
  for (const [file, content] of Object.entries(work)) {
    const path = join(dirty.worktree, file);
    if (!existsSync(path) || readFileSync(path, "utf8") !== content) wrong.push(`${file} of d is not what it was (${ran.stderr})`);
  }
  return wrong;
}

/** Clears what was typed and never submitted, as somebody at the terminal would: every prompt after it would be refused. */
function clearInput(): void {
  for (const line of world.tmux("list-panes", "-a", "-F", "#{pane_id} #{@aifleet_unsent}").split("\n")) {
    const [pane = "", unsent = ""] = line.split(" ");
    if (unsent !== "") world.tmux("send-keys", "-t", pane, "C-u", ";", "set-option", "-p", "-u", "-t", pane, "@aifleet_unsent");
  }
}

/** The scene as it was, whatever the command came to. */
async function putBack(command: Command, before: readonly Listed[], now: readonly Listed[]): Promise<void> {
  if (command.args[0] === "prompt") clearInput();
  const names = now.map(({ branch }) => branch);
  const made = names.filter((name) => !before.some(({ branch }) => branch === name));
  if (made.some((name) => name !== "d")) await sure("kill", ...made.filter((name) => name !== "d"), "--force", "--yes");
  for (const branch of ["a", "c", "d", "s"]) {
    if (names.includes(branch)) continue;
    if (branch === "d") await sure("restore", "d");
    else await sure("create", branch, ...(branch === "a" ? [] : ["--agent", "sleep"]));
  }
  for (const branch of branches()) if (!["main", "a", "c", "d", "s"].includes(branch)) world.git(repo, "branch", "-D", branch);
  const same = JSON.stringify(now.map(({ id, status }) => [id, status])) === JSON.stringify(scene.map(({ id, status }) => [id, status]));
  rmSync(join(repo, ".aifleet"), { recursive: true, force: true });
  if (same) return;
  const status = Object.fromEntries((await listed(world, repo)).agents.map((agent) => [agent.branch, agent.status]));
  for (const branch of ["a", "c", "d"]) if (!["idle", "working"].includes(status[branch] as string)) await sure("resume", branch);
  if (status.s !== "stopped") await sure("stop", "s");
  await sure("wait", "a", "--timeout", "20");
  scene = (await listed(world, repo)).agents;
}

/** Between working and idle a program that says nothing of itself is told by its output, which goes quiet meanwhile. */
const ended = ({ id, status }: Listed) => `${id} ${["idle", "working"].includes(status) ? "alive" : status}`;

describe("a command with a broken tool", () => {
  /** What goes wrong in each way for it to matter, at every call but that for the version, or at those with a word. */
  const SHORT: readonly (readonly [name: string, tool: Tool, fault: Fault, match?: string])[] = [
    ["create", "git", "hangs and ignores signals"],
    ["kill of one with work", "git", "does nothing and succeeds"],
    ["kill", "tmux", "does nothing and succeeds"],
    ["prompt", "tmux", "garbles its fields"],
    ["create", "tmux", "vanishes"],
    ["restore", "git", "does its work and fails"],
    ["restore", "git", "does nothing and succeeds", "update-ref"],
  ];

  it("says what is wrong within ten seconds, changes nothing it does not know enough of, and the next command puts it right", async () => {
    await makeScene();
    const failures: string[] = [];
    let slowest = 0;
    for (const [name, tool, fault, match] of SHORT) {
      const { wrong, ran } = await tryOne(COMMANDS[name] as Command, tool, fault, -1, match);
      failures.push(...wrong.map((text) => `${name}: ${text}`));
      slowest = Math.max(slowest, ran.ms);
    }
    figure(
      "R8",
      "short form",
      `${SHORT.length} commands with a broken tool, ${failures.length} wrong, the slowest ended after ${Math.round(slowest)} ms`,
    );
    expect(failures).toEqual([]);
  }, 120_000);

  it("leaves agents alone whose tmux server is suspended, and knows them again when it goes on", async () => {
    await makeScene();
    const server = Number(world.tmux("display-message", "-p", "#{pid}"));
    process.kill(server, "SIGSTOP");
    try {
      const list = await run(world, repo, ["list", "--json"]);
      expect(list.code).toBe(0);
      expect((JSON.parse(list.stdout) as { agents: Listed[] }).agents.map(({ branch, status }) => `${branch} ${status}`).sort()).toEqual([
        "a unknown",
        "c unknown",
        "d unknown",
        "s unknown",
      ]);
      const kill = await run(world, repo, ["kill", "c"]);
      expect([kill.code, kill.stderr]).toEqual([6, expect.stringContaining("nothing was changed")]);
      expect(Math.max(list.ms, kill.ms)).toBeLessThan(FIRST_MS);
    } finally {
      process.kill(server, "SIGCONT");
    }
    expect((await listed(world, repo)).agents.map(ended)).toEqual(scene.map(ended));
  }, 60_000);

  it("types a prompt once, also a queued one, where tmux does what it is told and says that it failed", async () => {
    world = makeWorld("typed-once");
    repo = world.repo();
    await sure("create", "a");
    await sure("wait", "a", "--timeout", "20");
    const { path } = breakTool(world, "tmux", FAULTS["does its work and fails"], 0, "send-keys");
    const ran = await run(world, repo, ["prompt", "a", "only once", "--when-idle"], { PATH: path });
    expect([ran.code, ran.stderr]).toEqual([
      6,
      expect.stringMatching(/^error: Whether a took the prompt is not known: tmux .*; it was typed/),
    ]);
    await settle(
      () => promptsTaken(world),
      (all) => all.length > 0,
    );
    await sure("wait", "a", "--timeout", "20");
    await sure("__courier", repo);
    expect(promptsTaken(world).map(({ text }) => text)).toEqual(["only once"]);
  }, 60_000);

  it("has the time a slow checkout needs while it gets on, and gives up one that does not", async () => {
    world = makeWorld("slow");
    const files = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`slow-${at}.dat`, "text\n"]));
    repo = world.repo("repo", { ".gitattributes": "*.dat filter=slow\n", ...files });
    const wait = (smudge: string) => world.git(repo, "config", "filter.slow.smudge", smudge);
    wait("sleep 0.5; cat");
    const slow = await run(world, repo, ["create", "slow"], { AIFLEET_GIT_TIMEOUT: "1" });
    expect([slow.code, slow.stderr]).toEqual([0, expect.not.stringContaining("error")]);
    wait("exec sleep 1000");
    const stuck = await run(world, repo, ["create", "stuck"], { AIFLEET_GIT_TIMEOUT: "1" });
    expect([stuck.code, stuck.stderr]).toEqual([6, expect.stringMatching(/^error: git reset made no progress for 1 s and was ended/m)]);
    const { agents } = await listed(world, repo);
    expect(agents.map(({ branch }) => branch)).toEqual(["slow"]);
    expect(await strays(world, repo, agents)).toEqual([]);
  }, 60_000);
});

describe.runIf(LONG)("every command, every tool, every fault, every call", () => {
  const commands = process.env.FLEET_FAULTS_CASE?.split(",") ?? Object.keys(COMMANDS);
  const faults = (process.env.FLEET_FAULTS_HOW?.split(",") ?? Object.keys(FAULTS)) as Fault[];
  const tools = (process.env.FLEET_FAULTS_TOOL?.split(",") ?? ["git", "tmux"]) as Tool[];
  let tried = 0;
  afterAll(() => figure("R8", "all", `${tried} runs with a broken tool`));

  it.each(commands)(
    "fleet %s: says what is wrong, undoes it or says what is left, and the next command puts it right",
    async (name) => {
      const command = COMMANDS[name] as Command;
      await makeScene();
      const failures: string[] = [];
      for (const tool of tools) {
        // With a tool that is only counted.
        const { calls: most, ran } = await tryOne(command, tool, "hangs", 1000);
        if (![0, 4, 7].includes(ran.code ?? -1)) failures.push(`with working tools: exit ${ran.code} ${ran.stderr}${ran.stdout}`);
        for (const fault of faults) {
          const only = process.env.FLEET_FAULTS_STEP;
          for (let at = only === undefined ? -1 : Number(only); at <= Math.min(most, Number(only ?? most)); at++) {
            const { wrong, ran, calls } = await tryOne(command, tool, fault, at);
            tried += 1;
            if (process.env.FLEET_FAULTS_SHOW)
              console.error(
                `${name} | ${tool} ${fault} at ${at}/${calls} | exit ${ran.code} ${Math.round(ran.ms)} ms | ${ran.stderr.trim().replaceAll("\n", " ⏎ ").slice(0, 400)}`,
              );
            for (const text of wrong) console.error(`WRONG ${name}: ${text}`);
            failures.push(...wrong);
          }
        }
      }
      figure("R8", name, `${tried} runs so far, ${failures.length} wrong`);
      expect(failures).toEqual([]);
    },
    7_200_000,
  );
});
