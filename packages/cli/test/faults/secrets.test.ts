import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { agentOf } from "./support/oracle.js";
import { figure } from "./support/report.js";
import { fleetEnv } from "./support/run.js";

/** Each came in another way, and none is a word of anything else. */
const SECRET = {
  call: "cal1-9f3a77c2e1",
  settings: "s3tt-b81c40dd92",
  credential: "cr3d-07be55fa13",
  setup: "s3tu-6612ec8d4b",
} as const;
const SECRETS: readonly string[] = Object.values(SECRET);
const secretsIn = (text: string | Buffer): string[] => SECRETS.filter((secret) => text.includes(secret));

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command under a umask. */
function fleet(world: World, cwd: string, args: readonly string[], extra: Record<string, string> = {}, umask = "022"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", `umask ${umask}; exec "$@"`, "sh", process.execPath, BIN, ...args], {
      cwd,
      env: { ...fleetEnv(world), ...extra },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Every file below a folder, links not followed. */
function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Looks into the command line of every process over and over, as a neighbour with `ps` would. */
function watchArgv(): { stop(): Promise<{ looks: number; seen: string[] }> } {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { readdirSync, readFileSync } = require("node:fs");
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const seen = new Set();
    let looks = 0;
    while (Atomics.load(workerData.stop, 0) === 0) {
      for (const pid of readdirSync("/proc")) {
        if (!/^\\d+$/.test(pid)) continue;
        try {
          const line = readFileSync("/proc/" + pid + "/cmdline", "latin1");
          if (workerData.secrets.some((secret) => line.includes(secret))) seen.add(line.replaceAll("\\0", " "));
        } catch {}
      }
      looks += 1;
      Atomics.wait(pause, 0, 0, 5);
    }
    parentPort.postMessage({ looks, seen: [...seen] });`;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(code, { eval: true, workerData: { stop, secrets: SECRETS } });
  const answer = new Promise<{ looks: number; seen: string[] }>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  return {
    stop() {
      Atomics.store(stop, 0, 1);
      return answer;
    },
  };
}

/** Notes the argv of whatever a process of node's starts, also of what lives too short to be seen. */
const NOTE_ARGV = `const cp = require("node:child_process");
const { appendFileSync } = require("node:fs");
const spawn = cp.ChildProcess.prototype.spawn;
cp.ChildProcess.prototype.spawn = function (options) {
  appendFileSync(process.env.ARGV_LOG, JSON.stringify([options.file, ...(options.args ?? [])]) + "\\n");
  return spawn.call(this, options);
};`;

describe("a secret that came in the call's environment, an agent's settings, a credential file or a setup command", () => {
  let world: World;
  let repo: string;
  const printed: string[] = [];
  let argv = { looks: 0, seen: [] as string[] };
  let tmuxKnows = "";
  let agents: { branch: string; got: boolean; copied: string; mode: number }[] = [];

  beforeAll(async () => {
    world = makeWorld("secrets");
    repo = world.repo();
    world.write(join(repo, ".env"), `KEY=${SECRET.credential}\n`);
    world.write(
      join(world.fleetHome, "config.toml"),
      `[setup]
credential_files = [".env"]
commands = ["DEPLOY=${SECRET.setup}; sleep 0.1"]
[agents.demo]
env = { FROM_SETTINGS = "${SECRET.settings}" }
[agents.dies]
command = ["sh", "-c", 'echo "boom $API_KEY $FROM_SETTINGS" >&2; exit 3', "agent"]
env = { FROM_SETTINGS = "${SECRET.settings}" }
[agents.talks]
command = ["sh", "-c", 'echo "it is $API_KEY"; exec sleep 1000', "agent"]
`,
      0o600,
    );
    const preload = world.write(join(world.root, "note-argv.cjs"), NOTE_ARGV);
    const env = { API_KEY: SECRET.call, NODE_OPTIONS: `--require=${preload}`, ARGV_LOG: join(world.root, "argv.log"), DEBUG: "*" };
    const ask = async (args: readonly string[], code: number, more: Record<string, string> = {}) => {
      for (const flags of args[0] === "create" || args[0] === "fanout" || args[0] === "kill"
        ? [["--json", "--verbose"]]
        : [["--json"], ["--verbose"]]) {
        const answer = await fleet(world, repo, [...args, ...flags], { ...env, ...more });
        expect({ args, code: answer.code, ...(answer.code === code ? {} : { said: answer }) }).toEqual({ args, code });
        printed.push(answer.stdout, answer.stderr);
      }
    };
    const failing = { AIFLEET_SETUP_COMMANDS: JSON.stringify(["true", `echo "no $API_KEY ${SECRET.setup}" >&2; exit 3`]) };

    const watch = watchArgv();
    await ask(["create", "one", "--prompt", "hello"], 0);
    await ask(["fanout", "2", "more", "--prompt", "hello"], 0);
    await ask(["create", "talks", "--agent", "talks"], 0);
    await ask(["create", "dies", "--agent", "dies"], 1);
    await ask(["create", "set", "--prompt", "x"], 1, {
      ...failing,
      AIFLEET_SETUP_COMMANDS: failing.AIFLEET_SETUP_COMMANDS.replace(SECRET.setup, ""),
    });
    await ask(["create", "hangs", "--prompt", "x"], 1, {
      AIFLEET_SETUP_COMMANDS: JSON.stringify([`DEPLOY=${SECRET.setup}; sleep 100`]),
      AIFLEET_SETUP_TIMEOUT: "1",
    });
    await ask(["wait", "one", "--for", "idle", "--timeout", "60"], 0);
    await ask(["prompt", "one", "and again"], 0);
    await ask(["list", "--changes"], 0);
    agents = JSON.parse((await fleet(world, repo, ["list", "--json"], env)).stdout).agents.map(
      ({ id, branch, worktree }: { id: string; branch: string; worktree: string }) => ({
        branch,
        got: processesOf(world.root).some((pid) => {
          if (agentOf(pid) !== id) return false;
          const environ = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
          return environ.includes(`API_KEY=${SECRET.call}`) && (branch === "talks" || environ.includes(`FROM_SETTINGS=${SECRET.settings}`));
        }),
        copied: readFileSync(join(worktree, ".env"), "utf8"),
        mode: lstatSync(join(worktree, ".env")).mode & 0o777,
      }),
    );
    const sessions = world.sessions();
    const server = world.tmux("display-message", "-p", "#{pid}").trim();
    tmuxKnows = [
      world.tmux("show-environment", "-g"),
      ...sessions.map((name) => world.tmux("show-environment", "-t", name)),
      ...sessions.map((name) => world.tmux("show-options", "-t", name)),
      world.tmux("list-panes", "-a", "-F", "#{pane_start_command}#{pane_title}#{pane_current_command}"),
      readFileSync(`/proc/${server}/environ`, "utf8"),
    ].join("\n");
    // One is killed with work that nobody has, and one saves what `git add -A` takes.
    for (const branch of ["one", "more-1"]) {
      const worktree = (await fleet(world, repo, ["path", branch])).stdout.trim();
      world.write(join(worktree, "draft.txt"), "a draft\n");
      world.git(worktree, "add", "-A");
      if (branch === "more-1") world.git(worktree, "commit", "-q", "-m", "all of it");
    }
    await ask(["kill", "one", "talks", "--force", "--yes"], 0);
    argv = await watch.stop();
  }, 120_000);
  afterAll(() => world.dispose());

  it("reaches the agent", () => {
    const wanted = (branch: string) => ({ branch, got: true, copied: `KEY=${SECRET.credential}\n`, mode: 0o600 });
    expect(agents).toEqual(["one", "more-1", "more-2", "talks"].map(wanted));
  });

  it("stands in no command line", () => {
    const started = readFileSync(join(world.root, "argv.log"), "utf8");
    expect(started.split("\n").length).toBeGreaterThan(50);
    expect(argv.looks).toBeGreaterThan(50);
    expect(started.split("\n").filter((line) => secretsIn(line).length > 0)).toEqual([]);
    expect(argv.seen).toEqual([]);
    figure("R10", `argv: ${started.split("\n").length - 1} started programs, ${argv.looks} looks at /proc`, "0 secrets");
  });

  it("is not known to tmux", () => {
    expect(tmuxKnows).toContain("PATH=");
    expect(secretsIn(tmuxKnows)).toEqual([]);
  });

  it("is not printed, not even with --verbose, by a failing setup or a dying agent", () => {
    expect(printed.join("")).toMatch(/SETUP_FAILED[\s\S]*no …/);
    expect(printed.join("")).toMatch(/AGENT_DIED/);
    expect(printed.filter((text) => secretsIn(text).length > 0)).toEqual([]);
    figure("R10", `${printed.length / 2} commands, --json and --verbose`, "0 secrets printed");
  });

  it("lies in the home only where the user put it, in copies of the credential file, and in what an agent printed, each for the user alone", () => {
    const holding = filesBelow(world.fleetHome)
      .filter((path) => secretsIn(readFileSync(path)).length > 0)
      .map((path) => relative(world.fleetHome, path));
    const kinds = holding.map((path) =>
      path.replace(/^logs\/\w+\.(log|screen)$/, "log").replace(/^(worktrees\/[^/]+\/[^/]+|trash\/\w+\/tree)\/\.env$/, "copy"),
    );
    expect(kinds.filter((kind) => !["config.toml", "copy", "log"].includes(kind))).toEqual([]);
    // Nothing of what is looked for is missing: the printed secret is kept word for word.
    expect(new Set(kinds)).toEqual(new Set(["config.toml", "copy", "log"]));
    for (const path of holding) expect([path, lstatSync(join(world.fleetHome, path)).mode & 0o077]).toEqual([path, 0]);
    figure("R10", `files of the home (${filesBelow(world.fleetHome).length})`, "0 secrets in state, journal, run, marks");
  });

  it("is in no object and no file of the repository, though everything was added, committed and saved", () => {
    const objects = execFileSync("git", ["cat-file", "--batch-all-objects", "--batch", "--unordered"], {
      cwd: repo,
      env: world.env,
      maxBuffer: 1 << 28,
    });
    expect(objects.includes("a draft")).toBe(true);
    expect(world.git(repo, "for-each-ref", "refs/fleet/trash")).not.toBe("");
    expect(secretsIn(objects)).toEqual([]);
    expect(secretsIn(world.git(repo, "log", "--all", "-p"))).toEqual([]);
    expect(filesBelow(join(repo, ".git")).filter((path) => secretsIn(readFileSync(path)).length > 0)).toEqual([]);
  });
});

describe("settings that are wrong", () => {
  let world: World;
  beforeEach(() => {
    world = makeWorld("settings");
  });
  afterEach(() => world.dispose());

  it.each([
    ["variables that are no table", `[agents.demo]\nenv = "${SECRET.settings}"\n`],
    ["variables in a list", `[agents.demo]\nenv = ["${SECRET.settings}"]\n`],
    ["a variable that is a list", `[agents.demo]\nenv = { A = ["${SECRET.settings}"] }\n`],
    ["text that is not closed", `[agents.demo]\nenv = { A = "${SECRET.settings} }\n`],
    ["a quote that is not closed", `[agents.demo]\ncommand = "x '${SECRET.settings}"\n`],
    ["setup commands that are no list", `[setup]\ncommands = { A = "${SECRET.settings}" }\n`],
  ])("are told of without their text: %s", async (_what, text) => {
    world.write(join(world.fleetHome, "config.toml"), text, 0o600);
    const answer = await fleet(world, world.root, ["config", "validate"]);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toMatch(/config\.toml/);
    expect(secretsIn(answer.stdout + answer.stderr)).toEqual([]);
  });
});

describe("whatever the umask", () => {
  it.each(["000", "077"])(
    "%s, all that the fleet writes is for the user alone",
    async (umask) => {
      const world = makeWorld("umask");
      try {
        const repo = world.repo();
        world.write(join(repo, ".env"), "KEY=1\n");
        chmodSync(join(repo, ".env"), 0o644);
        const env = { AIFLEET_SETUP_CREDENTIAL_FILES: '[".env"]' };
        for (const args of [
          ["fanout", "2", "try", "--prompt", "hello [[dirty]]"],
          ["wait", "try-1", "--for", "idle", "--timeout", "60"],
          ["kill", "try-1", "--force", "--yes"],
          ["list", "--changes"],
        ]) {
          const answer = await fleet(world, repo, args, env, umask);
          expect({ args, ...answer }).toMatchObject({ args, code: 0 });
        }
        const open = [
          world.fleetHome,
          ...readdirSync(world.fleetHome, { recursive: true, encoding: "utf8" }).map((name) => join(world.fleetHome, name)),
        ]
          // What git wrote has the modes that git gives, in folders that are the user's alone.
          .filter((path) => !/\/(worktrees\/[^/]+\/[^/]+|trash\/[^/]+\/(tree|admin))\/(?!\.env$)/.test(path))
          .filter((path) => (lstatSync(path).mode & 0o077) !== 0 && !lstatSync(path).isSymbolicLink())
          .filter((path) => !/\/worktrees\/[^/]+\/[^/]+$|\/trash\/[^/]+\/tree$/.test(path));
        expect(open.map((path) => `${relative(world.root, path)} ${(lstatSync(path).mode & 0o777).toString(8)}`)).toEqual([]);
        const marks = filesBelow(join(repo, ".git", "worktrees")).filter((path) => path.endsWith("aifleet.json"));
        expect(marks.map((path) => lstatSync(path).mode & 0o777)).toEqual(marks.map(() => 0o600));
        expect(marks).toHaveLength(1);
      } finally {
        await world.dispose();
      }
    },
    60_000,
  );
});

describe("a home that was there before and open to others", () => {
  it("is made private by the first command that makes something in it, which says so", async () => {
    const world = makeWorld("open-home");
    try {
      const repo = world.repo();
      for (const name of ["", "logs", "worktrees"]) mkdirSync(join(world.fleetHome, name), { recursive: true });
      for (const name of ["", "logs", "worktrees"]) chmodSync(join(world.fleetHome, name), 0o777);
      const first = await fleet(world, repo, ["create", "one", "--prompt", "x"]);
      expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining(`${world.fleetHome} was open to other users (mode 0777)`) });
      for (const name of ["", "logs", "worktrees"]) expect(lstatSync(join(world.fleetHome, name)).mode & 0o777).toBe(0o700);
      expect((await fleet(world, repo, ["create", "two", "--prompt", "x"])).stderr).not.toContain("open to other users");
    } finally {
      await world.dispose();
    }
  });

  it("that holds more than the fleet's own stays as it is, the fleet's folders in it are made private", async () => {
    const world = makeWorld("open-home");
    try {
      const repo = world.repo();
      world.write(join(world.fleetHome, "notes.txt"), "mine\n");
      mkdirSync(join(world.fleetHome, "trash"));
      chmodSync(world.fleetHome, 0o755);
      chmodSync(join(world.fleetHome, "trash"), 0o755);
      expect((await fleet(world, repo, ["create", "one", "--prompt", "x"])).code).toBe(0);
      expect(lstatSync(world.fleetHome).mode & 0o777).toBe(0o755);
      for (const name of readdirSync(world.fleetHome).filter((name) => name !== "notes.txt"))
        expect([name, lstatSync(join(world.fleetHome, name)).mode & 0o077]).toEqual([name, 0]);
    } finally {
      await world.dispose();
    }
  });
});

describe("a credential file", () => {
  let world: World;
  let repo: string;
  let outside: string;
  beforeEach(() => {
    world = makeWorld("copies");
    repo = world.repo("repo", { "README.md": "x\n", ".gitignore": "keys/\n*.key\n" });
    outside = join(world.root, "outside");
    world.write(join(outside, "a.key"), SECRET.credential, 0o600);
  });
  afterEach(() => world.dispose());

  const KINDS: readonly (readonly [string, string, () => void])[] = [
    ["a link", "linked.key", () => symlinkSync(join(outside, "a.key"), join(repo, "linked.key"))],
    ["a link among files of a glob", "*.key", () => symlinkSync("../outside/a.key", join(repo, "linked.key"))],
    ["a file below a linked folder", "keys/a.key", () => symlinkSync(outside, join(repo, "keys"))],
    ["a glob below a linked folder", "keys/*", () => symlinkSync(outside, join(repo, "keys"))],
    ["a path that climbs", "../outside/a.key", () => undefined],
    ["a path that climbs later", "keys/../../outside/a.key", () => mkdirSync(join(repo, "keys"))],
    ["an absolute path", "ABSOLUTE", () => undefined],
    ["a fifo", "pipe.key", () => execFileSync("mkfifo", [join(repo, "pipe.key")])],
  ];
  it.each(KINDS)("that leads out is not followed: %s", async (_what, pattern, prepare) => {
    prepare();
    const files = JSON.stringify([pattern === "ABSOLUTE" ? join(outside, "a.key") : pattern]);
    const answer = await fleet(world, repo, ["create", "one", "--prompt", "x"], { AIFLEET_SETUP_CREDENTIAL_FILES: files });
    expect(answer.stdout + answer.stderr).toMatch(/key|credential/i);
    const homes = filesBelow(world.fleetHome).filter((path) => readFileSync(path).includes(SECRET.credential));
    expect(homes).toEqual([]);
    expect([0, 1, 2]).toContain(answer.code);
  });

  it.each([
    ["the file", "a.key", `fs.renameSync(path, path + ".was"); fs.symlinkSync(OUTSIDE + "/a.key", path);`],
    [
      "the folder around it",
      "keys/a.key",
      `const at = require("node:path").dirname(path); fs.renameSync(at, at + ".was"); fs.symlinkSync(OUTSIDE, at);`,
    ],
  ])("is not read from outside where a link takes the place of %s in the last moment", async (_what, file, swap) => {
    const inside = world.write(join(repo, file), "inside");
    const preload = world.write(
      join(world.root, "swap.cjs"),
      `delete process.env.NODE_OPTIONS;
const fs = require("node:fs");
const { open } = fs.promises;
const OUTSIDE = ${JSON.stringify(outside)};
fs.promises.open = async (path, ...rest) => {
  if (path === ${JSON.stringify(inside)} && !fs.existsSync(OUTSIDE + "/swapped")) { fs.writeFileSync(OUTSIDE + "/swapped", ""); ${swap} }
  return open(path, ...rest);
};`,
    );
    const env = { AIFLEET_SETUP_CREDENTIAL_FILES: JSON.stringify([file]), NODE_OPTIONS: `--require=${preload}` };
    const answer = await fleet(world, repo, ["create", "one", "--prompt", "x"], env);
    expect(existsSync(join(outside, "swapped"))).toBe(true);
    expect(answer).toMatchObject({ code: 0, stderr: expect.stringMatching(/credential file .* was not copied/) });
    expect(filesBelow(world.fleetHome).filter((path) => readFileSync(path).includes(SECRET.credential))).toEqual([]);
  });

  it("is not written through a link that a branch has in its place", async () => {
    symlinkSync(outside, join(repo, "cfg"));
    world.git(repo, "add", "-A");
    world.git(repo, "commit", "-q", "-m", "a link");
    execFileSync("rm", [join(repo, "cfg")]);
    mkdirSync(join(repo, "cfg"));
    writeFileSync(join(repo, "cfg", "b.key"), "inside");
    const answer = await fleet(world, repo, ["create", "one", "--prompt", "x"], { AIFLEET_SETUP_CREDENTIAL_FILES: '["cfg/b.key"]' });
    expect([0, 1]).toContain(answer.code);
    expect(readdirSync(outside)).toEqual(["a.key"]);
  });
});
