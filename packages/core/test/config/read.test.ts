import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { homePaths } from "../../src/config/paths.js";
import { loadConfig } from "../../src/config/read.js";
import { fileTrust } from "../../src/config/trust.js";
import { configValues } from "../../src/config/values.js";
import { isFleetError } from "../../src/errors/index.js";
import { memoryLocks } from "../../src/testing/memory/store.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
beforeEach(() => {
  world = makeWorld("config");
});
afterEach(() => world.dispose());

const paths = () => homePaths(world.fleetHome);
const repo = () => ({ path: join(world.root, "repo"), commonDir: join(world.root, "repo", ".git") });
const user = (text: string) => world.write(paths().config, text);
const projectFile = () => join(repo().path, ".aifleet", "config.toml");

interface Options {
  env?: Record<string, string>;
  settings?: Record<string, unknown>;
  ignoreProject?: boolean;
  inRepo?: boolean;
}

const load = ({ env = {}, settings = {}, ignoreProject = false, inRepo = true }: Options = {}) =>
  loadConfig({ paths: paths(), env: { ...world.env, ...env }, repo: inRepo ? repo() : null, settings, ignoreProject });

async function failure(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isFleetError(error, "CONFIG_INVALID")) throw new Error(`Not CONFIG_INVALID: ${String(error)}`);
  return error;
}

async function trustedProject(text: string): Promise<void> {
  world.write(projectFile(), text);
  const { project } = await load();
  await fileTrust({ paths: paths(), locks: memoryLocks() }).add(project?.path ?? "", project?.hash ?? "");
}

describe("settings", () => {
  it("have every default where no file is, and none is written", async () => {
    const loaded = await load();
    expect(loaded).toMatchObject({ notes: [], project: null });
    expect(loaded.origins.size).toBe(0);
    expect(loaded.config).toMatchObject({
      agent: { default: "claude" },
      worktree: { root: join(world.fleetHome, "worktrees"), base: "HEAD" },
      setup: { credentialFiles: [], commands: [], timeout: 600, quick: false },
      tmux: { socket: null, prefix: "ai_", historyLimit: 50_000, detachKey: "C-q", include: null },
      fleet: { maxRunning: null },
      logs: { maxSize: 20_000_000, keepDays: 30 },
      trash: { keepDays: 30 },
      git: { timeout: 300 },
    });
    expect(loaded.config.fleet.maxParallel).toBeGreaterThanOrEqual(4);
    expect(loaded.config.worktree.disposable).toEqual(
      expect.arrayContaining(["node_modules", "target", ".venv", "dist", ".next", "__pycache__"]),
    );
  });

  it("come from flag, environment, project, user and default, in this order", async () => {
    user('tmux.prefix = "user_"\ngit.timeout = 1\nsetup.timeout = 2\nlogs.keep_days = 3\n');
    await trustedProject('tmux.prefix = "project_"\ngit.timeout = 10\nsetup.timeout = 20\n');
    const loaded = await load({ env: { AIFLEET_TMUX_PREFIX: "env_", AIFLEET_GIT_TIMEOUT: "100" }, settings: { "tmux.prefix": "flag_" } });
    expect(loaded.config).toMatchObject({
      tmux: { prefix: "flag_" },
      git: { timeout: 100 },
      setup: { timeout: 20 },
      logs: { keepDays: 3 },
      trash: { keepDays: 30 },
    });
    expect(Object.fromEntries(loaded.origins)).toEqual({
      "tmux.prefix": { origin: "flag", place: "flag" },
      "git.timeout": { origin: "environment", place: "AIFLEET_GIT_TIMEOUT" },
      "setup.timeout": { origin: "project", place: `${projectFile()}:3` },
      "logs.keep_days": { origin: "user", place: `${paths().config}:4` },
    });
    const values = configValues(loaded);
    expect(values.find(({ key }) => key === "git.timeout")).toEqual({
      key: "git.timeout",
      value: 100,
      origin: "environment",
      place: "AIFLEET_GIT_TIMEOUT",
    });
    expect(values.find(({ key }) => key === "logs.max_size")).toEqual({
      key: "logs.max_size",
      value: "20MB",
      origin: "default",
      place: null,
    });
    expect(values.find(({ key }) => key === "fleet.max_running")?.value).toBeNull();
  });

  it("of adapters and templates are read in every form", async () => {
    user(
      [
        "[agents.mine]",
        `command = "my-agent --title 'a b' \\"c d\\" e\\\\ f $HOME *"`,
        'flags = ["-x"]',
        'env = { TOKEN = "t", A_1 = "" }',
        'prompt_via = "paste"',
        'resume = ["my-agent", "--continue"]',
        "[agents.mine.patterns]",
        'waiting = "\\\\? $"',
        "[templates.review]",
        'prompt = "Review"',
        'from = "main"',
        'setup = ["make"]',
      ].join("\n"),
    );
    const { config } = await load();
    expect({ ...config.agents }).toEqual({
      mine: {
        command: ["my-agent", "--title", "a b", "c d", "e f", "$HOME", "*"],
        flags: ["-x"],
        env: expect.objectContaining({ TOKEN: "t", A_1: "" }),
        promptVia: "paste",
        resume: ["my-agent", "--continue"],
        patterns: { working: null, waiting: "\\? $", idle: null },
      },
    });
    expect({ ...config.templates }).toEqual({ review: { prompt: "Review", agent: null, base: "main", setup: ["make"] } });
    const values = configValues(await load());
    expect(values.find(({ key }) => key === "templates.review.from")).toMatchObject({ value: "main", origin: "user" });
    expect(values.find(({ key }) => key === "agents.mine.patterns.waiting")).toMatchObject({ value: "\\? $" });
  });

  it("fill in homes in paths", async () => {
    user('worktree.root = "~/trees"\ntmux.include = "$AI_FLEET_HOME/my.conf"\n');
    expect((await load()).config).toMatchObject({
      worktree: { root: join(world.home, "trees") },
      tmux: { include: join(world.fleetHome, "my.conf") },
    });
    user('worktree.root = "$HOME/x/../y"\ntmux.include = "$HOMELESS/a"\n');
    expect((await load()).config).toMatchObject({
      worktree: { root: join(world.home, "y") },
      tmux: { include: join(world.fleetHome, "$HOMELESS/a") },
    });
  });

  it("of older files count under their new names, with a note for each", async () => {
    user(
      [
        'worktree_root = "/w"',
        'tmux_prefix = "p_"',
        'default_agent = "codex"',
        'claude_flags = "--a --b"',
        'repo_root = "/r"',
        "[project]",
        'credential_files = [".env"]',
        'setup_commands = ["make"]',
        "quick_setup = true",
      ].join("\n"),
    );
    const { config, notes } = await load();
    expect(config).toMatchObject({
      worktree: { root: "/w" },
      tmux: { prefix: "p_" },
      agent: { default: "codex" },
      setup: { credentialFiles: [".env"], commands: ["make"], quick: true },
    });
    expect(config.agents.claude?.flags).toEqual(["--a", "--b"]);
    expect(notes).toHaveLength(8);
    expect(notes).toEqual(
      expect.arrayContaining([
        `${paths().config}:2: "tmux_prefix" is now "tmux.prefix".`,
        expect.stringMatching(/:5: "repo_root" is ignored/),
        expect.stringMatching(/:7: "project.credential_files" is now "setup.credential_files"/),
      ]),
    );
  });

  it.each(["", "agent.claude_flags = 1\n"])("under their own name win over the older name (%j)", async (before) => {
    if (before === "") {
      user('tmux_prefix = "old_"\n[tmux]\nprefix = "new_"\n');
      expect((await load()).config.tmux.prefix).toBe("new_");
      user('tmux = { prefix = "new_" }\ntmux_prefix = "old_"\n');
      expect((await load()).config.tmux.prefix).toBe("new_");
    } else {
      user(before);
      expect((await failure(load())).message).toContain('"agent.claude_flags" must be');
    }
  });
});

describe("variables", () => {
  it("set numbers, switches, arrays and tables", async () => {
    const { config } = await load({
      env: {
        AIFLEET_AGENT_DEFAULT: "codex",
        AIFLEET_FLEET_MAX_PARALLEL: "7",
        AIFLEET_SETUP_QUICK: "1",
        AIFLEET_SETUP_COMMANDS: '["a b", "c"]',
        AIFLEET_SETUP_CREDENTIAL_FILES: "['.env']",
        AIFLEET_LOGS_MAX_SIZE: "1 MiB",
        AIFLEET_AGENTS_CLAUDE_FLAGS: "--x 'y z'",
        AIFLEET_AGENTS_CLAUDE_ENV: '{ A = "1" }',
        AIFLEET_TMUX_DETACH_KEY: "",
      },
    });
    expect(config).toMatchObject({
      agent: { default: "codex" },
      fleet: { maxParallel: 7 },
      setup: { quick: true, commands: ["a b", "c"], credentialFiles: [".env"] },
      logs: { maxSize: 1024 ** 2 },
      tmux: { detachKey: "C-q" },
    });
    expect(config.agents.claude).toMatchObject({ flags: ["--x", "y z"], env: { A: "1" } });
  });

  it("reach an adapter whose name has dashes and capitals", async () => {
    user('[agents.My-Agent]\ncommand = ["x"]\n');
    const { config } = await load({ env: { AIFLEET_AGENTS_MY_AGENT_FLAGS: "-v" } });
    expect(config.agents["My-Agent"]).toMatchObject({ command: ["x"], flags: ["-v"] });
  });

  it("that agents get, and unknown ones, are no settings", async () => {
    const names = ["ID", "BRANCH", "BATCH", "INDEX", "REPO", "WORKTREE", "SOMETHING_ELSE", "AGENTS_X"];
    const loaded = await load({ env: Object.fromEntries(names.map((name) => [`AIFLEET_${name}`, "x"])) });
    expect(loaded.origins.size).toBe(0);
  });

  it("with a wrong value are named", async () => {
    const error = await failure(load({ env: { AIFLEET_FLEET_MAX_PARALLEL: "many" } }));
    expect(error.message).toBe('AIFLEET_FLEET_MAX_PARALLEL: "fleet.max_parallel" must be a whole number of at least 1, not "many"');
    expect(error.data).toEqual({ key: "fleet.max_parallel" });
    await failure(load({ env: { AIFLEET_SETUP_COMMANDS: "[" } }));
  });
});

describe("a wrong settings file", () => {
  it.each([
    ['\n\n[worktree]\nbsae = "x"\n', 4, "worktree.bsae", "worktree.base"],
    ["max_parallel = 3\n", 1, "max_parallel", "fleet.max_parallel"],
    ['[tmux]\nprefx = "x"\n', 2, "tmux.prefx", "tmux.prefix"],
    ['[agents.mine]\nflag = ["x"]\n', 2, "agents.mine.flag", "agents.mine.flags"],
    ['defaultagent = "x"\n', 1, "defaultagent", "agent.default"],
    ['a = """\n[x]\ny = 1\n"""\n', 1, "a", null],
    ['"worktree.root" = "x"\n', 1, "worktree.root", "worktree.root"],
    ["[zzzzzzzz.qqqqqqq]\nx = 1\n", 1, "zzzzzzzz", null],
  ])("is refused for an unknown key, naming line and nearest key: %j", async (text, line, key, near) => {
    user(text);
    const error = await failure(load());
    expect(error.message).toBe(`${paths().config}:${line}: unknown key "${key}"${near === null ? "" : `; did you mean "${near}"?`}`);
    expect(error.data).toEqual({ file: paths().config, line, key });
  });

  it.each([
    ["a.b = \n", 1],
    ['x = 1\n\n[agent]\ndefault = "a"\ndefault = "b"\n', 5],
    ['[agent]\ndefault = "claude\n', 2],
    ["[agent\n", 1],
  ])("is refused for broken TOML, naming the line: %j", async (text, line) => {
    user(text);
    expect((await failure(load())).data).toMatchObject({ file: paths().config, line });
  });

  it.each([
    "agent = 1",
    "agent.default = 1",
    'agent.default = "a b"',
    'agent.default = "../x"',
    "fleet.max_parallel = 0",
    "fleet.max_parallel = -1",
    "fleet.max_parallel = 1.5",
    'fleet.max_parallel = "4"',
    "fleet.max_parallel = nan",
    "fleet.max_running = 1979-05-27",
    "setup.timeout = 0",
    "setup.timeout = inf",
    'setup.quick = "yes"',
    "setup.quick = 1",
    'setup.commands = "make"',
    'setup.commands = [""]',
    "setup.commands = [1]",
    'setup.credential_files = ["/etc/passwd"]',
    'setup.credential_files = ["a/../../x"]',
    'setup.credential_files = ["~/.ssh/id"]',
    'tmux.prefix = "a b"',
    'tmux.prefix = "#(touch x)"',
    'tmux.prefix = "a.b"',
    'tmux.detach_key = "q"',
    'tmux.detach_key = "C-q; kill-server"',
    'tmux.detach_key = "F13"',
    `tmux.socket = "/${"x".repeat(120)}"`,
    'tmux.include = ""',
    'tmux.include = "~root/x"',
    'worktree.root = "a\\nb"',
    'worktree.root = "a\\u0000b"',
    'worktree.base = "--upload-pack=x"',
    'worktree.base = ""',
    'logs.max_size = "20 parsecs"',
    'logs.max_size = "-1MB"',
    "logs.keep_days = 0",
    "agents.x.command = []",
    'agents.x.command = [""]',
    'agents.x.command = "a \'b"',
    "agents.x.command = 'a \\'",
    "agents.x.flags = [1]",
    'agents.x.env = { "A B" = "x" }',
    "agents.x.env = { A = 1 }",
    'agents.x.env = { A = "a\\u0000b" }',
    'agents.x.prompt_via = "telepathy"',
    'agents.x.patterns.idle = "("',
    'agents."a.b".command = "x"',
    'agents."".command = "x"',
    'agents."a/b".command = "x"',
    'agents.__proto__.command = "x"',
    'templates."../x".prompt = "x"',
    "templates.x.prompt = 1",
    "agents = 1",
    "[[agents]]\nname = 1",
  ])("is refused for %s, naming file and line", async (text) => {
    user(`# first\n${text}\n`);
    const error = await failure(load());
    expect(error.message).toContain(`${paths().config}:2: `);
    expect(error.data).toMatchObject({ file: paths().config, line: 2, key: expect.stringMatching(/./) });
    expect(({} as Record<string, unknown>).command).toBeUndefined();
  });

  it("does not find settings for names every object has", async () => {
    user('agents.x.command = "x"\n');
    const { config } = await load();
    expect(config.agents.constructor).toBeUndefined();
    expect(config.agents.toString).toBeUndefined();
  });

  it("is refused when it is a folder, a pipe or huge, and hangs nobody", async () => {
    mkdirSync(paths().config, { recursive: true });
    await failure(load());
    world.write(join(world.fleetHome, "x"), "");
    const pipe = homePaths(join(world.root, "other"));
    mkdirSync(pipe.home);
    execFileSync("mkfifo", [pipe.config]);
    await failure(loadConfig({ paths: pipe, env: world.env, repo: null }));
    const huge = homePaths(join(world.root, "huge"));
    world.write(huge.config, "#".repeat(1024 * 1024 + 1));
    await failure(loadConfig({ paths: huge, env: world.env, repo: null }));
  });

  it("says which flag is wrong", async () => {
    expect((await failure(load({ settings: { "tmux.prefx": "x" } }))).message).toBe(
      'unknown key "tmux.prefx"; did you mean "tmux.prefix"?',
    );
    await failure(load({ settings: { "fleet.max_parallel": 0 } }));
    expect((await load({ settings: { "fleet.max_parallel": "9" } })).config.fleet.maxParallel).toBe(9);
  });
});

describe("a project's file", () => {
  it.each(['setup.commands = ["evil"]\n', "this is no TOML [", "unknown.key = 1", "\x00\xff"])(
    "that is not trusted has no effect and is not even checked: %j",
    async (text) => {
      world.write(projectFile(), text);
      const loaded = await load();
      expect(loaded.project).toEqual({ path: projectFile(), hash: expect.stringMatching(/^[0-9a-f]{64}$/), trusted: false });
      expect(loaded.origins.size).toBe(0);
      expect(loaded.config.setup.commands).toEqual([]);
    },
  );

  it("counts once trusted, no longer after a change, and never where it is to be ignored", async () => {
    await trustedProject('setup.commands = ["make"]\n');
    expect(await load()).toMatchObject({ project: { trusted: true }, config: { setup: { commands: ["make"] } } });
    expect(await load({ ignoreProject: true })).toMatchObject({ project: { trusted: true }, config: { setup: { commands: [] } } });
    world.write(projectFile(), 'setup.commands = ["make", "more"]\n');
    expect(await load()).toMatchObject({ project: { trusted: false }, config: { setup: { commands: [] } } });
  });

  it("that is trusted and broken is an error that names it", async () => {
    await trustedProject("\n[setup]\ncomands = []\n");
    expect((await failure(load())).message).toBe(`${projectFile()}:3: unknown key "setup.comands"; did you mean "setup.commands"?`);
  });

  it("cannot move the tmux server of the whole home", async () => {
    await trustedProject('tmux.socket = "/x/y"\n');
    const { config, notes } = await load();
    expect(config.tmux.socket).toBeNull();
    expect(notes).toEqual([expect.stringContaining('"tmux.socket" belongs to the whole home')]);
  });

  it("starts its relative paths at the repository", async () => {
    await trustedProject('worktree.root = "../trees"\n');
    expect((await load()).config.worktree.root).toBe(join(world.root, "trees"));
  });

  it("does not exist outside a repository, in a bare one, or as a pipe or folder", async () => {
    await trustedProject("git.timeout = 1\n");
    expect((await load({ inRepo: false })).project).toBeNull();
    const bare = join(world.root, "bare");
    world.write(join(bare, ".aifleet", "config.toml"), "git.timeout = 1\n");
    expect((await loadConfig({ paths: paths(), env: world.env, repo: { path: bare, commonDir: bare } })).project).toBeNull();
    const odd = join(world.root, "odd");
    mkdirSync(join(odd, ".aifleet"), { recursive: true });
    execFileSync("mkfifo", [join(odd, ".aifleet", "config.toml")]);
    expect((await loadConfig({ paths: paths(), env: world.env, repo: { path: odd, commonDir: join(odd, ".git") } })).project).toBeNull();
  });
});
