import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { demoAdapter } from "../../src/agents/demo/demo.js";
import { makeWorld, processesOf, settle, type World } from "../support/world.js";
import { demoProgram } from "./support/demo-program.js";
import { evidenceOf } from "./support/evidence.js";
import { openTerminal, type Terminal } from "./support/terminal.js";

interface Taken {
  readonly bytes: number;
  readonly sha256: string;
  readonly via: string;
  readonly text?: string;
}

let world: World;
let repo: string;
let log: string;
let program: string;
let serial = 0;

beforeAll(() => {
  program = demoProgram();
});
beforeAll(() => {
  world = makeWorld("demo");
});
beforeEach(() => {
  repo = world.repo(`repo${++serial}`);
  log = join(world.root, `prompts${serial}.jsonl`);
});
afterAll(() => world.dispose());

const idle = (lines: string[]) =>
  /^›$/.test(lines.filter((line) => line !== "").at(-1) ?? "") && !lines.some((line) => line.startsWith("✻"));
const open = (args: readonly string[] = [], env: Record<string, string> = {}): Terminal =>
  openTerminal(world, [process.execPath, program, ...args], repo, { DEMO_AGENT_LOG: log, DEMO_AGENT_SPEED: "0", ...env });
const taken = (): Taken[] => {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Taken);
};
const takenSoon = (count: number) => settle(taken, (list) => list.length >= count);
const commits = () => world.git(repo, "log", "--format=%s").trim().split("\n");
const hash = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

describe("the scripted agent at a terminal", () => {
  it("shows branch and folder, works on its first prompt, commits and waits for the next", async () => {
    const terminal = open(["--", "Write a note"]);
    const lines = await terminal.see((seen) => idle(seen) && seen.some((line) => line.startsWith("✓ Worked for")), "an idle agent");
    expect(lines.join("\n")).toContain("branch main");
    expect(lines.join("\n")).toContain(`folder ${repo}`);
    expect(taken()).toMatchObject([{ text: "Write a note", via: "argument", bytes: 12, sha256: hash("Write a note") }]);
    expect(commits()).toEqual(["demo: Write a note", "first"]);
    expect(world.git(repo, "status", "--porcelain")).toBe("");
  });

  it("commits without any git identity, and goes on where a hook refuses", async () => {
    world.write(join(repo, ".git/hooks/pre-commit"), "#!/bin/sh\necho no commits today >&2\nexit 1\n", 0o755);
    const terminal = open(["Note"], { HOME: join(world.root, "nobody") });
    const lines = await terminal.see((seen) => idle(seen) && seen.some((line) => line.startsWith("✓")), "the end of the turn");
    expect(lines.join("\n")).toContain("Could not commit: no commits today");
    expect(commits()).toEqual(["first"]);
  });

  it("takes a paste of several lines as one prompt, and only with Enter", async () => {
    const terminal = open();
    await terminal.see(idle, "the prompt line");
    terminal.paste("one\ntwo\r\nthree; $(x) `y` ä 漢\n");
    await terminal.see((lines) => lines.some((line) => line.startsWith("› one⏎two")), "the pasted text");
    expect(taken()).toEqual([]);
    terminal.press("Enter");
    await terminal.see((lines) => lines.some((line) => line.startsWith("✓")), "the end of the turn");
    expect(taken().map((prompt) => prompt.text)).toEqual(["one\ntwo\r\nthree; $(x) `y` ä 漢\n"]);
  });

  it("takes a megabyte byte for byte, once", async () => {
    const terminal = open();
    await terminal.see(idle, "the prompt line");
    const text = randomBytes(786_432).toString("base64").replaceAll("+", "\n");
    terminal.paste(text);
    await terminal.see((lines) => lines.some((line) => line === `› [Pasted text, ${text.length} bytes]`), "the collapsed paste");
    terminal.press("Enter");
    const [prompt, ...more] = await takenSoon(1);
    expect(prompt).toMatchObject({ bytes: text.length, sha256: hash(text) });
    expect(prompt?.text).toBeUndefined();
    await terminal.see(idle, "an idle agent");
    terminal.press("Enter");
    terminal.press("Enter");
    expect([...more, ...taken().slice(1)]).toEqual([]);
  });

  it("echoes typing, takes back letters, empties the line on Esc", async () => {
    const terminal = open();
    await terminal.see(idle, "the prompt line");
    terminal.type("helläx");
    terminal.press("BSpace");
    await terminal.see((lines) => lines.includes("› hellä"), "the typed text");
    terminal.press("Escape");
    await terminal.see(idle, "an empty line");
    terminal.type("a");
    terminal.press("Enter");
    expect((await takenSoon(1)).map((prompt) => prompt.text)).toEqual(["a"]);
  });

  it("shows that it works, queues a second prompt, stops a turn on Esc", async () => {
    const terminal = open(["first [[work 60s]]"]);
    await terminal.see((lines) => lines.some((line) => /^✻ Working… \(\d+s · esc to interrupt\)$/.test(line)), "the spinner");
    terminal.type("second");
    terminal.press("Enter");
    await terminal.see((lines) => lines.some((line) => line.endsWith("· 1 queued")), "the queue");
    terminal.press("Escape");
    const lines = await terminal.see((seen) => idle(seen) && seen.some((line) => line.startsWith("✓")), "the end of the second turn");
    expect(lines).toContain("■ Interrupted.");
    expect(commits()).toEqual(["demo: second", "first"]);
  });

  it.each([
    ["1", "✓ Worked"],
    ["Enter", "✓ Worked"],
    ["2", "● Declined: Permission to run tests?"],
    ["Escape", "● Declined: Permission to run tests?"],
  ])("asks for permission and takes %s for an answer", async (key, outcome) => {
    const terminal = open(["go [[ask Permission to run tests?]]"]);
    const lines = await terminal.see((seen) => seen.includes(" ❯ 1. Yes"), "the dialog");
    expect(lines).toContain(" Permission to run tests?");
    expect(commits()).toEqual(["first"]);
    terminal.press(key);
    await terminal.see((seen) => idle(seen) && seen.some((line) => line.startsWith(outcome)), outcome);
    expect(taken()).toHaveLength(1);
  });

  it("loses a paste into its dialog, and lets Enter answer: what a fleet must never do", async () => {
    const terminal = open(["go [[ask May I?]]"]);
    await terminal.see((seen) => seen.includes(" ❯ 1. Yes"), "the dialog");
    terminal.paste("a prompt");
    terminal.press("Down");
    await terminal.see((seen) => seen.includes(" ❯ 2. No"), "the other choice");
    terminal.press("Enter");
    await terminal.see((seen) => idle(seen) && seen.includes("● Declined: May I?"), "the end of the turn");
    expect(taken()).toHaveLength(1);
  });

  it.each([
    ["[[fail 3]]", 3],
    ["[[fail]]", 1],
    ["[[exit]]", 0],
  ])("ends as %s tells it, with the terminal restored", async (directive, code) => {
    const terminal = openTerminal(
      world,
      [
        "sh",
        "-c",
        'before=$(stty -g); "$@"; code=$?; [ "$before" = "$(stty -g)" ] || exit 99; exit $code',
        "sh",
        process.execPath,
        program,
        "--",
        directive,
      ],
      repo,
      { DEMO_AGENT_SPEED: "0" },
    );
    expect(await terminal.ended()).toBe(code);
  });

  it("exits 130 on two Ctrl+C, not on one", async () => {
    const terminal = open();
    await terminal.see(idle, "the prompt line");
    terminal.press("C-c");
    await terminal.see((lines) => lines.includes("Press Ctrl+C again to exit."), "the hint");
    terminal.press("C-c");
    expect(await terminal.ended()).toBe(130);
  });

  it("exits 143 on SIGTERM", async () => {
    const terminal = open();
    await terminal.see(idle, "the prompt line");
    process.kill(terminal.pid(), "SIGTERM");
    expect(await terminal.ended()).toBe(143);
  });

  it("survives being resized while it works and while a long line is typed", async () => {
    const terminal = open(["[[work 60s]] go"]);
    await terminal.see((lines) => lines.some((line) => line.startsWith("✻")), "the spinner");
    terminal.type("x".repeat(150));
    await terminal.see((lines) => lines.some((line) => line.startsWith("› …xxx")), "the cut line");
    for (const columns of [40, 24, 120]) {
      terminal.resize(columns, 20);
      const lines = await terminal.see(
        (seen) => seen.some((line) => line.startsWith("› …x") && line.length === columns - 1),
        `a line cut to ${columns} columns`,
      );
      expect(lines.filter((line) => line.startsWith("✻"))).toHaveLength(1);
    }
  });

  it("is read as working, waiting and idle by its adapter, however narrow the terminal is", async () => {
    const terminal = open(["say [[say ✻ Working… (3s · esc to interrupt)]] [[work 300ms]] [[ask May I run the tests in here?]]"]);
    const { read } = demoAdapter();
    const status = (lines: readonly string[]) => read(evidenceOf(lines))?.status;
    await terminal.see((lines) => status(lines) === "working", "work");
    const lines = await terminal.see((seen) => status(seen) === "waiting", "a question");
    expect(read(evidenceOf(lines))?.question).toBe("May I run the tests in here?");
    terminal.resize(24, 20);
    await terminal.see((seen) => status(seen) === "waiting" && seen.some((line) => line.includes("…")), "the question, cut");
    terminal.press("1");
    await terminal.see((seen) => status(seen) === "idle", "quiet");
  });

  it("leaves what [[dirty]] and [[no-commit]] say", async () => {
    const dirty = open(["Fix it [[dirty]]"]);
    await dirty.see((lines) => lines.some((line) => line.startsWith("✓")), "the end of the turn");
    expect(world.git(repo, "status", "--porcelain", "-uall")).toBe(" M demo/fix-it.md\n?? demo/fix-it-draft.md\n");
    const open2 = open(["Other [[no-commit]]"]);
    await open2.see((lines) => lines.some((line) => line.startsWith("✓")), "the end of the turn");
    expect(world.git(repo, "status", "--porcelain", "-uall")).toContain("?? demo/other.md");
  });

  it("starts a process that outlives hang-up and SIGTERM with [[spawn]]", async () => {
    const terminal = open(["[[spawn]] go"]);
    const lines = await terminal.see((seen) => idle(seen) && seen.some((line) => line.startsWith("● Started process")), "the pid");
    const pid = Number(/process (\d+)/.exec(lines.join("\n"))?.[1]);
    // The signals are ignored from the moment the shell has replaced itself.
    await settle(
      () => readFileSync(`/proc/${pid}/cmdline`, "utf8"),
      (text) => text.startsWith("sleep"),
    );
    expect(processesOf(world.root)).toContain(pid);
    process.kill(pid, "SIGTERM");
    process.kill(pid, "SIGHUP");
    process.kill(terminal.pid(), "SIGTERM");
    await terminal.ended();
    const ignored = BigInt(`0x${/SigIgn:\s*(\w+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]}`);
    expect([1n, 15n].map((signal) => (ignored >> (signal - 1n)) & 1n)).toEqual([1n, 1n]);
    process.kill(pid, "SIGKILL");
  });

  it("prints nothing while it is idle", async () => {
    const terminal = open();
    await terminal.see(idle, "the prompt line");
    const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${terminal.pid()}/io`, "utf8"))?.[1]);
    const before = written();
    const changed = await settle(written, (now) => now !== before, 700);
    expect(changed).toBe(before);
  });

  it("says so when it resumes, and keeps nothing on the screen under [[slow-start]]", async () => {
    const resumed = open(["--resume"]);
    expect(await resumed.see(idle, "the prompt line")).toContain("Resumed.");
    const slow = open(["[[slow-start 300ms]] go"]);
    const early = await settle(
      () => slow.screen().join("").trim(),
      (text) => text !== "",
      150,
    );
    expect(early).toBe("");
    await slow.see((lines) => lines.some((line) => line.startsWith("✓")), "the end of the turn");
  });
});

describe("the scripted agent without a terminal", () => {
  const run = (args: readonly string[], input = "") =>
    spawnSync(process.execPath, [program, ...args], {
      cwd: repo,
      input,
      encoding: "utf8",
      env: { ...world.env, DEMO_AGENT_LOG: log, DEMO_AGENT_SPEED: "0" },
    });

  it("works on one prompt from its argument or its input, and exits", () => {
    expect(run(["--", "--flag looking"]).status).toBe(0);
    expect(run([], "from stdin\n").status).toBe(0);
    expect(taken().map((prompt) => [prompt.via, prompt.text])).toEqual([
      ["argument", "--flag looking"],
      ["stdin", "from stdin\n"],
    ]);
    expect(commits()).toEqual(["demo: from stdin", "demo: --flag looking", "first"]);
  });

  it("refuses options it does not know, as real programs do", () => {
    const result = run(["--flag"]);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain("unknown option --flag");
    expect(taken()).toEqual([]);
  });

  it("works outside a repository and takes what only looks like a directive for text", () => {
    const folder = join(world.root, "plain");
    execFileSync("mkdir", [folder]);
    writeFileSync(join(folder, "demo"), "a file where the notes would go");
    const result = spawnSync(process.execPath, [program, "if [[ -f x ]]; [[fail x]] [[unknown]]"], {
      cwd: folder,
      encoding: "utf8",
      env: { ...world.env, DEMO_AGENT_SPEED: "0" },
    });
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("Could not write");
  });
});
