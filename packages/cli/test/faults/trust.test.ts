import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Fleet, type FleetOpenOptions } from "../../../core/src/index.js";
import { openTerminal } from "../../../core/test/agents/support/terminal.js";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { figure, LONG } from "./support/report.js";
import { fleetEnv, run } from "./support/run.js";

/** A repository that brings a project file along, in every way it could be brought into effect. */
let world: World;
let repo: string;
let file: string;
beforeEach(() => {
  world = makeWorld("trusting");
  repo = world.repo();
  file = join(repo, ".aifleet/config.toml");
  mkdirSync(canaries());
});
afterEach(() => world.dispose());

const canaries = () => join(world.root, "canaries");
const touch = (name: string) => `touch '${join(canaries(), name)}'`;
const ran = () => readdirSync(canaries()).sort();
const open = (folder = repo, options: Partial<FleetOpenOptions> = {}) => Fleet.open({ repo: folder, env: fleetEnv(world), ...options });
const refused = { code: "NOT_TRUSTED", exitCode: 4 };

/** All a project file could try: each line leaves a trace if it counts. */
function everything(): string {
  const evil = JSON.stringify(["sh", "-c", `${touch("command")}; sleep 1000`, "evil"]);
  world.write(join(repo, "evil.conf"), `run-shell "${touch("include")}"\n`);
  world.write(join(repo, "secret"), "secret\n");
  return [
    "[agent]",
    'default = "evil"',
    "[agents.evil]",
    `command = ${evil}`,
    "[agents.demo]",
    `command = ${evil}`,
    'flags = ["--evil"]',
    'env = { EVIL = "1" }',
    `resume = ${evil}`,
    'patterns = { working = ".", waiting = "(a+)+$", idle = "." }',
    "[worktree]",
    `root = ${JSON.stringify(join(world.root, "evil-trees"))}`,
    'base = "evil-base"',
    'disposable = ["work", "README.md"]',
    "[setup]",
    `commands = [${JSON.stringify(touch("setup"))}]`,
    'credential_files = ["secret"]',
    "[tmux]",
    'prefix = "evil_"',
    'detach_key = "C-e"',
    "history_limit = 1",
    `include = ${JSON.stringify(join(repo, "evil.conf"))}`,
    `socket = ${JSON.stringify(join(world.root, "evil.sock"))}`,
    "[fleet]",
    "max_running = 1",
    "[logs]",
    "keep_days = 1",
    "[git]",
    "timeout = 0.001",
    "[templates.evil]",
    'prompt = "evil"',
    `setup = [${JSON.stringify(touch("template"))}]`,
    "",
  ].join("\n");
}

const MORE: (readonly [number, ...string[]])[] = [
  [0, "list", "--grouped", "--all-repos"],
  [0, "config", "validate"],
  [0, "config", "get", "setup.commands"],
  [0, "config", "path"],
  [0, "config", "path", "--project"],
  [0, "doctor"],
  [0, "wait", "--all", "--timeout", "20"],
  [0, "__complete", "--", "config", "get", ""],
  [0, "trust", "--revoke"],
  [0, "restore", "--list"],
];

describe("a project file nobody has trusted", () => {
  it("has no effect in any command, and stops those that would start something", async () => {
    expect((await run(world, repo, ["create", "old", "--prompt", "x"])).code).toBe(0);
    world.write(file, everything());
    const before = {
      config: readFileSync(join(world.fleetHome, "config.toml"), "utf8"),
      conf: readFileSync(join(world.fleetHome, "tmux.conf"), "utf8"),
    };
    const starting = [
      ["create", "new", "--prompt", "x"],
      ["create", "new", "--template", "evil"],
      ["create", "new", "--agent", "evil", "--prompt", "x"],
      ["create", "old", "--replace", "--prompt", "x"],
      ["fanout", "2", "--prompt", "x"],
      ["multi", "new:x"],
      ["resume", "old"],
    ];
    for (const args of starting) {
      const done = await run(world, repo, [...args, "--json"]);
      expect({ args, code: done.code, error: JSON.parse(done.stdout).error }).toMatchObject({
        code: 4,
        error: { code: "NOT_TRUSTED", hint: expect.stringContaining("fleet trust"), data: { file } },
      });
    }
    const others: (readonly [number, ...string[]])[] = [
      [0, "list", "--changes"],
      [0, "config", "show", "--show-origin"],
      [2, "config", "get", "agents.evil.command"],
      [2, "init"],
      [0, "doctor", "--fix"],
      [0, "path", "old"],
      [0, "diff", "old"],
      [0, "exec", "old", "--", "sh", "-c", 'echo "EVIL=$EVIL"'],
      [0, "prompt", "old", "again"],
      [0, "logs", "old"],
      [0, "attach", "old", "--json"],
      [0, "completion", "bash"],
      [0, "__complete", "--", "create", "x", "--agent", ""],
      [0, "trust", "--list"],
      [0, "stop", "old"],
      [0, "kill", "old", "--force", "--yes"],
      [3, "restore", "old"],
      ...(LONG ? MORE : []),
      // An answer given in advance is not trust, and neither is a yes on a pipe.
      [2, "create", "new", "--prompt", "x", "--yes"],
    ];
    for (const [code, ...args] of others) {
      const done = await run(world, repo, args);
      expect({ args, code: done.code, stderr: done.stderr }).toMatchObject({ code });
      expect(done.stdout, args.join(" ")).not.toMatch(/evil|EVIL=1|C-e/);
    }
    expect(ran()).toEqual([]);
    expect(existsSync(join(world.root, "evil-trees"))).toBe(false);
    expect(existsSync(join(world.root, "evil.sock"))).toBe(false);
    expect(world.sessions().filter((name) => name.startsWith("evil_"))).toEqual([]);
    expect({
      config: readFileSync(join(world.fleetHome, "config.toml"), "utf8"),
      conf: readFileSync(join(world.fleetHome, "tmux.conf"), "utf8"),
    }).toEqual(before);
    figure("R14", "untrusted project file", `${starting.length} commands stopped, ${others.length} without effect`);
  });

  it("is gone on without by --no-project-config, and then still has none", async () => {
    world.write(file, everything());
    world.git(repo, "add", ".aifleet");
    world.git(repo, "commit", "-q", "-m", "settings");
    const done = await run(world, repo, ["create", "new", "--prompt", "x", "--no-project-config", "--json"]);
    expect(done.code).toBe(0);
    const { agent } = JSON.parse(done.stdout);
    expect(agent).toMatchObject({ adapter: "demo", session: expect.stringMatching(/^ai_/) });
    expect(agent.worktree).toContain(world.fleetHome);
    expect(existsSync(join(agent.worktree, "secret"))).toBe(false);
    expect(ran()).toEqual([]);
  });

  it("has no effect on a list that is watched", async () => {
    await (await open()).createAgent({ branch: "old" });
    world.write(file, everything());
    const watch = spawn(process.execPath, [BIN, "list", "--watch", "--json"], { cwd: repo, env: fleetEnv(world) });
    const first = await new Promise<string>((resolve) => watch.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString("utf8"))));
    watch.kill("SIGINT");
    await new Promise((resolve) => watch.once("exit", resolve));
    expect(JSON.parse(first.split("\n")[0] as string).agents).toMatchObject([{ branch: "old", adapter: "demo" }]);
    expect(ran()).toEqual([]);
  });

  it("stops nothing but what it would have its say in, however odd it is", async () => {
    await (await open()).createAgent({ branch: "old" });
    const folder = join(repo, ".aifleet");
    const mine = process.getuid?.() === 0;
    const link = (target: string) => {
      mkdirSync(folder);
      symlinkSync(target, file);
    };
    const cases: [string, () => void, string][] = [
      ["larger than a megabyte", () => world.write(file, `# ${"x".repeat(1024 * 1024)}\n`), "CONFIG_INVALID"],
      ["a link that leads round", () => link("config.toml"), "DRIVER_FAILED"],
      ["in a folder that leads round", () => symlinkSync(".aifleet", folder), "DRIVER_FAILED"],
      ["empty", () => world.write(file, ""), "NOT_TRUSTED"],
      ["no TOML", () => world.write(file, "\u0000[[[\u001b[31m"), "NOT_TRUSTED"],
      [
        "another user's",
        () => chownSync(world.write(file, everything()), mine ? 12345 : (process.getuid?.() ?? 0), process.getgid?.() ?? 0),
        "NOT_TRUSTED",
      ],
      ["readable by nobody", () => world.write(file, "x", 0o000), mine ? "NOT_TRUSTED" : "PERMISSION_DENIED"],
      [
        "asked about in a trust.json that is broken",
        () => [file, join(world.fleetHome, "trust.json")].map((path) => world.write(path, "{", 0o600)),
        "STATE_UNREADABLE",
      ],
    ];
    for (const [what, make, code] of cases) {
      make();
      const fleet = await open();
      const agents = (await fleet.list()).map(({ branch }) => branch);
      const start = await fleet.createAgent({ branch: "new" }).then(
        () => null,
        (error: unknown) => error,
      );
      expect({ what, agents, start }).toMatchObject({ what, agents: ["old"], start: { code } });
      // Passed over, it is in nobody's way.
      const without = await open(repo, { ignoreProjectConfig: true });
      await without.stop("old");
      await without.resume("old");
      rmSync(folder, { recursive: true });
    }
    // What is no file is none.
    link("/dev/zero");
    expect((await open()).config().project).toBeNull();
    expect(ran()).toEqual([]);
    figure("R14", "broken, huge, unreadable, linked files", `${cases.length + 1} without effect`);
  });

  it("counts for nothing in a bare repository", async () => {
    const bare = join(world.root, "bare.git");
    world.git(world.root, "clone", "-q", "--bare", repo, bare);
    world.write(join(bare, ".aifleet/config.toml"), everything());
    const fleet = await open(bare);
    await fleet.createAgent({ branch: "new" });
    await expect(fleet.trust()).rejects.toMatchObject({ code: "USAGE" });
    expect(ran()).toEqual([]);
  });
});

describe("trust", () => {
  const setup = (name: string) => `[setup]\ncommands = [${JSON.stringify(touch(name))}]\n`;

  it("is in content, place and repository: what differs in one of them asks again", async () => {
    world.write(file, setup("one"));
    world.git(repo, "add", "-A");
    world.git(repo, "commit", "-q", "-m", "settings");
    const fleet = await open();
    await fleet.trust();
    const agent = await fleet.createAgent({ branch: "a" });
    expect(ran()).toEqual(["one"]);

    // An agent's own copy, and an agent's folder as the place the command is run in.
    writeFileSync(join(agent.worktree, ".aifleet/config.toml"), setup("copy"));
    await (await open(agent.worktree)).createAgent({ branch: "b" });
    expect(ran()).toEqual(["one"]);

    writeFileSync(file, setup("two"));
    await expect((await open()).createAgent({ branch: "c" })).rejects.toMatchObject(refused);
    writeFileSync(file, `${setup("one")}\n`);
    await expect((await open()).createAgent({ branch: "c" })).rejects.toMatchObject(refused);
    writeFileSync(file, setup("one"));
    await (await open()).createAgent({ branch: "c" });

    const clone = join(world.root, "clone");
    world.git(world.root, "clone", "-q", repo, clone);
    await expect((await open(clone)).createAgent({ branch: "d" })).rejects.toMatchObject(refused);
    await (await open()).kill({ all: true }, { force: true });
    const moved = join(world.root, "moved");
    renameSync(repo, moved);
    await expect((await open(moved)).createAgent({ branch: "e" })).rejects.toMatchObject(refused);
    // The same file in another repository that has come to the same place.
    renameSync(clone, repo);
    expect(readFileSync(file, "utf8")).toBe(setup("one"));
    await expect((await open()).createAgent({ branch: "f" })).rejects.toMatchObject(refused);
    rmSync(join(repo, ".git"), { recursive: true });
    world.git(repo, "init", "-q");
    world.git(repo, "add", "-A");
    world.git(repo, "commit", "-q", "-m", "another");
    await expect((await open()).createAgent({ branch: "g" })).rejects.toMatchObject(refused);
    expect(ran()).toEqual(["one"]);
    figure("R14", "trust carried over to a clone, a moved or another repository, a changed file or a copy", "0 of 7");
  });

  it("is in what was shown: a file that changes under the question is not trusted, nor is what it was changed to", async () => {
    world.write(file, setup("shown"));
    const fleet = await open();
    const shown = fleet.config().project?.hash as string;
    writeFileSync(file, setup("swapped"));
    await expect(fleet.trust({ hash: shown })).rejects.toMatchObject(refused);
    expect(await fleet.trusted()).toEqual([]);
    await expect(fleet.createAgent({ branch: "a" })).rejects.toMatchObject(refused);
    // What was read and trusted is what counts, whatever is written meanwhile.
    writeFileSync(file, setup("shown"));
    await fleet.trust({ hash: shown });
    writeFileSync(file, setup("swapped"));
    await fleet.createAgent({ branch: "b" });
    await expect((await open()).createAgent({ branch: "c" })).rejects.toMatchObject(refused);
    expect(ran()).toEqual(["shown"]);
  });

  it("through a link is in what the link leads to", async () => {
    const outside = world.write(join(world.root, "outside/config.toml"), setup("linked"));
    symlinkSync(join(world.root, "outside"), join(repo, ".aifleet"));
    await expect((await open()).createAgent({ branch: "a" })).rejects.toMatchObject(refused);
    await (await open()).trust();
    writeFileSync(outside, setup("changed"));
    await expect((await open()).createAgent({ branch: "a" })).rejects.toMatchObject(refused);
    expect(ran()).toEqual([]);
  });

  it("is listed and taken back", async () => {
    world.write(file, setup("one"));
    expect((await run(world, repo, ["trust"])).code).toBe(0);
    const { trusted } = JSON.parse((await run(world, repo, ["trust", "--list", "--json"])).stdout);
    expect(trusted).toMatchObject([{ path: file }]);
    expect((await run(world, repo, ["trust", "--revoke"])).code).toBe(0);
    expect((await run(world, repo, ["create", "a", "--prompt", "x"])).code).toBe(4);
    expect(JSON.parse((await run(world, repo, ["trust", "--list", "--json"])).stdout)).toEqual({ trusted: [] });
    expect(ran()).toEqual([]);
  });
});

describe("a link that a repository brings along", () => {
  it.each(["folder", "file"])("does not choose where settings are written: a %s", async (what) => {
    const outside = join(world.root, "outside");
    const target = world.write(join(outside, "config.toml"), "# theirs\n");
    if (what === "folder") symlinkSync(outside, join(repo, ".aifleet"));
    else {
      mkdirSync(join(repo, ".aifleet"));
      symlinkSync(target, file);
    }
    const fleet = await open();
    await expect(fleet.setConfig("setup.quick", "true", { scope: "project" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(fleet.init()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(readFileSync(target, "utf8")).toBe("# theirs\n");
    rmSync(target);
    if (what === "folder") await expect(fleet.init()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe("the question", () => {
  const setup = (name: string) => `[setup]\ncommands = [${JSON.stringify(touch(name))}]\n`;

  it("shows all that would run and nothing a terminal would obey or hide, and a yes is to what was shown", async () => {
    const hidden = ["\u202e", "\u2066", "\u200b", "\u009b31m", "\u2028", "\ufeff"];
    world.write(file, `${setup("before")}# hidden: ${hidden.join(" ")} end\n${"\n".repeat(300)}`);
    const { FLEET_TEST_WORLD: _, ...env } = fleetEnv(world);
    const terminal = openTerminal(world, ["env", "-u", "TMUX", "-u", "TMUX_PANE", "sh"], repo, { ...env, PS1: "$ ", ENV: "/dev/null" });
    await terminal.see((lines) => lines.some((line) => line.startsWith("$")), "a shell's prompt");
    const raw = join(world.root, "raw");
    execFileSync("tmux", ["-S", join(world.root, "t.sock"), "pipe-pane", "-O", `exec cat > '${raw}'`], { env: world.env });
    const answer = async (key: string) => {
      terminal.type(`clear; '${process.execPath}' '${BIN}' create new --prompt x; echo code $?`);
      terminal.press("Enter");
      const screen = await terminal.see((lines) => lines.some((line) => /\[y\/N\]/.test(line)), "the question");
      // The end of the screen says once more what a long file has scrolled away.
      expect(screen.join("\n")).toMatch(/setup\.commands = .*canaries\/before/);
      if (key === "y") writeFileSync(file, setup("after"));
      terminal.type(key);
      terminal.press("Enter");
      return (await terminal.see((lines) => lines.some((line) => /^code /.test(line)), "the end")).join("\n");
    };
    expect(await answer("n")).toContain("code 4");
    const shown = readFileSync(raw, "utf8");
    for (const character of hidden) {
      expect(shown).not.toContain(character);
      expect(shown).toContain(`\\u{${character.codePointAt(0)?.toString(16)}}`);
    }
    // While it is being read, something else writes.
    expect(await answer("y")).toMatch(/has changed since it was shown[\s\S]*code 4/);
    expect(ran()).toEqual([]);
    expect(await (await open()).trusted()).toEqual([]);
    figure("R14", "a file swapped while the question stands", "neither text trusted");
  });
});
