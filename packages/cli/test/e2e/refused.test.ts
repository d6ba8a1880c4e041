import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { type AsOptions, canaries, type Person, person, personEnv, traces } from "./support/person.js";

/** What must be refused: by the contract's code, in one clear line, and with nothing left behind. */
let world: World;
let repo: string;
let me: Person;

function newWorld(): void {
  world = makeWorld("refused");
  repo = world.repo();
  me = person(world, repo);
}

async function endWorld(): Promise<void> {
  const found = canaries(world);
  await world.dispose();
  expect(found).toEqual([]);
}

interface Refusal extends AsOptions {
  readonly code: string;
  readonly exit: number;
  /** In the message. */
  readonly says?: RegExp;
  /** Lines of the program's own words that stand between message and hint are allowed. */
  readonly wordy?: boolean;
}

/** Commands and codes of refusals that a person was shown, too: how one is printed depends on no more. */
const shown = new Set<string>();

/** The command fails as it should, for programs and, the first of its kind, for people; and leaves the world as it was. */
async function isRefused(args: readonly string[], wanted: Refusal): Promise<void> {
  const before = traces(world, repo);
  const forPrograms = await me.json(args, wanted);
  expect(forPrograms).toMatchObject({ code: wanted.exit, error: { code: wanted.code, data: expect.any(Object) } });
  expect(Object.keys(forPrograms.error)).toEqual(["code", "message", "hint", "data"]);
  const { message, hint } = forPrograms.error;
  isClear([`error: ${message}`, ...(hint === null ? [] : [`hint: ${hint}`])].join("\n"), wanted);
  const kind = `${args[0]} ${wanted.code}`;
  if (!shown.has(kind)) {
    const forPeople = await me.fleet(args, wanted);
    expect(forPeople).toMatchObject({ code: wanted.exit, stdout: "" });
    isClear(forPeople.stderr, wanted);
    shown.add(kind);
  }
  expect(traces(world, repo)).toEqual(before);
}

/** One line that says what is wrong, and what to do; nothing of the program's inside. */
function isClear(text: string, wanted: Refusal): void {
  const lines = text
    .trimEnd()
    .split("\n")
    .filter((line) => !/^\S+: (worktree|setup|session|ready|failed)\b/.test(line));
  expect(lines[0]).toMatch(/^error: \S/);
  expect(lines[0]).toMatch(wanted.says ?? /./);
  for (const line of lines) expect(line.length).toBeLessThan(400);
  if (wanted.wordy !== true) expect(lines.slice(1).every((line) => line.startsWith("hint: "))).toBe(true);
  expect(text).not.toMatch(/\n\s+at |Error:|\u001b/);
}

describe("a branch is refused that", () => {
  beforeAll(() => {
    newWorld();
    world.git(repo, "branch", "feat");
    world.git(repo, "branch", "deep/er");
    world.git(repo, "branch", "there");
    world.git(repo, "branch", "elsewhere");
    world.git(repo, "worktree", "add", "-q", join(world.root, "theirs"), "elsewhere");
  });
  afterAll(endWorld);
  const INVALID = { code: "INVALID_BRANCH", exit: 2 };

  it.each([
    ["is checked out in the main worktree", ["create", "main"], { code: "BRANCH_IN_USE", exit: 4, says: /checked out at .*repo/ }],
    ["is checked out elsewhere", ["create", "elsewhere"], { code: "BRANCH_IN_USE", exit: 4, says: /theirs/ }],
    ["lies in a folder that is a branch", ["create", "feat/x"], { code: "BRANCH_IN_USE", exit: 4, says: /"feat"/ }],
    ["is a folder of branches", ["create", "deep"], { code: "BRANCH_IN_USE", exit: 4, says: /deep\/er/ }],
    ["is named like a flag", ["create", "--", "-x"], INVALID],
    ["is named like a long flag", ["create", "--", "--force"], INVALID],
    ["is empty", ["create", ""], INVALID],
    ["holds a space", ["create", "a b"], { ...INVALID, says: /space/ }],
    ["holds a newline", ["create", "a\nb"], INVALID],
    ["holds an escape", ["create", "a\u001b[31mb"], INVALID],
    ["holds two dots", ["create", "a..b"], INVALID],
    ["ends in .lock", ["create", "a.lock"], INVALID],
    ["is HEAD", ["create", "HEAD"], INVALID],
    ["has a part too long for a file", ["create", "é".repeat(130)], INVALID],
    ["exists, with --from", ["create", "there", "--from", "main"], { code: "BRANCH_EXISTS", exit: 4 }],
    ["starts from nothing known", ["create", "x", "--from", "nowhere"], { code: "REF_NOT_FOUND", exit: 3, says: /nowhere/ }],
    ["starts from a flag", ["create", "x", "--from=--upload-pack=touch canary"], { code: "REF_NOT_FOUND", exit: 3 }],
  ] as const)("%s", (_what, args, wanted) => isRefused(args, wanted));

  it("is one of a batch and exists, is wrong, or stands twice", async () => {
    world.git(repo, "branch", "try-2");
    await isRefused(["fanout", "3", "try", "--prompt", "x"], { code: "BRANCH_EXISTS", exit: 4, says: /try-2/ });
    await isRefused(["fanout", "3", "a b", "--prompt", "x"], { code: "INVALID_BRANCH", exit: 2 });
    await isRefused(["multi", "a:x", "b:y", "a:z"], { code: "USAGE", exit: 2, says: /"?a"? .*twice/ });
    await isRefused(["multi", "a:x", "b..c:y"], { code: "INVALID_BRANCH", exit: 2 });
    await isRefused(["multi", "a:x", "feat/y:y"], { code: "BRANCH_IN_USE", exit: 4 });
    await isRefused(["multi", "new:x", "new/y:y"], { code: "BRANCH_IN_USE", exit: 4, says: /new/ });
    await isRefused(["multi", "a:x", "b: "], { code: "USAGE", exit: 2 });
    await isRefused(["multi", "a:x", "b"], { code: "USAGE", exit: 2 });
    await isRefused(["multi", "a:x", ":y"], { code: "USAGE", exit: 2 });
  });

  it.each([["0"], ["-1"], ["1.5"], ["1e9"], ["abc"], ["1001"], [""], [" 3"], ["0x3"], ["٣"]])("a count of %j", async (count) => {
    await isRefused(["fanout", "--prompt", "x", "--", count], { code: "INVALID_COUNT", exit: 2 });
    if (!count.startsWith("-")) return;
    await isRefused(["fanout", count, "--prompt", "x"], { code: "INVALID_COUNT", exit: 2 });
  });
});

describe("a prompt is refused that", () => {
  beforeAll(newWorld);
  afterAll(endWorld);

  it("is empty, wherever it comes from", async () => {
    const empty = { code: "USAGE", exit: 2, says: /empty/ };
    const file = world.write(join(world.root, "empty.md"), "\n");
    await isRefused(["create", "x", "--prompt", ""], empty);
    await isRefused(["create", "x", "--prompt", " \n\t"], empty);
    await isRefused(["create", "x", "--prompt-file", file], empty);
    await isRefused(["create", "x", "--prompt-file", "-"], { ...empty, input: "" });
    await isRefused(["fanout", "2", "--prompt", ""], empty);
    await isRefused(["multi", "--file", "-"], { ...empty, input: '[[task]]\nbranch = "a"\nprompt = ""\n' });
  });

  it("holds a control character", async () => {
    const refused = { code: "PROMPT_REFUSED", exit: 4, says: /control character/ };
    const file = world.write(join(world.root, "nul.md"), "a\0b\n");
    await isRefused(["create", "x", "--prompt-file", file], refused);
    await isRefused(["create", "x", "--prompt", "a\u001b[201~b"], refused);
    await isRefused(["fanout", "2", "--prompt", "a\u0003b"], refused);
    await isRefused(["multi", "ok:fine", "bad:a\u001bb"], refused);
    expect(await me.json(["create", "up"])).toMatchObject({ code: 0 });
    await isRefused(["prompt", "up", "-"], { ...refused, input: "a\0b" });
    await isRefused(["prompt", "up", "a\u001b[201~b"], refused);
    await isRefused(["prompt", "up", ""], { code: "USAGE", exit: 2 });
    expect(await me.json(["kill", "up"])).toMatchObject({ code: 0 });
  });
});

describe("nothing is left of an agent", () => {
  beforeAll(() => {
    newWorld();
    const sh = (text: string) => `["sh", "-c", ${JSON.stringify(text)}, "sh"]`;
    world.write(
      join(world.fleetHome, "config.toml"),
      [
        "[agents.missing]\ncommand = 'no-such-program-anywhere'",
        `[agents.instant]\ncommand = ${sh("echo no key >&2; exit 3")}`,
        `[agents.soon]\ncommand = ${sh("sleep 0.5; echo bad credentials; exit 4")}`,
        `[agents.killed]\ncommand = ${sh("sleep 0.2; kill -9 $$")}`,
        `[agents.orphaning]\ncommand = ${sh("setsid sleep 300 & sleep 0.2; exit 5")}`,
        "[agents.folder]\ncommand = '/tmp'",
        "[agents.nofile]\ncommand = './not/there'",
      ].join("\n"),
      0o600,
    );
  });
  afterAll(endWorld);
  const DIED = { code: "AGENT_DIED", exit: 1, wordy: true };

  it.each([
    ["that is not installed", "missing", { code: "AGENT_COMMAND_MISSING", exit: 5, says: /no-such-program-anywhere/ }],
    ["that is a folder", "folder", { code: "AGENT_COMMAND_MISSING", exit: 5 }],
    ["that nobody knows", "nobody", { code: "CONFIG_INVALID", exit: 2, says: /"nobody"/ }],
    ["that dies at once", "instant", { ...DIED, says: /exit code 3/ }],
    ["that dies after half a second", "soon", { ...DIED, says: /exit code 4/ }],
    ["that is killed", "killed", { ...DIED, says: /137|SIGKILL|signal/ }],
    ["that dies and leaves a process", "orphaning", { ...DIED, says: /exit code 5/ }],
    ["whose command is not in the worktree", "nofile", DIED],
  ] as const)("%s", (_what, agent, wanted) => isRefused(["create", "work", "--prompt", "x", "--agent", agent], wanted));

  it("in a batch, while the others stay", async () => {
    const made = await me.json(["fanout", "3", "some", "--prompt", "x", "--agent", "demo,soon"]);
    expect(made).toMatchObject({ code: 7, failed: [{ branch: "some-2", error: { code: "AGENT_DIED", data: { exitCode: 4 } } }] });
    expect(traces(world, repo)).toMatchObject({ branches: ["main", "some-1", "some-3"], agents: 2, journal: [] });
    const none = await me.json(["fanout", "2", "none", "--prompt", "x", "--agent", "instant"]);
    expect(none).toMatchObject({ code: 1, agents: [] });
    expect(traces(world, repo).branches).toEqual(["main", "some-1", "some-3"]);
    expect(await me.json(["kill", "some-*", "--force", "--yes", "--delete-branch"])).toMatchObject({ code: 0 });
  });

  it.each([
    ["fails", "echo no network >&2; exit 9", /exit 9/],
    ["fails, leaving files and a process", "touch junk; setsid sleep 300 & sleep 0.1; exit 9", /exit 9/],
    ["hangs", "sleep 300", /longer than 1 s/],
    ["hangs and will not be ended", "trap '' TERM; sleep 300 & wait; sleep 300", /longer than 1 s/],
    ["prints 100 MB", "head -c 100000000 /dev/zero | tr '\\0' 'x'; exit 9", /exit 9/],
    ["is ended by a signal", "kill -9 $$", /SIGKILL/],
  ])("whose setup command %s", async (_what, command, says) => {
    const env = { AIFLEET_SETUP_COMMANDS: JSON.stringify([command]), AIFLEET_SETUP_TIMEOUT: says.source.startsWith("longer") ? "1" : "60" };
    await isRefused(["create", "work", "--prompt", "x"], { code: "SETUP_FAILED", exit: 1, says, wordy: true, env });
  });
});

describe("a place is refused that", () => {
  beforeEach(newWorld);
  afterEach(endWorld);

  it("is no repository, or one without a commit", async () => {
    const empty = join(world.root, "empty");
    world.git(world.root, "init", "-q", empty);
    const nowhere = { code: "NOT_A_REPOSITORY", exit: 3 };
    await isRefused(["create", "x"], { ...nowhere, cwd: world.root });
    await isRefused(["fanout", "2", "--prompt", "x"], { ...nowhere, cwd: world.root });
    await isRefused(["list", "--repo", "/no/such/folder"], nowhere);
    await isRefused(["create", "x"], { code: "REF_NOT_FOUND", exit: 3, says: /no commit yet/, cwd: empty });
    expect(world.git(empty, "worktree", "list").trim().split("\n")).toHaveLength(1);
  });

  /** A user who is not root, or null where there is none to be. */
  const nobody = process.getuid?.() === 0 && spawnSync("setpriv", ["--version"]).status === 0 ? 65_534 : null;

  it.skipIf(process.getuid?.() === 0 && nobody === null)(
    "is a home that cannot be written (root writes anyway: needs setpriv)",
    async () => {
      const shared = mkdtempSync(join(tmpdir(), "fleet-ro-"));
      try {
        const theirs = join(shared, "repo");
        const env = personEnv(world, { HOME: shared, AI_FLEET_HOME: join(shared, "home"), TMPDIR: "/tmp", GIT_CONFIG_GLOBAL: "/dev/null" });
        for (const args of [
          ["init", "-q", "-b", "main", theirs],
          ["-C", theirs, "-c", "user.name=x", "-c", "user.email=x@y.invalid", "commit", "-q", "--allow-empty", "-m", "one"],
        ])
          execFileSync("git", args, { env });
        mkdirSync(join(shared, "home"));
        if (nobody !== null) execFileSync("chown", ["-R", `${nobody}:${nobody}`, shared]);
        chmodSync(join(shared, "home"), 0o500);
        const { GIT_CONFIG_GLOBAL: _, ...plain } = env;
        const own = [process.execPath, BIN, "create", "x", "--json"];
        const [file, ...rest] = nobody === null ? own : ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", ...own];
        const ran = spawnSync(file as string, rest, { cwd: theirs, env: plain, encoding: "utf8" });
        expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: "PERMISSION_DENIED" } });
        expect(ran.status).toBe(1);
        expect(readdirSync(join(shared, "home"))).toEqual([]);
        expect(
          execFileSync("git", ["-C", theirs, "-c", "safe.directory=*", "branch", "--format=%(refname:short)"], { env, encoding: "utf8" }),
        ).toBe("main\n");
      } finally {
        chmodSync(join(shared, "home"), 0o700);
        rmSync(shared, { recursive: true });
      }
    },
  );
});

describe("settings are refused that", () => {
  beforeAll(newWorld);
  afterAll(endWorld);

  it.each([
    ["are broken TOML", "[agent\ndefault = 'demo'\n", /config\.toml/],
    ["have a misspelt key", "[agent]\ndefautl = 'demo'\n", /defautl/],
    ["have a misspelt section", "[agnet]\ndefault = 'demo'\n", /agnet/],
    ["have a wrong type", "[setup]\ntimeout = 'long'\n", /setup\.timeout/],
    ["are not text", "\0\0\0\u0001", /config\.toml/],
  ])("%s", async (_what, text, says) => {
    const file = world.write(join(world.fleetHome, "config.toml"), text, 0o600);
    await isRefused(["create", "x", "--prompt", "y"], { code: "CONFIG_INVALID", exit: 2, says });
    await isRefused(["list"], { code: "CONFIG_INVALID", exit: 2, says });
    expect(readFileSync(file, "utf8")).toBe(text);
    rmSync(file);
  });

  it("have a misspelt key, naming the right one and the line", async () => {
    world.write(join(world.fleetHome, "config.toml"), "\n[agent]\ndefautl = 'demo'\n", 0o600);
    const said = await me.fleet(["list"]);
    expect(said.stderr).toContain("agent.default");
    expect(said.stderr).toMatch(/config\.toml:3|line 3/);
    rmSync(join(world.fleetHome, "config.toml"));
  });
});

describe("the registry", () => {
  beforeEach(newWorld);
  afterEach(endWorld);

  it("that is garbage, empty, cut off or gone is healed: the same agents are listed", async () => {
    expect(await me.json(["multi", "a:one", "b:two"])).toMatchObject({ code: 0 });
    await me.json(["wait", "--all", "--timeout", "20"]);
    const shape = async () => {
      const { code, agents } = await me.json(["list"]);
      return { code, agents: agents.map(({ id, branch, prompt, batch }: Record<string, string>) => ({ id, branch, prompt, batch })) };
    };
    const before = await shape();
    const file = join(world.fleetHome, "state.json");
    for (const damage of ["garbage \0 {", "", "{}", "[]", "null", readFileSync(file, "utf8").slice(0, 150), null]) {
      if (damage === null) rmSync(file);
      else writeFileSync(file, damage);
      expect(await shape(), JSON.stringify(damage)).toEqual(before);
      expect(JSON.parse(readFileSync(file, "utf8")).agents).toHaveLength(2);
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    writeFileSync(file, "garbage");
    expect(await me.json(["create", "c"])).toMatchObject({ code: 0 });
    expect((await shape()).agents).toHaveLength(3);
    writeFileSync(file, "");
    expect(await me.json(["kill", "--all", "--yes", "--force"])).toMatchObject({ code: 0, refused: [] });
    expect(traces(world, repo)).toMatchObject({ worktrees: [repo], agents: 0, sessions: [] });
  });

  it("of a newer fleet is left as it is", async () => {
    const text = '{"version": 9999, "agents": [], "surprise": true}';
    const file = world.write(join(world.fleetHome, "state.json"), text, 0o600);
    await isRefused(["list"], { code: "STATE_UNREADABLE", exit: 1, says: /newer/ });
    await isRefused(["create", "x"], { code: "STATE_UNREADABLE", exit: 1 });
    expect(readFileSync(file, "utf8")).toBe(text);
    rmSync(file);
  });
});

describe("tools", () => {
  beforeEach(newWorld);
  afterEach(endWorld);

  function real(tool: string): string {
    return execFileSync("/bin/sh", ["-c", 'command -v "$1"', "sh", tool], { encoding: "utf8", env: world.env }).trim();
  }

  /** A PATH on which one tool stands first that says it is of this version, and is the real one otherwise. */
  function pathWithOld(tool: string, version: string): string {
    const bin = join(world.root, `old-${tool}`);
    const script = `#!/bin/sh\ncase "$1" in --version|-V) echo '${version}'; exit 0 ;; esac\nexec '${real(tool)}' "$@"\n`;
    world.write(join(bin, tool), script, 0o755);
    return `${bin}:${world.env.PATH}`;
  }

  function pathWithout(tool: string): string {
    const bin = join(world.root, `no-${tool}`);
    mkdirSync(bin);
    for (const name of ["git", "tmux", "sh", "cat", "rm", "stty", "find", "du"])
      if (name !== tool) symlinkSync(real(name), join(bin, name));
    return bin;
  }

  it.each([
    ["git", "git version 2.25.1", "2.25.1", "2.36"],
    ["git", "git version 2.35.9 (Apple Git-137)", "2.35.9", "2.36"],
    ["tmux", "tmux 2.9a", "2.9a", "3.2"],
  ])("%s that says %j is refused", async (tool, version, found, needed) => {
    const env = { PATH: pathWithOld(tool, version) };
    const wanted = { code: "TOOL_OLD", exit: 5, says: new RegExp(`${found}.*${needed.replace(".", "\\.")}`), env };
    await isRefused(["create", "x", "--prompt", "y"], wanted);
    await isRefused(["list"], wanted);
    const report = await me.json(["doctor"], { env });
    expect(report).toMatchObject({ code: 1, healthy: false });
    const finding = report.findings.find(({ check }: { check: string }) => check === tool);
    expect(finding).toMatchObject({ state: "problem", message: expect.stringMatching(wanted.says) });
  });

  it.each([["git"], ["tmux"]])("%s that is missing is said to be", async (tool) => {
    const env = { PATH: pathWithout(tool) };
    const wanted = { code: "TOOL_MISSING", exit: 5, says: new RegExp(`^error: ${tool} is not installed`), env };
    await isRefused(["create", "x", "--prompt", "y"], wanted);
    await isRefused(["list"], wanted);
    expect(await me.json(["doctor"], { env })).toMatchObject({ code: 1, healthy: false });
  });

  it("that were found to be new enough are not asked again, until they change", async () => {
    const said = (name: string) => join(world.root, `${name}.calls`);
    const bin = join(world.root, "bin");
    for (const tool of ["git", "tmux"])
      world.write(join(bin, tool), `#!/bin/sh\necho "$*" >> '${said(tool)}'\nexec '${real(tool)}' "$@"\n`, 0o755);
    const env = { PATH: `${bin}:${world.env.PATH}` };
    const asked = async (...args: string[]): Promise<number> => {
      for (const tool of ["git", "tmux"]) writeFileSync(said(tool), "");
      expect(await me.json(args, { env })).toMatchObject({ code: 0 });
      const calls = ["git", "tmux"].flatMap((tool) => readFileSync(said(tool), "utf8").split("\n"));
      return calls.filter((call) => call === "--version" || call === "-V").length;
    };
    expect(await asked("create", "x")).toBe(2);
    expect(await asked("list")).toBe(0);
    expect(await asked("create", "y")).toBe(0);
    chmodSync(join(bin, "tmux"), 0o755);
    writeFileSync(join(bin, "tmux"), `#!/bin/sh\ncase "$1" in -V) echo 'tmux 3.1c'; exit ;; esac\nexec '${real("tmux")}' "$@"\n`);
    await isRefused(["create", "z"], { code: "TOOL_OLD", exit: 5, says: /3\.1c/, env });
    expect(await me.json(["kill", "--all", "--yes"])).toMatchObject({ code: 0 });
    expect(existsSync(join(world.fleetHome, "run/tools.json"))).toBe(true);
  });
});
