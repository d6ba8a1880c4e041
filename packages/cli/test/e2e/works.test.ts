import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { canaries, hashesTaken, type Person, person, sha256, traces } from "./support/person.js";

/** What must work, however odd. The canary: no file is ever made by a command that stands in a name or a prompt. */
let world: World;
let repo: string;
let me: Person;

function newWorld(label: string): void {
  world = makeWorld(label);
  repo = world.repo();
  me = person(world, repo);
}

async function endWorld(): Promise<void> {
  const found = canaries(world);
  await world.dispose();
  expect(found).toEqual([]);
}

const create = (branch: string, ...rest: string[]) => me.json(["create", branch, ...rest]);

describe("branches", () => {
  beforeAll(() => newWorld("branches"));
  afterAll(endWorld);

  const NAMES: readonly (readonly [string, string])[] = [
    ["with ;", "a;touch$IFS$9canary-1"],
    ["with quotes", `it's-"quoted"`],
    ["with a format of tmux", "x#(touch$IFS$HOME/canary-2)"],
    ["with a variable of tmux", "#{pane_id},#S,#,x"],
    ["with $()", "$(touch$IFS$9canary-3)"],
    ["with backticks", "`touch$IFS$9canary-4`"],
    ["with an ampersand, a pipe and an arrow", "a&b|c>canary-5"],
    ["with emoji", "feature-🚀-日本"],
    ["of 200 characters", "l".repeat(200)],
    ["of 200 emoji", Array.from({ length: 4 }, () => "🚀".repeat(50)).join("/")],
    ["in a folder", "feat/x"],
    ["like one in a folder", "feat-x"],
    ["in lower case", "a"],
    ["in upper case", "A"],
    ["with a percent sign and a comma", "50%,done"],
    ["with a leading number and dots", "1.2.x"],
  ];

  it("of every kind are made side by side, listed, read and killed by their names", async () => {
    const before = traces(world, repo);
    const tasks = NAMES.map(([, branch]) => ({ branch, prompt: `on ${branch}` }));
    const made = await me.json(["multi", "--file", "-"], { input: JSON.stringify(tasks) });
    expect(made).toMatchObject({ code: 0, failed: [] });
    expect(made.agents.map(({ branch }: { branch: string }) => branch)).toEqual(NAMES.map(([, branch]) => branch));
    const places = made.agents.map(({ worktree }: { worktree: string }) => worktree.toLowerCase());
    expect(new Set(places).size).toBe(NAMES.length);
    for (const { branch, worktree, session } of made.agents) {
      expect(world.git(worktree, "symbolic-ref", "HEAD").trim()).toBe(`refs/heads/${branch}`);
      expect(session).toMatch(/^ai_[A-Za-z0-9_-]+$/);
    }
    const names = NAMES.map(([, branch]) => branch);
    expect(await me.json(["wait", ...names, "--timeout", "20"])).toMatchObject({ code: 0 });
    expect(new Set(promptsTaken(world).map(({ text }) => text))).toEqual(new Set(tasks.map(({ prompt }) => prompt)));
    const killed = await me.json(["kill", ...names, "--force", "--yes", "--delete-branch"]);
    expect(killed).toMatchObject({ code: 0, refused: [] });
    expect(killed.killed).toHaveLength(NAMES.length);
    const left = traces(world, repo);
    expect({ ...left, logs: [], refs: [] }).toEqual({ ...before, logs: [], refs: [] });
    // What only their branches held can be had back.
    expect(left.refs.filter((ref) => !ref.startsWith("refs/fleet/trash/"))).toEqual(["refs/heads/main"]);
  });

  it.each(NAMES.slice(0, 6))("%s name one agent on the command line", async (_what, branch) => {
    const made = await create(branch);
    expect(made).toMatchObject({ code: 0, agent: { branch, createdBranch: true }, warnings: [] });
    expect((await me.fleet(["path", branch])).stdout).toBe(`${made.agent.worktree}\n`);
    if (branch.includes("#(")) expect(await me.json(["logs", branch])).toMatchObject({ code: 0, branch });
    expect(await me.json(["kill", branch])).toMatchObject({ code: 0, killed: [{ branch, branchKept: false }] });
  });

  it("that exist are used as they are, and this is said", async () => {
    world.git(repo, "branch", "old");
    const made = await create("old", "--prompt", "go");
    expect(made).toMatchObject({ code: 0, agent: { createdBranch: false }, warnings: [{ code: "BRANCH_USED" }] });
    const said = await me.fleet(["kill", "old", "--force", "--yes"]);
    expect(said.code).toBe(0);
    expect(world.git(repo, "branch", "--list", "old").trim()).toBe("old");
    expect((await me.fleet(["create", "old"])).stderr).toMatch(/^warning: .*old exists and is used/);
    await me.fleet(["kill", "old", "--yes"]);
  });

  it("that exist only on a remote are tracked, and this is said", async () => {
    const remote = join(world.root, "remote.git");
    world.git(world.root, "clone", "-q", "--bare", repo, remote);
    world.git(remote, "branch", "theirs", "main");
    world.git(repo, "remote", "add", "origin", remote);
    world.git(repo, "fetch", "-q", "origin");
    const made = await create("theirs");
    expect(made).toMatchObject({ code: 0, warnings: [{ code: "BRANCH_TRACKED" }] });
    expect(world.git(made.agent.worktree, "rev-parse", "--abbrev-ref", "theirs@{upstream}").trim()).toBe("origin/theirs");
    expect(await me.json(["kill", "theirs"])).toMatchObject({ code: 0 });
    expect(traces(world, repo).branches).not.toContain("theirs");
    expect(readFileSync(join(repo, ".git/config"), "utf8")).not.toContain("theirs");
  });
});

describe("prompts", () => {
  beforeAll(async () => {
    newWorld("prompts");
    expect(await create("p")).toMatchObject({ code: 0 });
    expect(await me.json(["wait", "p", "--timeout", "20"])).toMatchObject({ code: 0 });
  });
  afterAll(endWorld);

  const big = (mark: string) => `${mark} ${"0123456789abcde\n".repeat(65_536)}end`;
  const cases: readonly (readonly [string, string])[] = [
    ["with quotes", `it's "quoted" \\ and \\n`],
    ["with $() and backticks", "$(touch canary-6) `touch canary-7` $IFS"],
    ["with a command of tmux", "x ; run-shell 'touch canary-8' ; #(touch canary-9)"],
    ["with newlines and tabs", "one\n\ttwo\n\n\nthree"],
    ["with emoji", "🚀 日本 é é \u200d 👩‍👩‍👧"],
    ["ending in ;", "do it;"],
    ["ending in a backslash", "do it\\"],
    ["beginning with a dash", "-x --force"],
    ["beginning with two dashes", "--help"],
    ["that is a number", "1"],
    ["beginning with a bang", "!touch canary-10"],
    ["with blanks around", "  blanks  "],
    ["of 200 KB in one line", "y".repeat(200_000)],
  ];

  /** As it is typed; one argument cannot be longer than 128 KB, then stdin is the way. */
  const typed = (text: string): readonly [words: readonly string[], input: string] =>
    text.length > 100_000 ? [["-"], text] : [text.startsWith("-") ? ["--", text] : [text], ""];

  async function taken(before: number): Promise<string[]> {
    await settle(
      () => hashesTaken(world).length,
      (count) => count > before,
    );
    await me.json(["wait", "--all", "--timeout", "20"]);
    return hashesTaken(world).slice(before);
  }

  it.each(cases)("%s reach an agent that is up byte for byte, once", async (_what, text) => {
    const before = hashesTaken(world).length;
    const [words, input] = typed(text);
    const said = await me.json(["prompt", "p", ...words], { input });
    expect(said).toMatchObject({ code: 0, results: [{ branch: "p", delivery: "delivered", reason: null }] });
    expect(await taken(before)).toEqual([sha256(text)]);
  });

  it("of every kind reach agents at their start byte for byte", async () => {
    const before = hashesTaken(world).length;
    const tasks = cases.map(([, prompt], at) => ({ branch: `first-${at}`, prompt }));
    expect(await me.json(["multi", "--file", "-"], { input: JSON.stringify(tasks) })).toMatchObject({ code: 0, failed: [] });
    expect(await me.json(["create", "typed", "--prompt", `it's "x"; $(touch canary-14)`])).toMatchObject({ code: 0 });
    expect(await me.json(["create", "dashed", "--prompt", "-x at the start"])).toMatchObject({ code: 0 });
    expect(await me.json(["multi", "colon:a: b; 'c'"])).toMatchObject({ code: 0 });
    expect(await me.json(["wait", "--all", "--timeout", "20"])).toMatchObject({ code: 0 });
    const texts = [...cases.map(([, text]) => text), `it's "x"; $(touch canary-14)`, "-x at the start", "a: b; 'c'"];
    expect(hashesTaken(world).slice(before).sort()).toEqual(texts.map(sha256).sort());
    const others = ["first-*", "typed", "dashed", "colon"];
    expect(await me.json(["kill", ...others, "--force", "--yes", "--delete-branch"])).toMatchObject({ code: 0 });
  });

  it("of 1 MB come from a file and from stdin", async () => {
    const [one, two, three] = ["one", "two", "three"].map(big) as [string, string, string];
    const file = world.write(join(world.root, "task.md"), `${one}\n`);
    expect(await me.json(["create", "big", "--prompt-file", file])).toMatchObject({ code: 0, agent: { prompt: one } });
    expect(await me.json(["create", "big-2", "--prompt-file", "-"], { input: two })).toMatchObject({ code: 0 });
    expect(await me.json(["wait", "big", "big-2", "--timeout", "20"])).toMatchObject({ code: 0 });
    expect(await me.json(["prompt", "big", "-"], { input: three })).toMatchObject({ code: 0, results: [{ delivery: "delivered" }] });
    await settle(
      () => hashesTaken(world),
      (all) => all.includes(sha256(three)),
    );
    expect(hashesTaken(world).slice(-3)).toEqual([one, two, three].map(sha256));
    expect(await me.json(["kill", "big*", "--force", "--yes", "--delete-branch"])).toMatchObject({ code: 0 });
  });
});

describe("repositories", () => {
  beforeEach(() => {
    world = makeWorld("places");
  });
  afterEach(endWorld);

  /** The life of an agent, from a folder; `whole`: with all that can be done to it, where its home is odd. */
  async function live(cwd: string, { env = {}, whole = true }: { env?: Record<string, string>; whole?: boolean } = {}): Promise<void> {
    me = person(world, cwd);
    const made = await me.json(["create", "work", "--prompt", "go"], { env });
    expect(made).toMatchObject({ code: 0, agent: { branch: "work" } });
    expect(await me.json(["wait", "work", "--timeout", "20"], { env })).toMatchObject({ code: 0, agents: [{ status: "idle" }] });
    if (whole) {
      expect(await me.json(["prompt", "work", "more"], { env })).toMatchObject({ code: 0 });
      expect((await me.json(["list"], { env })).agents).toHaveLength(1);
      expect(await me.json(["stop", "work"], { env })).toMatchObject({ code: 0, agent: { status: "stopped" } });
      expect(await me.json(["resume", "work"], { env })).toMatchObject({ code: 0 });
    }
    expect(await me.json(["kill", "work", "--force", "--yes", "--delete-branch"], { env })).toMatchObject({ code: 0 });
    expect(existsSync(made.agent.worktree)).toBe(false);
    expect(world.git(cwd, "worktree", "list").trim().split("\n")).toHaveLength(1);
  }

  const HOSTILE = "a b'c\"d#{pane_id}#(touch canary-11)$(touch canary-12)%H`touch canary-13`é日🚀\\;";

  it("with a detached HEAD", async () => {
    repo = world.repo();
    world.git(repo, "checkout", "-q", "--detach");
    await live(repo, { whole: false });
  });

  it("whose path is hostile, under a home whose path is, too", async () => {
    repo = world.repo(HOSTILE);
    await live(repo, { env: { AI_FLEET_HOME: join(world.root, `home ${HOSTILE}`) } });
  });

  it("under a home whose path is too long for a socket", async () => {
    repo = world.repo();
    const long = join(world.root, "h".repeat(60), "i".repeat(60));
    await live(repo, { env: { AI_FLEET_HOME: long } });
    const report = await me.json(["doctor"], { env: { AI_FLEET_HOME: long } });
    const socket = report.findings.find(({ check }: { check: string }) => check === "socket").message.replace(/^.* on /, "");
    expect(Buffer.byteLength(socket)).toBeLessThan(100);
    expect(existsSync(join(long, "tmux.sock"))).toBe(false);
  });

  it("that are bare, with worktrees", async () => {
    const bare = join(world.root, "bare.git");
    world.git(world.root, "clone", "-q", "--bare", world.repo("source"), bare);
    await live(bare);
    const linked = join(world.root, "linked");
    world.git(bare, "worktree", "add", "-q", linked, "-b", "linked");
    me = person(world, linked);
    expect(await me.json(["create", "from-linked", "--prompt", "go"])).toMatchObject({ code: 0, agent: { repo: bare } });
    expect((await person(world, bare).json(["list"])).agents).toHaveLength(1);
    expect(await me.json(["kill", "from-linked", "--force", "--yes"])).toMatchObject({ code: 0 });
  });

  it("with submodules", async () => {
    repo = world.repo();
    world.git(repo, "submodule", "add", "-q", world.repo("library"), "lib");
    world.git(repo, "commit", "-q", "-m", "a submodule");
    await live(repo, { whole: false });
  });

  it("with the same name stay apart", async () => {
    const [one, two] = [world.repo("x/app"), world.repo("y/app")];
    const [first, second] = [person(world, one), person(world, two)];
    expect(await first.json(["create", "work", "--prompt", "one"])).toMatchObject({ code: 0 });
    expect(await second.json(["create", "work", "--prompt", "two"])).toMatchObject({ code: 0 });
    expect((await first.json(["list"])).agents.map(({ prompt }: { prompt: string }) => prompt)).toEqual(["one"]);
    expect((await first.json(["list", "--all-repos"])).agents).toHaveLength(2);
    expect((await first.json(["list"], { cwd: world.root })).agents).toHaveLength(2);
    await first.json(["wait", "work", "--timeout", "20"]);
    expect(await first.json(["kill", "work", "--force", "--yes"])).toMatchObject({ code: 0 });
    expect((await second.json(["list"])).agents.map(({ prompt }: { prompt: string }) => prompt)).toEqual(["two"]);
    expect(world.sessions()).toHaveLength(1);
  });

  it("from inside an agent's own worktree, and a folder of it", async () => {
    repo = world.repo("repo", { "src/a.txt": "a\n" });
    me = person(world, repo);
    const { agent } = await me.json(["create", "one"]);
    const inside = { cwd: join(agent.worktree, "src") };
    expect(await me.json(["create", "two"], inside)).toMatchObject({ code: 0, agent: { repo } });
    expect((await me.json(["list"], inside)).agents.map(({ branch }: { branch: string }) => branch)).toEqual(["one", "two"]);
    expect((await me.fleet(["path", "one"], inside)).stdout).toBe(`${agent.worktree}\n`);
    expect(await me.json(["kill", "--all", "--yes"], inside)).toMatchObject({ code: 0, refused: [] });
  });

  it("from a hook of git's, with its variables set", async () => {
    repo = world.repo();
    const other = world.repo("other");
    const report = join(world.root, "report.json");
    world.write(
      join(repo, ".git/hooks/post-commit"),
      `#!/bin/sh\nenv | grep ^GIT_ > '${world.root}/variables'\nexec '${process.execPath}' '${BIN}' create "after-commit" --json --repo '${other}' > '${report}' 2>&1 </dev/null\n`,
      0o755,
    );
    world.write(join(repo, "b.txt"), "b\n");
    const env = { ...world.env, AIFLEET_AGENT_DEFAULT: "demo", DEMO_AGENT_SPEED: "0" };
    execFileSync("git", ["add", "-A"], { cwd: repo, env });
    execFileSync("git", ["commit", "-q", "-m", "second"], { cwd: repo, env, stdio: "ignore" });
    expect(readFileSync(join(world.root, "variables"), "utf8")).toMatch(/GIT_(DIR|INDEX_FILE)=/);
    expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({ agent: { repo: other, branch: "after-commit" } });
    expect(traces(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"] });
    me = person(world, repo);
    const lying = { GIT_DIR: join(repo, ".git"), GIT_INDEX_FILE: join(repo, ".git/index"), GIT_WORK_TREE: repo };
    expect(await me.json(["list"], { cwd: other, env: lying })).toMatchObject({ agents: [{ branch: "after-commit", repo: other }] });
    expect(await me.json(["kill", "after-commit"], { cwd: other, env: lying })).toMatchObject({ code: 0 });
    expect(world.git(repo, "status", "--porcelain")).toBe("");
  });
});

describe("surroundings", () => {
  beforeEach(() => newWorld("around"));
  afterEach(endWorld);

  async function works(env: Record<string, string | undefined> = {}): Promise<void> {
    expect(await me.json(["create", "work", "--prompt", "grüße 🚀"], { env })).toMatchObject({ code: 0 });
    const said = await me.json(["prompt", "work", "mehr 日本"], { env });
    expect(said).toMatchObject({ code: 0, results: [{ delivery: "delivered" }] });
    await settle(
      () => promptsTaken(world),
      (prompts) => prompts.length === 2,
    );
    expect(promptsTaken(world).map(({ text }) => text)).toEqual(["grüße 🚀", "mehr 日本"]);
    const { lines } = await me.json(["logs", "work", "-n", "50"], { env });
    expect(lines.join("\n")).toContain("grüße 🚀");
    expect(await me.json(["kill", "work", "--force", "--yes"], { env })).toMatchObject({ code: 0 });
  }

  /** A PATH with these programs and no others. */
  function onlyTools(...names: string[]): string {
    const bin = join(world.root, "bin");
    mkdirSync(bin, { recursive: true });
    for (const name of names) {
      const real = execFileSync("/bin/sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8", env: world.env }).trim();
      symlinkSync(real, join(bin, name));
    }
    return bin;
  }

  // What shell, locale and terminal do to a command has nothing to do with each other: each value stands in one of three.
  it.each([
    ["SHELL=/bin/false, LC_ALL=C, TERM=dumb", { SHELL: "/bin/false", LANG: undefined, LC_ALL: "C", TERM: "dumb" }],
    ["no SHELL, no LANG, no TERM", { SHELL: undefined, LANG: undefined, TERM: undefined }],
    [
      "a shell, a locale and a terminal type that are not there",
      { SHELL: "/no/such/fish", LANG: "xx_YY.ISO-8859-1", TERM: "no-such-terminal" },
    ],
  ] as const)("%s", (_what, env) => works(env));

  it("no bash, and nothing else on PATH but what is needed", async () => {
    await works({ PATH: onlyTools("git", "tmux", "sh", "cat", "rm", "stty", "find") });
  });

  it("an agent that is wrapped in a script", async () => {
    const demo = join(BIN, "../../dist/demo-agent.js");
    const wrapper = world.write(
      join(world.root, "my agent"),
      `#!/bin/sh\n# What people write around their agents.\nexport WRAPPED=1\n'${process.execPath}' '${demo}' "$@"\n`,
      0o755,
    );
    world.write(
      join(world.fleetHome, "config.toml"),
      `[agents.wrapped]\ncommand = [${JSON.stringify(wrapper)}]\nprompt_via = "paste"\n`,
      0o600,
    );
    await works({ AIFLEET_AGENT_DEFAULT: "wrapped" });
    // As the adapter's own command its screen is read, too.
    world.write(join(world.fleetHome, "config.toml"), `[agents.demo]\ncommand = [${JSON.stringify(wrapper)}]\n`, 0o600);
    expect(await me.json(["create", "again", "--prompt", "[[spawn]] go"])).toMatchObject({ code: 0 });
    expect(await me.json(["wait", "again", "--timeout", "20"])).toMatchObject({
      agents: [{ status: "idle", processes: expect.any(Number) }],
    });
    expect(await me.json(["kill", "again", "--force", "--yes"])).toMatchObject({ code: 0 });
    expect(traces(world, repo)).toMatchObject({ processes: 0, agents: 0 });
  });

  it.each([["000"], ["077"]])("umask %s: what is ours is private, the user's files are as git makes them", async (mask) => {
    const script = `umask ${mask}; exec '${process.execPath}' '${BIN}' "$@"`;
    const run = (...args: string[]) =>
      execFileSync("/bin/sh", ["-c", script, "sh", ...args], {
        cwd: repo,
        env: { ...world.env, AIFLEET_AGENT_DEFAULT: "demo", DEMO_AGENT_SPEED: "0" },
        stdio: ["ignore", "pipe", "pipe"],
        encoding: "utf8",
      });
    run("create", "work", "--prompt", "secret");
    run("wait", "work", "--timeout", "20");
    world.write(join(JSON.parse(run("list", "--json")).agents[0].worktree, "draft.txt"), "x");
    run("kill", "work", "--force", "--yes");
    run("create", "more");
    const open: string[] = [];
    const look = (path: string): void => {
      const stat = statSync(path);
      if (!stat.isDirectory() && (stat.mode & 0o077) !== 0) open.push(`${path} ${(stat.mode & 0o777).toString(8)}`);
      if (!stat.isDirectory()) return;
      if ((stat.mode & 0o077) !== 0) open.push(`${path} ${(stat.mode & 0o777).toString(8)}`);
      for (const name of readdirSync(path)) look(join(path, name));
    };
    for (const name of readdirSync(world.fleetHome)) if (name !== "worktrees" && name !== "trash") look(join(world.fleetHome, name));
    for (const name of ["", "trash", "worktrees"]) expect((statSync(join(world.fleetHome, name)).mode & 0o077).toString(8), name).toBe("0");
    expect(open).toEqual([]);
    run("kill", "more");
  });

  it("a HOME that cannot be written, when AI_FLEET_HOME can", async () => {
    const fleetHome = join(world.root, "elsewhere");
    mkdirSync(fleetHome);
    chmodSync(world.home, 0o500);
    try {
      await works({ AI_FLEET_HOME: fleetHome });
      expect(readdirSync(world.home)).toEqual([".gitconfig"]);
    } finally {
      chmodSync(world.home, 0o700);
    }
  });

  it("inside the user's own tmux, and inside an agent", async () => {
    const socket = join(world.root, "theirs.sock");
    const result = join(world.root, "result.json");
    const env = { ...world.env, AIFLEET_AGENT_DEFAULT: "demo", DEMO_AGENT_SPEED: "0", ONLY_MINE: "yes" };
    const script = world.write(
      join(world.root, "go.sh"),
      `#!/bin/sh\ncd '${repo}' && '${process.execPath}' '${BIN}' create from-tmux --json > '${result}.part' 2>&1; mv '${result}.part' '${result}'\nexec sleep 600\n`,
      0o755,
    );
    execFileSync("tmux", ["-S", socket, "-f", "/dev/null", "new-session", "-d", "-s", "mine", script], { env });
    await settle(() => existsSync(result), Boolean);
    const { agent } = JSON.parse(readFileSync(result, "utf8"));
    expect(agent).toMatchObject({ branch: "from-tmux" });
    // The agent's environment is that of the call, without the user's tmux in it.
    const environ = readFileSync(`/proc/${agent.pid}/environ`, "utf8").split("\0");
    expect(environ).toContain("ONLY_MINE=yes");
    expect(environ.filter((entry) => entry.startsWith(`TMUX=${socket}`))).toEqual([]);
    expect(execFileSync("tmux", ["-S", socket, "list-sessions", "-F", "#{session_name}"], { env, encoding: "utf8" })).toBe("mine\n");
    // An agent that starts another agent: its marks are not inherited.
    const own = Object.fromEntries(environ.flatMap((entry) => (entry.includes("=") ? [entry.split(/=(.*)/s).slice(0, 2)] : [])));
    const inside = await me.json(["create", "from-agent"], { cwd: agent.worktree, env: { ...own, TMUX_PANE: "%0" } });
    expect(inside).toMatchObject({ code: 0, agent: { repo } });
    const marks = readFileSync(`/proc/${inside.agent.pid}/environ`, "utf8")
      .split("\0")
      .filter((entry) => entry.startsWith("AIFLEET_ID="));
    expect(marks).toEqual([`AIFLEET_ID=${inside.agent.id}`]);
    expect(await me.json(["kill", "--all", "--yes"], { cwd: agent.worktree, env: own })).toMatchObject({ code: 0, refused: [] });
    expect(traces(world, repo)).toMatchObject({ agents: 0, sessions: ["mine"], worktrees: [repo] });
  });
});
