import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fleet, FleetError, Warning } from "../../src/index.js";
import { demoProgram } from "../agents/support/demo-program.js";
import { openFleet, oracle, promptLog, promptsTaken } from "../support/demo.js";
import { makeWorld, processesOf, settle, type World } from "../support/world.js";

let world: World;
let repo: string;

beforeEach(() => {
  world = makeWorld("start");
  repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "*.log\n" });
});

afterEach(async () => {
  await world.dispose();
});

/** A fleet whose agent `own` is this command. */
const withAgent = (command: readonly string[], more: Record<string, unknown> = {}) =>
  openFleet(world, repo, { settings: { "agents.own.command": command, "agent.default": "own", ...more } });

const sh = (script: string) => withAgent(["sh", "-c", script, "sh"]);

const filesUnder = (path: string): string[] => {
  const folder = join(world.fleetHome, path);
  return existsSync(folder) ? readdirSync(folder) : [];
};

/** That nothing at all of an agent is left: asked of git, tmux, the kernel and the disk. */
async function expectNothingLeft(fleet: Fleet, before: ReturnType<typeof oracle>): Promise<void> {
  expect(oracle(world, repo)).toEqual(before);
  expect(await fleet.list()).toEqual([]);
  expect(filesUnder("logs")).toEqual([]);
  expect(filesUnder("journal")).toEqual([]);
  expect(filesUnder("worktrees").flatMap((project) => filesUnder(`worktrees/${project}`))).toEqual([]);
}

async function failure(start: Promise<unknown>): Promise<FleetError> {
  return start.then(
    () => Promise.reject(new Error("It did not fail.")),
    (error: FleetError) => error,
  );
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const taken = (count: number) =>
  settle(
    () => promptsTaken(world),
    (prompts) => prompts.length >= count,
    15_000,
  );

describe("an agent program that cannot run", () => {
  test("is missing: nothing is made, and the error names it", async () => {
    const fleet = await withAgent(["no-such-program-here"]);
    const before = oracle(world, repo);
    await expect(fleet.createAgent({ branch: "work" })).rejects.toMatchObject({
      code: "AGENT_COMMAND_MISSING",
      exitCode: 5,
      data: { adapter: "own", program: "no-such-program-here" },
    });
    await expectNothingLeft(fleet, before);
    await expect(fleet.fanout({ count: 3, prompt: "x" })).rejects.toMatchObject({ code: "AGENT_COMMAND_MISSING" });
    await expectNothingLeft(fleet, before);
  });

  test("is missing in the new worktree: nothing is left", async () => {
    const fleet = await withAgent(["./no-such-script"]);
    const before = oracle(world, repo);
    const error = await failure(fleet.createAgent({ branch: "work" }));
    expect(["AGENT_COMMAND_MISSING", "AGENT_DIED"]).toContain(error.code);
    await expectNothingLeft(fleet, before);
  });

  test("is of an adapter nobody knows: the known ones are named", async () => {
    const fleet = await openFleet(world, repo);
    const before = oracle(world, repo);
    await expect(fleet.createAgent({ branch: "work", adapter: "cluade" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      hint: expect.stringContaining("claude"),
    });
    await expectNothingLeft(fleet, before);
  });

  test.each([
    ["at once", "echo starting; echo no key >&2; exit 3", 3],
    ["after half a second", "echo starting; sleep 0.5; echo no key; exit 4", 4],
    ["by a signal", "echo no key; kill -KILL $$", 137],
  ])("dies %s: the error tells exit code and last words, and nothing is left", async (_, script, exitCode) => {
    const fleet = await sh(script);
    const before = oracle(world, repo);
    const error = await failure(fleet.createAgent({ branch: "work", prompt: "x" }));
    expect(error).toMatchObject({ code: "AGENT_DIED", exitCode: 1, data: { exitCode, output: expect.stringContaining("no key") } });
    expect(error.message).toContain("no key");
    await expectNothingLeft(fleet, before);
  });

  test("dies in a worktree that only setup has changed: nothing is left either", async () => {
    const fleet = await withAgent(["sh", "-c", "exit 3"], {
      "setup.commands": ["echo made > made.txt; echo x >> README.md; echo i > i.log"],
    });
    const before = oracle(world, repo);
    await expect(fleet.createAgent({ branch: "work" })).rejects.toMatchObject({ code: "AGENT_DIED" });
    await expectNothingLeft(fleet, before);
  });

  test.each([
    ["writing a file", "echo x > result.txt; exit 5", "result.txt"],
    ["writing an ignored file", "echo x > result.log; exit 5", "result.log"],
    ["committing", "echo x > r && git add r && git commit -q -m r; exit 5", "new commits"],
  ])("dies after %s: it is kept, failed, and the error says so", async (_, script, what) => {
    const fleet = await sh(script);
    const error = await failure(fleet.createAgent({ branch: "work" }));
    expect(error).toMatchObject({ code: "AGENT_DIED", data: { exitCode: 5 } });
    expect(error.message).toContain(what);
    expect(error.message).toContain("kept");
    expect(await fleet.list()).toMatchObject([{ branch: "work", status: "failed", exitCode: 5, statusSource: "exit" }]);
    expect(oracle(world, repo).branches).toEqual(["main", "work"]);
    expect(filesUnder("journal")).toEqual([]);
    if (what !== "new commits") await expect(fleet.kill("work")).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: [what] } });
    else expect((await fleet.kill("work")).killed).toMatchObject([{ branchKept: true }]);
  });

  test("exits 0 at once: that is done, and a success", async () => {
    const fleet = await sh("echo all good; exit 0");
    const agent = await fleet.createAgent({ branch: "work" });
    expect(agent.info).toMatchObject({ status: "done", exitCode: 0, statusSource: "exit" });
    expect((await agent.logs()).join("\n")).toContain("all good");
    await agent.kill();
    await expectGone();
  });

  test("interrupted on its way up after it has done something is ended and kept, stopped; else it is undone", async () => {
    for (const work of [true, false]) {
      const ready = join(world.root, `ready-${work}`);
      const fleet = await sh(`${work ? "echo x > work.txt; " : ""}touch '${ready}'; exec sleep 3600`);
      const stop = new AbortController();
      const start = failure(fleet.createAgent({ branch: "work" }, { signal: stop.signal }));
      await settle(
        () => existsSync(ready),
        (there) => there,
      );
      stop.abort();
      const error = await start;
      expect(error).toMatchObject({ code: "INTERRUPTED", exitCode: 130 });
      expect(oracle(world, repo)).toMatchObject({ sessions: [], agents: 0, branches: work ? ["main", "work"] : ["main"] });
      expect(filesUnder("journal")).toEqual([]);
      expect((await fleet.list()).map(({ status }) => status)).toEqual(work ? ["stopped"] : []);
      if (!work) continue;
      expect(error.message).toContain("work.txt");
      await expect(fleet.kill("work")).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["work.txt"] } });
      await fleet.kill("work", { force: true });
    }
  });

  async function expectGone() {
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"], sessions: [], agents: 0 });
  }
});

describe("an agent in a wrapper script", () => {
  test("is up, read and prompted as it would be without", async () => {
    const script = world.write(
      join(world.root, "wrapper.sh"),
      `#!/bin/sh\necho preparing\n"${process.execPath}" "$@"\ncode=$?\nexit $code\n`,
      0o755,
    );
    const fleet = await openFleet(world, repo, { settings: { "agents.demo.command": [script, demoProgram()] } });
    const agent = await fleet.createAgent({ branch: "work", prompt: "First" });
    await agent.waitFor("idle", { timeout: 10_000 });
    await agent.prompt("Second\nline");
    await agent.waitFor("idle", { timeout: 10_000 });
    await agent.prompt("End [[fail 9]]");
    await fleet.wait("work", { for: "ended", timeout: 10_000 });
    expect(await fleet.list()).toMatchObject([{ status: "failed", exitCode: 9 }]);
    expect(promptsTaken(world).map(({ text }) => text)).toEqual(["First", "Second\nline", "End [[fail 9]]"]);
  });
});

const AWKWARD = [
  "-x --help",
  "--",
  "ends with a semicolon;",
  'it\'s "quoted" `touch a` $(touch b) $HOME %s \\n #{pane_id} #(touch c) !!',
  "emoji 🚀 and 漢字 and e\u0301",
  "  two\n\nlines\tand a tab, spaces around  ",
  "trailing newline\n",
];

describe("the first prompt reaches the program byte for byte", () => {
  test.each(AWKWARD)("as the demo agent's: %j", async (text) => {
    const fleet = await openFleet(world, repo);
    await fleet.createAgent({ branch: "work", prompt: text });
    expect((await taken(1)).map(({ sha256 }) => sha256)).toEqual([sha256(text)]);
    expect(readdirSync(repo).sort()).toEqual([".git", ".gitignore", "README.md"]);
  });

  const printer = [
    "-e",
    'require("fs").writeFileSync(process.argv[1], process.argv[2] ?? "", { flag: "wx" }); setInterval(() => {}, 1000)',
  ];

  test("as the last argument of a custom command, and through a file", async () => {
    const text = AWKWARD.join("\n");
    const [argument, copied] = [join(world.root, "argument"), join(world.root, "copied")];
    const byArgument = await withAgent([process.execPath, ...printer, "--", argument]);
    await byArgument.createAgent({ branch: "a", prompt: text });
    expect(readFileSync(argument, "utf8")).toBe(text);
    const byFile = await withAgent(["sh", "-c", `cp "$0" '${copied}'; exec sleep 3600`, "{prompt_file}"], {
      "agents.own.prompt_via": "file",
    });
    const agent = await byFile.createAgent({ branch: "b", prompt: text });
    expect(readFileSync(copied, "utf8")).toBe(text);
    await agent.kill();
  });

  test("as a paste into a custom command", async () => {
    const fleet = await withAgent([process.execPath, demoProgram()], { "agents.own.prompt_via": "paste" });
    await fleet.createAgent({ branch: "work", prompt: "Two\nlines;" });
    expect(await taken(1)).toMatchObject([{ text: "Two\nlines;", via: "terminal" }]);
  });

  test("also when it is a megabyte, and so does a later one", async () => {
    const big = (seed: string) => Array.from({ length: 20_000 }, (_, n) => `${seed} line ${n} of a long prompt; $HOME 'é' 🚀`).join("\n");
    const [first, second] = [big("first"), big("second")];
    expect(Buffer.byteLength(first)).toBeGreaterThan(1_000_000);
    const fleet = await openFleet(world, repo);
    const agent = await fleet.createAgent({ branch: "work", prompt: first });
    await taken(1);
    await agent.waitFor("idle", { timeout: 10_000 });
    expect(await agent.prompt(second)).toMatchObject({ delivery: "delivered" });
    expect((await taken(2)).map(({ sha256, bytes }) => [sha256, bytes])).toEqual(
      [first, second].map((text) => [sha256(text), Buffer.byteLength(text)]),
    );
    expect(oracle(world, repo).sessions).toEqual([agent.session]);
  });
});

describe("a prompt is refused, and nothing is typed,", () => {
  test("with control characters or without a word", async () => {
    const fleet = await openFleet(world, repo);
    const agent = await fleet.createAgent({ branch: "work" });
    for (const bad of ["a\u001b[201~b", "a\rb", "\u0003", "x\u007f", "a\u0000b", "a\u009bb"]) {
      await expect(agent.prompt(bad)).rejects.toMatchObject({ code: "PROMPT_REFUSED", exitCode: 4 });
      await expect(fleet.createAgent({ branch: "other", prompt: bad })).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
      await expect(fleet.fanout({ count: 2, prompt: bad })).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
    }
    for (const empty of ["", " \n\t"]) {
      await expect(agent.prompt(empty)).rejects.toMatchObject({ code: "USAGE", exitCode: 2 });
      await expect(fleet.createAgent({ branch: "other", prompt: empty })).rejects.toMatchObject({ code: "USAGE" });
    }
    await agent.prompt("fine");
    expect((await taken(1)).map(({ text }) => text)).toEqual(["fine"]);
    expect(oracle(world, repo).branches).toEqual(["main", "work"]);
  });

  test("to an agent that has ended", async () => {
    const fleet = await openFleet(world, repo);
    const agent = await fleet.createAgent({ branch: "work", prompt: "Go [[exit]]" });
    await agent.waitFor("done", { timeout: 10_000 });
    await expect(agent.prompt("more")).rejects.toMatchObject({ code: "PROMPT_REFUSED", data: { results: [{ delivery: "refused" }] } });
    await agent.stop();
    await expect(agent.prompt("more")).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
  });

  test("to an interactive shell, be it the agent's own or one it has open", async () => {
    const fleet = await withAgent(["sh"], { "agents.two.command": ["sh", "-c", "sh; sleep 3600"] });
    for (const adapter of ["own", "two"]) {
      const agent = await fleet.createAgent({ branch: adapter, adapter });
      await expect(agent.prompt("touch pwned")).rejects.toMatchObject({
        code: "PROMPT_REFUSED",
        message: expect.stringContaining("shell"),
      });
      expect(world.tmux("capture-pane", "-p", "-t", `=${agent.session}:`)).not.toContain("pwned");
    }
  });

  test("of several lines to a program that takes no bracketed paste; one line is fine there", async () => {
    const got = join(world.root, "got");
    const fleet = await sh(`while IFS= read -r line; do printf '%s\\n' "$line" >> '${got}'; done`);
    const agent = await fleet.createAgent({ branch: "work" });
    await expect(agent.prompt("one\ntwo")).rejects.toMatchObject({ code: "PROMPT_REFUSED", message: expect.stringContaining("paste") });
    await expect(agent.prompt("x".repeat(5000))).rejects.toMatchObject({
      code: "PROMPT_REFUSED",
      message: expect.stringContaining("4095"),
    });
    expect(await agent.prompt("just one;")).toMatchObject({ delivery: "delivered" });
    await settle(
      () => existsSync(got),
      (there) => there,
    );
    expect(readFileSync(got, "utf8")).toBe("just one;\n");
  });

  test("while a question is open, one of several for itself", async () => {
    const fleet = await openFleet(world, repo);
    const asks = await fleet.createAgent({ branch: "asks", prompt: "Go [[ask May I?]]" });
    const free = await fleet.createAgent({ branch: "free" });
    await asks.waitFor("waiting", { timeout: 10_000 });
    await free.waitFor("idle", { timeout: 10_000 });
    expect(await fleet.prompt({ all: true }, "more")).toMatchObject([
      { branch: "asks", delivery: "refused", reason: expect.stringContaining("question") },
      { branch: "free", delivery: "delivered", reason: null, evidence: "read" },
    ]);
    expect((await taken(2)).map(({ text }) => text)).toEqual(["Go [[ask May I?]]", "more"]);
  });
});

describe("a repository and its branches", () => {
  test("without a commit has nothing to start from", async () => {
    const empty = join(world.root, "empty");
    world.git(world.root, "init", "-q", empty);
    const fleet = await openFleet(world, empty);
    await expect(fleet.createAgent({ branch: "work" })).rejects.toMatchObject({ code: "REF_NOT_FOUND", exitCode: 3 });
    expect(world.git(empty, "for-each-ref")).toBe("");
    expect(await fleet.list()).toEqual([]);
  });

  test("checked out elsewhere, or in the way of the new one: refused with the place, nothing made", async () => {
    const fleet = await openFleet(world, repo);
    world.git(repo, "branch", "feat");
    const before = oracle(world, repo);
    await expect(fleet.createAgent({ branch: "main" })).rejects.toMatchObject({
      code: "BRANCH_IN_USE",
      exitCode: 4,
      data: { place: repo },
    });
    await expect(fleet.createAgent({ branch: "feat/x" })).rejects.toMatchObject({ code: "BRANCH_IN_USE", data: { place: "feat" } });
    for (const bad of ["", "-x", "a..b", "a b", "x.lock", "HEAD", "@{-1}", "a\nb"])
      await expect(fleet.createAgent({ branch: bad })).rejects.toMatchObject({ code: "INVALID_BRANCH", exitCode: 2 });
    await expectNothingLeft(fleet, before);
  });

  test("known only to a remote is checked out tracking it; an existing one is used as it is; both are said", async () => {
    const remote = world.repo("origin");
    world.git(remote, "checkout", "-q", "-b", "theirs");
    world.git(remote, "commit", "-q", "--allow-empty", "-m", "theirs");
    const clone = join(world.root, "clone");
    world.git(world.root, "clone", "-q", "-b", "main", remote, clone);
    world.git(clone, "branch", "old");
    const fleet = await openFleet(world, clone);
    const seen: string[] = [];
    const onWarning = ({ code }: Warning) => void seen.push(code);
    const agent = await fleet.createAgent({ branch: "theirs" }, { onWarning });
    expect(world.git(agent.worktree, "rev-parse", "--abbrev-ref", "theirs@{upstream}").trim()).toBe("origin/theirs");
    expect(world.git(agent.worktree, "rev-parse", "HEAD")).toBe(world.git(remote, "rev-parse", "theirs"));
    await fleet.createAgent({ branch: "old" }, { onWarning });
    expect(seen).toEqual(["BRANCH_TRACKED", "BRANCH_USED"]);
    expect(await agent.kill()).toMatchObject({ branchKept: false });
    expect(oracle(world, clone).config).not.toContain('[branch "theirs"]');
  });
});

describe("several calls at the same time", () => {
  test("for one branch: one wins, the others are refused and leave nothing", async () => {
    const fleets = await Promise.all([1, 2, 3, 4].map(() => openFleet(world, repo)));
    const results = await Promise.allSettled(fleets.map((fleet) => fleet.createAgent({ branch: "work", prompt: "x" })));
    const lost = results.flatMap((result) => (result.status === "rejected" ? [result.reason as FleetError] : []));
    expect(lost.map(({ code, exitCode }) => [code, exitCode])).toEqual(Array(3).fill(["AGENT_EXISTS", 4]));
    const there = oracle(world, repo);
    expect([there.branches, there.sessions.length, there.worktrees.length]).toEqual([["main", "work"], 1, 2]);
    expect((await taken(1)).length).toBe(1);
    expect(filesUnder("logs").filter((name) => name.endsWith(".json"))).toHaveLength(1);
    expect(filesUnder("journal")).toEqual([]);
    await settle(
      () => processesOf(world.root).length,
      (count) => count <= 4,
    );
    expect((await fleets[0]?.list())?.length).toBe(1);
  });

  test("eight fan-outs of five: all forty are up, none failed, each prompt taken once", async () => {
    const fleets = await Promise.all(Array.from({ length: 8 }, () => openFleet(world, repo)));
    const batches = await Promise.all(
      fleets.map((fleet, n) => fleet.fanout({ count: 5, prefix: `f${n}`, prompt: `Fan ${n} [[no-commit]]` })),
    );
    expect(batches.flatMap(({ failed }) => failed)).toEqual([]);
    const there = oracle(world, repo);
    expect([there.branches.length, there.worktrees.length, there.sessions.length]).toEqual([41, 41, 40]);
    expect((await fleets[0]?.list())?.length).toBe(40);
    const texts = (await taken(40)).map(({ text }) => text);
    for (let n = 0; n < 8; n++) expect(texts.filter((text) => text === `Fan ${n} [[no-commit]]`)).toHaveLength(5);
    expect(readFileSync(promptLog(world), "utf8").trim().split("\n")).toHaveLength(40);
    expect((await fleets[0]?.kill({ all: true }, { force: true }))?.killed).toHaveLength(40);
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"], sessions: [], agents: 0 });
  }, 60_000);
});
