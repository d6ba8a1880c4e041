import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fleet, FleetOpenOptions, Warning } from "../../src/index.js";
import { openFleet, oracle, promptsTaken } from "../support/demo.js";
import { makeWorld, processesOf, settle, type World } from "../support/world.js";

let world: World;
let repo: string;

beforeEach(() => {
  world = makeWorld("setup");
  repo = world.repo("repo", { "README.md": "# A repository\n", "tracked.env": "FROM=git\n" });
});

afterEach(async () => {
  await world.dispose();
});

const open = (settings: Record<string, unknown>, rest: Omit<FleetOpenOptions, "repo" | "env"> & { env?: Record<string, string> } = {}) =>
  openFleet(world, repo, { settings, ...rest });

/** Collects the codes of the warnings of a call. */
function warnings(): { codes: string[]; messages: string[]; onWarning: (warning: Warning) => void } {
  const codes: string[] = [];
  const messages: string[] = [];
  const onWarning = ({ code, message }: Warning) => {
    codes.push(code);
    messages.push(message);
  };
  return { codes, messages, onWarning };
}

/** That nothing at all of an agent is left: asked of git, tmux, the kernel and the disk. */
async function expectNothingLeft(fleet: Fleet, before: ReturnType<typeof oracle>): Promise<void> {
  expect(oracle(world, repo)).toEqual(before);
  expect(await fleet.list()).toEqual([]);
  expect(filesUnder("logs")).toEqual([]);
  expect(filesUnder("journal")).toEqual([]);
  expect(filesUnder("worktrees").flatMap((project) => filesUnder(`worktrees/${project}`))).toEqual([]);
  expect(processesOf(world.root).filter((pid) => environ(pid).includes("AIFLEET_ID="))).toEqual([]);
}

const filesUnder = (path: string): string[] => {
  const folder = join(world.fleetHome, path);
  return existsSync(folder) ? readdirSync(folder) : [];
};

function environ(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

const modeOf = (path: string) => lstatSync(path).mode & 0o777;
const staged = (worktree: string) => {
  world.git(worktree, "add", "-A");
  return world
    .git(worktree, "diff", "--cached", "--name-only")
    .split("\n")
    .filter((line) => line !== "");
};

describe("credential files", () => {
  test("are copied by name, glob and folder, for the owner's eyes alone, and never taken by git add -A", async () => {
    world.write(join(repo, ".env"), "A=1\n", 0o644);
    world.write(join(repo, "apps/web/.env.local"), "B=2\n");
    world.write(join(repo, "apps/api/deep/.env.local"), "C=3\n");
    world.write(join(repo, "secrets/one.key"), "1");
    world.write(join(repo, "secrets/sub/two.key"), "2");
    world.write(join(repo, "odd [name]!#.pem"), "x");
    world.write(join(repo, "tracked.env"), "FROM=changed here\n");
    const fleet = await open({ "setup.credential_files": [".env", "apps/**/.env.local", "secrets", "odd*", "tracked.env"] });
    const agent = await fleet.createAgent({ branch: "work" });
    const copies = [
      ".env",
      "apps/web/.env.local",
      "apps/api/deep/.env.local",
      "secrets/one.key",
      "secrets/sub/two.key",
      "odd [name]!#.pem",
    ];
    for (const path of copies) {
      expect(readFileSync(join(agent.worktree, path), "utf8")).toBe(readFileSync(join(repo, path), "utf8"));
      expect([path, modeOf(join(agent.worktree, path))]).toEqual([path, 0o600]);
    }
    expect(readFileSync(join(agent.worktree, "tracked.env"), "utf8")).toBe("FROM=git\n");
    expect(staged(agent.worktree)).toEqual([]);
    expect(await agent.kill()).toMatchObject({ saved: null });
  });

  test("are kept out of git add -A for as long as their own agent lives, whichever of its siblings goes first", async () => {
    world.write(join(repo, "token"), "1");
    const fleet = await open({ "setup.credential_files": ["token"] });
    const first = await fleet.createAgent({ branch: "first" });
    const second = await fleet.createAgent({ branch: "second" });
    await first.kill();
    expect(staged(second.worktree)).toEqual([]);
    await second.kill();
    expect(readFileSync(join(repo, ".git/info/exclude"), "utf8")).not.toContain("token");
    expect(staged(repo)).toEqual(["token"]);
  });

  test("are never read from outside the repository, nor written outside the worktree", async () => {
    world.write(join(world.root, "outside/secret"), "not yours");
    world.write(join(repo, "inside"), "mine");
    symlinkSync(join(world.root, "outside/secret"), join(repo, "leads-out"));
    symlinkSync(join(world.root, "outside"), join(repo, "folder-out"));
    symlinkSync("inside", join(repo, "leads-in"));
    mkdirSync(join(repo, "folder"));
    symlinkSync("folder", join(repo, "folder-in"));
    execFileSync("mkfifo", [join(repo, "pipe")]);
    // In the checkout `place` is a link out of the worktree; in the repository it is a folder.
    symlinkSync(join(world.root, "outside"), join(repo, "place"));
    world.git(repo, "add", "place");
    world.git(repo, "commit", "-q", "-m", "a link");
    rmSync(join(repo, "place"));
    world.write(join(repo, "place/new/key"), "k");

    const fleet = await open({
      "setup.credential_files": ["leads-out", "folder-out/secret", "leads-in", "folder-in", "pipe", "place/new/key"],
    });
    const seen = warnings();
    const agent = await fleet.createAgent({ branch: "work" }, seen);
    for (const path of ["leads-out", "folder-out", "pipe", "folder-in"]) expect(existsSync(join(agent.worktree, path))).toBe(false);
    expect(readFileSync(join(agent.worktree, "leads-in"), "utf8")).toBe("mine");
    expect(lstatSync(join(agent.worktree, "leads-in")).isSymbolicLink()).toBe(false);
    expect(readdirSync(join(world.root, "outside"))).toEqual(["secret"]);
    expect(seen.codes.filter((code) => code === "CREDENTIAL_SKIPPED")).toHaveLength(5);
    await expect(
      open({ "setup.credential_files": ["../outside/secret"] }).then((f) => f.createAgent({ branch: "other" })),
    ).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    expect(oracle(world, repo).branches).toEqual(["main", "work"]);
  });

  test("that are missing are named in a warning, and the agent starts", async () => {
    const seen = warnings();
    await (await open({ "setup.credential_files": ["nope", "*.nope"] })).createAgent({ branch: "work" }, seen);
    expect(seen.codes).toEqual(["CREDENTIAL_MISSING", "CREDENTIAL_MISSING"]);
    expect(seen.messages[0]).toContain('"nope"');
  });
});

describe("setup commands", () => {
  test("run in order in the new worktree with the agent's environment and nothing that leads elsewhere", async () => {
    const fleet = await open(
      {
        "setup.commands": ["pwd > first && echo 1 >> order", "env > second; echo 2 >> order", "cat .env > third"],
        "setup.credential_files": [".env"],
      },
      { env: { GIT_DIR: "/nowhere", TMUX: "/nowhere,1,1", TMUX_PANE: "%9", MINE: "kept", AIFLEET_ID: "stale" } },
    );
    world.write(join(repo, ".env"), "KEY=1\n");
    const agent = await fleet.createAgent({ branch: "feat/x" });
    const read = (file: string) => readFileSync(join(agent.worktree, file), "utf8");
    expect(read("first").trim()).toBe(agent.worktree);
    expect(read("order")).toBe("1\n2\n");
    expect(read("third")).toBe("KEY=1\n");
    const env = read("second").split("\n");
    expect(env.filter((line) => /^(TMUX|GIT_)/.test(line))).toEqual([]);
    for (const line of [
      "MINE=kept",
      `AIFLEET_ID=${agent.id}`,
      "AIFLEET_BRANCH=feat/x",
      `AIFLEET_REPO=${repo}`,
      `AIFLEET_WORKTREE=${agent.worktree}`,
    ])
      expect(env).toContain(line);
  });

  test("that fail leave nothing, whatever they and those before them made or started", async () => {
    const fleet = await open({
      "setup.commands": [
        "echo x > made.txt; echo y >> README.md; setsid sleep 3600 >/dev/null 2>&1 & sleep 0.1",
        "echo one; echo why >&2; exit 3",
      ],
    });
    const before = oracle(world, repo);
    await expect(fleet.createAgent({ branch: "work" })).rejects.toMatchObject({
      code: "SETUP_FAILED",
      exitCode: 1,
      message: expect.stringContaining("why"),
      data: { command: "2 of 2, `echo …`", exitCode: 3, output: "one\nwhy" },
    });
    await expectNothingLeft(fleet, before);
  });

  test("that hang are ended after setup.timeout with all they started, and leave nothing", async () => {
    const fleet = await open({ "setup.commands": ["trap '' TERM; (trap '' TERM; sleep 3600) & sleep 3600"], "setup.timeout": 1 });
    const before = oracle(world, repo);
    const began = Date.now();
    await expect(fleet.createAgent({ branch: "work" })).rejects.toMatchObject({
      code: "SETUP_FAILED",
      message: expect.stringContaining("1 s"),
    });
    expect(Date.now() - began).toBeLessThan(6000);
    await expectNothingLeft(fleet, before);
  });

  test("may print a hundred megabytes", async () => {
    const fleet = await open({
      "setup.commands": ["head -c 100000000 /dev/zero", "head -c 50000000 /dev/zero | tr '\\0' x >&2; echo the end; exit 1"],
    });
    const before = process.memoryUsage().rss;
    await expect(fleet.createAgent({ branch: "work" })).rejects.toMatchObject({ code: "SETUP_FAILED", data: { exitCode: 1 } });
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  test("are skipped for a quick start", async () => {
    const fleet = await open({ "setup.commands": ["touch made"] });
    const quick = await fleet.createAgent({ branch: "quick", quick: true });
    expect(existsSync(join(quick.worktree, "made"))).toBe(false);
    const always = await open({ "setup.commands": ["touch made"], "setup.quick": true });
    expect(existsSync(join((await always.createAgent({ branch: "always" })).worktree, "made"))).toBe(false);
    expect(existsSync(join((await always.createAgent({ branch: "not", quick: false })).worktree, "made"))).toBe(true);
  });
});

describe("templates and bases", () => {
  test("a template fills in prompt, agent and setup, and what is said in the call wins", async () => {
    const fleet = await open({
      "templates.review.prompt": "Review it",
      "templates.review.agent": "demo",
      "templates.review.setup": ["touch from-template"],
      "setup.commands": ["touch from-settings"],
      "agent.default": "claude",
    });
    const agent = await fleet.createAgent({ branch: "r", template: "review" });
    expect(agent.info).toMatchObject({ prompt: "Review it", adapter: "demo" });
    expect(readdirSync(agent.worktree)).toContain("from-template");
    expect(readdirSync(agent.worktree)).not.toContain("from-settings");
    await settle(
      () => promptsTaken(world),
      (taken) => taken.length === 1,
    );
    expect(promptsTaken(world).map(({ text }) => text)).toEqual(["Review it"]);
    expect((await fleet.createAgent({ branch: "s", template: "review", prompt: "Mine" })).info.prompt).toBe("Mine");
    await expect(fleet.createAgent({ branch: "t", template: "reviw" })).rejects.toMatchObject({
      code: "USAGE",
      hint: expect.stringContaining("review"),
    });
  });

  test("worktree.base says what new branches start from, --from wins, and HEAD is the calling folder's", async () => {
    const base = world.git(repo, "rev-parse", "HEAD").trim();
    world.git(repo, "tag", "v1");
    world.git(repo, "commit", "-q", "--allow-empty", "-m", "second");
    const head = world.git(repo, "rev-parse", "HEAD").trim();
    const fleet = await open({ "worktree.base": "v1" });
    expect((await fleet.createAgent({ branch: "a" })).base).toBe(base);
    expect((await fleet.createAgent({ branch: "b", from: "main" })).base).toBe(head);
    const side = join(world.root, "side");
    world.git(repo, "worktree", "add", "-q", "-b", "side", side, "v1");
    expect((await (await openFleet(world, side)).createAgent({ branch: "c" })).base).toBe(base);
    await expect(fleet.createAgent({ branch: "d", from: "nowhere" })).rejects.toMatchObject({ code: "REF_NOT_FOUND", exitCode: 3 });
    world.git(repo, "branch", "there");
    await expect(fleet.createAgent({ branch: "there", from: "v1" })).rejects.toMatchObject({ code: "BRANCH_EXISTS", exitCode: 4 });
  });

  test("uncommitted changes are not part of a new branch, and that is said", async () => {
    const fleet = await open({});
    const seen = warnings();
    await fleet.createAgent({ branch: "a" }, seen);
    expect(seen.codes).toEqual([]);
    world.write(join(repo, "README.md"), "changed\n");
    const agent = await fleet.createAgent({ branch: "b" }, seen);
    expect(seen.codes).toEqual(["UNCOMMITTED"]);
    expect(readFileSync(join(agent.worktree, "README.md"), "utf8")).toBe("# A repository\n");
    await fleet.createAgent({ branch: "c", from: "main" }, seen);
    expect(seen.codes).toEqual(["UNCOMMITTED"]);
  });
});

describe("a project file that nobody has trusted", () => {
  const project = () => join(repo, ".aifleet/config.toml");
  const text = '[setup]\ncommands = ["touch pwned"]\n';

  test("stops what starts programs, has no effect anywhere else, and works once trusted", async () => {
    const before = await openFleet(world, repo);
    const old = await before.createAgent({ branch: "old" });
    await old.stop();
    world.write(project(), `${text}[agent]\ndefault = "evil"\n[agents.evil]\ncommand = ["touch", "pwned"]\n`);
    world.git(repo, "add", "-A");
    world.git(repo, "commit", "-q", "-m", "settings");

    const fleet = await openFleet(world, repo);
    const there = oracle(world, repo);
    for (const start of [
      () => fleet.createAgent({ branch: "a" }),
      () => fleet.fanout({ count: 2, prompt: "x" }),
      () => fleet.multi([{ branch: "a", prompt: "x" }]),
      () => fleet.resume("old"),
    ])
      await expect(start()).rejects.toMatchObject({ code: "NOT_TRUSTED", exitCode: 4, data: { file: project() } });
    expect(oracle(world, repo)).toEqual(there);
    expect(fleet.config().config.setup.commands).toEqual([]);
    expect((await fleet.list()).map(({ branch, status }) => [branch, status])).toEqual([["old", "stopped"]]);
    expect((await fleet.logs("old")).length).toBeGreaterThan(0);

    const without = await openFleet(world, repo, { ignoreProjectConfig: true });
    const plain = await without.createAgent({ branch: "plain" });
    expect(plain.adapter).toBe("demo");
    expect(existsSync(join(plain.worktree, "pwned"))).toBe(false);

    await fleet.trust();
    const trusting = await openFleet(world, repo, { settings: { "agent.default": "demo" } });
    const agent = await trusting.createAgent({ branch: "a" });
    expect(existsSync(join(agent.worktree, "pwned"))).toBe(true);
  });

  test("may be trusted and used through one and the same fleet", async () => {
    world.write(project(), text);
    const fleet = await openFleet(world, repo);
    await expect(fleet.createAgent({ branch: "a" })).rejects.toMatchObject({ code: "NOT_TRUSTED" });
    await fleet.trust();
    const agent = await fleet.createAgent({ branch: "a" });
    expect(existsSync(join(agent.worktree, "pwned"))).toBe(true);
    expect(await fleet.revokeTrust()).toBe(true);
    await expect(fleet.createAgent({ branch: "b" })).rejects.toMatchObject({ code: "NOT_TRUSTED" });
  });

  test("asks again when its content has changed, and a copy inside an agent's worktree never counts", async () => {
    world.write(project(), text);
    world.git(repo, "add", "-A");
    world.git(repo, "commit", "-q", "-m", "settings");
    await (await openFleet(world, repo)).trust();
    const agent = await (await openFleet(world, repo)).createAgent({ branch: "a" });
    world.write(join(agent.worktree, ".aifleet/config.toml"), '[setup]\ncommands = ["touch from-the-agent"]\n');
    const inside = await openFleet(world, agent.worktree);
    const second = await inside.createAgent({ branch: "b" });
    expect(readdirSync(second.worktree)).toContain("pwned");
    expect(readdirSync(second.worktree)).not.toContain("from-the-agent");
    appendFileSync(project(), "# a comment\n");
    await expect((await openFleet(world, repo)).createAgent({ branch: "c" })).rejects.toMatchObject({ code: "NOT_TRUSTED" });
  });
});
