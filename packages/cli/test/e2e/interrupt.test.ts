import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { type AsOptions, type Person, person, traces } from "./support/person.js";

/** Ctrl+C anywhere: what is up stays, what is in hand is undone, nothing is orphaned. */
let world: World;
let repo: string;
let me: Person;
beforeEach(() => {
  world = makeWorld("stop");
  repo = world.repo("repo", { "README.md": "# A repository\n", "src/a.slow": "a\n", ".gitattributes": "*.slow filter=slow\n" });
  me = person(world, repo);
  // One that never looks as it should when it is up: its start takes as long as one waits.
  const slow = "[agents.slow]\ncommand = ['sleep', '300']\nprompt_via = 'paste'\n[agents.slow.patterns]\nidle = 'never'\n";
  world.write(join(world.fleetHome, "config.toml"), slow, 0o600);
});
afterEach(() => world.dispose());

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS | "SIGKILL";

interface Running {
  readonly kill: (signal: Signal) => void;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  readonly heard: () => string;
}

function running(args: readonly string[], options: AsOptions = {}): Running {
  const child = me.start(args, options);
  child.stdin.end(options.input ?? "");
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return {
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr }))),
    heard: () => stdout + stderr,
  };
}

async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  expect(await settle(probe, Boolean), what).toBe(true);
}

/** Phases in which a start can be caught: how it is held there, and how one sees that it is. */
const mark = () => join(world.root, "here");
const marked = () => existsSync(mark());
const hold = () => `echo x >> '${mark()}'; sleep 300`;
const PHASES = {
  worktree: {
    agent: "demo",
    hold: () => world.git(repo, "config", "filter.slow.smudge", `echo x >> '${mark()}'; sleep 300; cat`),
    release: () => world.git(repo, "config", "--unset", "filter.slow.smudge"),
    env: (): AsOptions["env"] => ({}),
    there: marked,
  },
  setup: {
    agent: "demo",
    hold: () => {},
    release: () => {},
    env: (): AsOptions["env"] => ({ AIFLEET_SETUP_COMMANDS: JSON.stringify(["touch junk", hold()]) }),
    there: marked,
  },
  session: {
    agent: "slow",
    hold: () => {},
    release: () => {},
    env: (): AsOptions["env"] => ({}),
    there: () => traces(world, repo).agents > 0 && world.sessions().length > 0,
  },
} as const;

const COMMANDS = {
  create: ["create", "work", "--prompt", "go"],
  fanout: ["fanout", "3", "try", "--prompt", "go"],
  multi: ["multi", "a:go", "b/c:go"],
} as const;

describe.each(Object.keys(PHASES) as (keyof typeof PHASES)[])("while the %s comes up", (name) => {
  it.each([
    ["create", "SIGINT"],
    ["create", "SIGTERM"],
    ["create", "SIGKILL"],
    ["fanout", "SIGINT"],
    ["fanout", "SIGKILL"],
    ["multi", "SIGTERM"],
  ] as const)("%s under %s leaves nothing", async (command, signal) => {
    const phase = PHASES[name];
    phase.hold();
    const before = traces(world, repo);
    const run = running([...COMMANDS[command], "--agent", phase.agent], { env: phase.env() });
    await until(`the ${name} is in hand`, phase.there);
    run.kill(signal);
    const { code, stdout, stderr } = await run.ended;
    if (signal === "SIGKILL") {
      // Whoever was killed could not clean up: the next command does.
      phase.release();
      await me.json(["list"]);
      phase.hold();
    } else {
      expect({ code, stdout }).toEqual({ code: SIGNALS[signal], stdout: "" });
      expect(stderr).toMatch(/^error: Interrupted[^\n]*$/m);
    }
    await settle(
      () => traces(world, repo).processes,
      (count) => count === 0,
    );
    expect(traces(world, repo)).toEqual({ ...before, logs: expect.any(Array) });
    expect(await me.json(["list"])).toMatchObject({ code: 0, agents: [] });
  });
});

describe("what is up stays", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("under %s, what is not goes", async (signal) => {
    const run = running(["multi", "--file", "-", "--json"], {
      input: '[{"branch": "up", "prompt": "go"}, {"branch": "slow", "prompt": "go", "agent": "slow"}]',
    });
    const statuses = async () => {
      const { agents } = await me.json(["list"]);
      return Object.fromEntries(agents.map(({ branch, status }: Record<string, string>) => [branch, status]));
    };
    await until("one is up", async () => {
      const seen = await statuses();
      return seen.up === "idle" && seen.slow === "starting";
    });
    run.kill(signal);
    const { code, stdout } = await run.ended;
    expect(code).toBe(SIGNALS[signal]);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "INTERRUPTED", message: expect.stringContaining("up"), data: { up: ["up"] } },
    });
    expect(await statuses()).toEqual({ up: "idle" });
    expect(traces(world, repo)).toMatchObject({ branches: ["main", "up"], agents: 1, journal: [] });
    expect(await me.json(["prompt", "up", "more"])).toMatchObject({ results: [{ delivery: "delivered" }] });
  });
});

describe("a server without a session", () => {
  it("has none, and is no reason for a warning", async () => {
    // A user's own conf may keep the server up; ours goes with its last session, and is seen going.
    const include = world.write(join(world.root, "mine.conf"), "set -s exit-empty off\n");
    world.write(join(world.fleetHome, "config.toml"), `[tmux]\ninclude = ${JSON.stringify(include)}\n`, 0o600);
    expect(await me.json(["create", "a"])).toMatchObject({ code: 0 });
    world.tmux("kill-session", "-t", world.sessions()[0] ?? "");
    expect(await me.json(["list"])).toMatchObject({ code: 0, agents: [{ branch: "a", status: "lost" }], warnings: [] });
    expect(await me.json(["kill", "a"])).toMatchObject({ code: 0 });
  });
});

describe("impatience", () => {
  it("a second Ctrl+C ends at once; the next command cleans up", async () => {
    const command = `trap '' TERM; echo x >> '${mark()}'; sleep 300 & wait; wait`;
    const run = running(["create", "work", "--prompt", "x"], { env: { AIFLEET_SETUP_COMMANDS: JSON.stringify([command]) } });
    await until("setup runs", marked);
    run.kill("SIGINT");
    // Not before the first was heard: the system would make one of two.
    await new Promise((resolve) => setTimeout(resolve, 200));
    run.kill("SIGINT");
    expect((await run.ended).code).toBe(130);
    expect(await me.json(["list"])).toMatchObject({ code: 0, agents: [] });
    await settle(
      () => traces(world, repo).processes,
      (count) => count === 0,
    );
    expect(traces(world, repo)).toMatchObject({
      worktrees: [repo],
      branches: ["main"],
      sessions: [],
      journal: [],
      processes: 0,
      folders: [],
    });
  });
});

describe("what only looks or waits", () => {
  beforeEach(async () => {
    expect(await me.json(["multi", "a:go", "b:[[work 300s]] go"])).toMatchObject({ code: 0 });
    // Until its turn is done it has children of its own that come and go.
    expect(await me.json(["wait", "a", "--timeout", "20"])).toMatchObject({ code: 0 });
  });

  it.each([
    ["wait", ["wait", "b", "-v"], "SIGINT", /tmux.*list-panes/],
    ["wait", ["wait", "--all", "--for", "done", "-v"], "SIGTERM", /tmux.*list-panes/],
    ["logs --follow", ["logs", "b", "--follow"], "SIGINT", /go/],
    ["logs --follow as JSON", ["logs", "b", "--follow", "--json"], "SIGTERM", /go/],
    ["list --watch", ["list", "--watch", "--json"], "SIGINT", /"branch":"b"/],
    ["list --watch --changes", ["list", "--watch", "--changes", "--json"], "SIGTERM", /"branch":"b"/],
    ["exec", ["exec", "--all", "--", "sh", "-c", "echo here; exec sleep 300"], "SIGINT", /b \| here/],
    [
      "exec of something stubborn",
      ["exec", "--all", "--", "sh", "-c", "trap '' INT TERM; echo here; sleep 300; sleep 300"],
      "SIGTERM",
      /b \| here/,
    ],
  ] as const)("%s ends on its signal and touches no agent", async (_what, args, signal, sign) => {
    const before = traces(world, repo);
    const run = running(args);
    await until(`it shows ${sign}`, () => sign.test(run.heard()));
    run.kill(signal);
    const { code, stderr } = await run.ended;
    expect(code).toBe(SIGNALS[signal]);
    expect(stderr).not.toMatch(/\n\s+at /);
    await settle(
      () => traces(world, repo),
      (now) => now.processes === before.processes,
    );
    expect(traces(world, repo)).toEqual(before);
    const { agents } = await me.json(["list"]);
    expect(agents.map(({ branch, status }: Record<string, string>) => [branch, status])).toEqual([
      ["a", "idle"],
      ["b", "working"],
    ]);
  });
});
