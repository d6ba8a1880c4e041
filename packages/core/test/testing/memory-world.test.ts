import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Clock, Fleet, type FleetEvent } from "../../src/index.js";
import { type MemoryTerminal, type MemoryWorld, memoryAgent, memoryWorld } from "../../src/testing/index.js";
import { settle } from "../support/world.js";

const spawned = vi.hoisted(() => [] as string[]);
vi.mock("node:child_process", async (original) => {
  const real = await original<typeof import("node:child_process")>();
  const refuse = (name: string) => () => {
    spawned.push(name);
    throw new Error("No process may be started.");
  };
  return { ...real, spawn: refuse("spawn"), execFile: refuse("execFile"), exec: refuse("exec"), spawnSync: refuse("spawnSync") };
});

/** Every prompt the programs took, in order. */
let taken: string[];
let world: MemoryWorld;
let fleet: Fleet;

async function coder(terminal: MemoryTerminal): Promise<number | undefined> {
  const [, ...args] = terminal.argv;
  if (args[0] === "--resume") terminal.print(`Resumed ${args[1]}\n`);
  const act = async (prompt: string): Promise<number | null> => {
    taken.push(`${terminal.env.AIFLEET_BRANCH}: ${prompt}`);
    terminal.print(`> ${prompt}\n`);
    const [verb, ...rest] = prompt.split(" ");
    if (verb === "write") await world.git.bench.writeFile(terminal.cwd, rest[0] ?? "", rest.slice(1).join(" "));
    if (verb === "commit") await world.git.bench.commit(terminal.cwd, prompt);
    if (verb === "ask") terminal.print(`answer: ${await terminal.ask(rest.join(" "))}\n`);
    if (verb === "hang") await new Promise((resolve) => terminal.signal.addEventListener("abort", resolve));
    if (verb === "fail" && terminal.env.AIFLEET_INDEX === rest[0]) return 9;
    return verb === "exit" ? Number(rest[0]) : null;
  };
  if (args.length > 0 && args[0] !== "--resume") {
    const code = await act(args.join(" "));
    if (code !== null) return code;
  }
  for await (const line of terminal.lines()) {
    const code = await act(line);
    if (code !== null) return code;
  }
  return undefined;
}

beforeEach(async () => {
  taken = [];
  world = await memoryWorld({
    programs: { coder, tui, deaf },
    adapters: [memoryAgent({ name: "typed", program: "coder", promptVia: "paste" })],
    files: { "README.md": "# Here\n", ".gitignore": "*.log\nnode_modules/\n" },
    commands: {
      "/bin/sh": async ({ cwd, env }) => {
        await world.git.bench.writeFile(cwd, "built.log", env.AIFLEET_SETUP ?? "");
        return {};
      },
      hello: ({ argv, cwd }) => ({ exitCode: 4, stdout: `${argv[1]} ${cwd}\n` }),
    },
  });
  fleet = await Fleet.open(world.options);
});

afterEach(async () => {
  await world.dispose();
  expect(world.processes.pids).toHaveLength(1);
  expect(existsSync(world.options.home ?? "")).toBe(false);
  expect(spawned).toEqual([]);
});

/** The coder with bracketed paste, as full-screen programs have. */
function tui(terminal: MemoryTerminal) {
  terminal.bracketedPaste = true;
  return coder(terminal);
}

/** Runs, and never reads what is typed. */
async function deaf(terminal: MemoryTerminal): Promise<undefined> {
  terminal.title = "idle";
  await new Promise((resolve) => terminal.signal.addEventListener("abort", resolve));
  return undefined;
}

const statuses = async () => (await fleet.list()).map(({ branch, status }) => `${branch} ${status}`);
const filesOf = (folder: string) => world.host.disk.list(folder);

describe("a whole fleet in memory", () => {
  test("an agent gets branch, worktree, process and its prompt, and a kill leaves nothing of it", async () => {
    const agent = await fleet.createAgent({ branch: "fix-auth", prompt: "Fix the login bug" });
    await agent.waitFor("idle", { timeout: 5000 });
    expect(taken).toEqual(["fix-auth: Fix the login bug"]);
    expect(agent.info).toMatchObject({ id: "a0000001", adapter: "coder", repo: world.repo, createdBranch: true });
    expect((await fleet.list())[0]).toMatchObject({ status: "idle", statusSource: "screen", processes: 1, memory: 1_000_000 });
    expect(filesOf(agent.worktree)).toEqual([".git", ".gitignore", "README.md"]);
    expect((await agent.logs()).join("\n")).toBe("> Fix the login bug");

    expect(await agent.kill()).toMatchObject({ saved: null, branchKept: false });
    expect(await fleet.list()).toEqual([]);
    expect(filesOf(agent.worktree)).toBeNull();
    expect(world.processes.pids).toHaveLength(1);
    expect((await fleet.logs("fix-auth")).join("\n")).toBe("> Fix the login bug");
  });

  test.each(["coder", "typed", "tui"])("later prompts reach %s exactly once, and say so", async (adapter) => {
    const agent = await fleet.createAgent({ branch: "talk", prompt: "one", adapter });
    await agent.waitFor("idle", { timeout: 5000 });
    expect(await agent.prompt("two; 'three' $(touch x)")).toMatchObject({ delivery: "delivered" });
    expect(await agent.prompt("é漢")).toMatchObject({ delivery: "delivered" });
    await agent.waitFor("idle", { timeout: 5000 });
    expect(taken).toEqual(["talk: one", "talk: two; 'three' $(touch x)", "talk: é漢"]);
  });

  test("several lines are one prompt for a program with bracketed paste, and refused by one without", async () => {
    const able = await fleet.createAgent({ branch: "able", adapter: "tui" });
    await fleet.createAgent({ branch: "plain" });
    await fleet.wait({ all: true }, { for: "idle", timeout: 5000 });
    expect(await able.prompt("a\nb")).toMatchObject({ delivery: "delivered" });
    await able.waitFor("idle", { timeout: 5000 });
    expect(taken).toEqual(["able: a\nb"]);
    await expect(fleet.prompt("plain", "a\nb")).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
    expect(taken).toHaveLength(1);
  });

  test("a prompt the program never reads is not called delivered", async () => {
    let now = Date.now();
    const hurried: Clock = {
      now: () => now,
      async sleep(ms) {
        now += ms;
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
    const own = await Fleet.open({ ...world.options, clock: hurried });
    await own.createAgent({ branch: "deaf", adapter: "deaf" });
    await expect(own.prompt("deaf", "hello")).rejects.toMatchObject({ code: "PROMPT_UNVERIFIED" });
  });

  test("an agent that asks by the time it is its turn is given none", async () => {
    let ahead = 0;
    const clock: Clock = { now: () => Date.now() + ahead, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const own = await memoryWorld({
      clock,
      programs: {
        async crowd(terminal): Promise<undefined> {
          if (terminal.env.AIFLEET_BRANCH === "a-40") {
            void terminal.lines()[Symbol.asyncIterator]().next();
            await opened;
            await terminal.ask("May I?");
          }
          for await (const _ of terminal.lines()) {
            ahead = 5000;
            open();
          }
        },
      },
    });
    const many = await Fleet.open(own.options);
    await many.fanout({ count: 40, prefix: "a", prompt: "x" });
    const results = await many.prompt({ all: true }, "Go on");
    await own.dispose();
    expect(results.map(({ delivery }) => delivery)).toEqual([...Array(39).fill("delivered"), "refused"]);
    expect(results[39]?.reason).toContain("asks a question");
  });

  test("a program that ends on a prompt is not waited for, and the prompt is not called delivered", async () => {
    const agent = await fleet.createAgent({ branch: "quits" });
    await agent.waitFor("idle", { timeout: 5000 });
    const began = Date.now();
    await expect(agent.prompt("exit 0")).rejects.toMatchObject({ code: "PROMPT_UNVERIFIED", message: expect.stringContaining("ended") });
    expect(Date.now() - began).toBeLessThan(2000);
    expect(taken).toEqual(["quits: exit 0"]);
  });

  test("working, waiting and idle show, a question is refused a prompt and takes a person's answer", async () => {
    const agent = await fleet.createAgent({ branch: "asks", prompt: "ask May I?" });
    await agent.waitFor("waiting", { timeout: 5000 });
    expect((await fleet.list())[0]).toMatchObject({ status: "waiting", question: "May I?" });
    await expect(agent.prompt("no")).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
    world.sessions.type(agent.id, "yes\n");
    await agent.waitFor("idle", { timeout: 5000 });
    expect(await agent.logs()).toContain("answer: yes");
    await agent.prompt("hang");
    expect(await statuses()).toEqual(["asks working"]);
  });

  test("the user's own patterns read the screen", async () => {
    const own = await Fleet.open({ ...world.options, settings: { "agents.coder.patterns.waiting": "^> Shall I" } });
    await own.createAgent({ branch: "seen", prompt: "Shall I begin?" });
    expect(await own.list()).toMatchObject([{ status: "waiting", statusSource: "screen", question: "> Shall I begin?" }]);
    expect(await fleet.list()).toMatchObject([{ status: "idle" }]);
  });

  test("how a program ended shows: done with 0, failed with its code, died before it was up", async () => {
    const good = await fleet.createAgent({ branch: "good", prompt: "exit 0" });
    await good.waitFor("done", { timeout: 5000 });
    const bad = await fleet.createAgent({ branch: "bad" });
    await bad.waitFor("idle", { timeout: 5000 });
    world.sessions.type(bad.id, "exit 7\n");
    await fleet.wait("bad", { for: "ended", timeout: 5000 });
    expect(await fleet.list()).toMatchObject([
      { branch: "good", status: "done", exitCode: 0, pid: null },
      { branch: "bad", status: "failed", exitCode: 7, pid: null },
    ]);
    const shot = await fleet.createAgent({ branch: "shot" });
    world.processes.exit(shot.info.pid ?? 0);
    expect((await fleet.list()).at(-1)).toMatchObject({ branch: "shot", status: "failed", exitCode: 143 });
    await expect(fleet.createAgent({ branch: "dies", prompt: "exit 2" })).rejects.toMatchObject({
      code: "AGENT_DIED",
      data: { exitCode: 2, output: "> exit 2" },
    });
    expect(await world.git.listBranches({ commonDir: `${world.repo}/.git`, path: world.repo, bare: false })).toEqual([
      "main",
      "good",
      "bad",
      "shot",
    ]);
  });

  test("a fan-out keeps those that come up and undoes the others", async () => {
    const batch = await fleet.fanout({
      count: 3,
      prefix: "t",
      prompt: "fail 1 of {branch}",
      expand: true,
      adapter: ["coder", "typed", "tui"],
    });
    expect(batch.agents.map(({ branch }) => branch)).toEqual(["t-2", "t-3"]);
    expect(batch.failed).toMatchObject([{ branch: "t-1", error: { code: "AGENT_DIED" } }]);
    expect(taken.sort()).toEqual(["t-1: fail 1 of t-1", "t-2: fail 1 of t-2", "t-3: fail 1 of t-3"]);
    await fleet.wait({ all: true }, { for: "idle", timeout: 5000 });
    expect(await statuses()).toEqual(["t-2 idle", "t-3 idle"]);
    expect((await fleet.kill({ batch: batch.id })).killed).toHaveLength(2);
    expect(world.processes.pids).toHaveLength(1);
  });

  test("stopped, its program is gone and its work kept; resumed, it takes up its conversation", async () => {
    const agent = await fleet.createAgent({ branch: "pause", prompt: "write notes.txt draft" });
    await agent.waitFor("idle", { timeout: 5000 });
    await agent.stop();
    expect(agent.status).toBe("stopped");
    expect(world.processes.pids).toHaveLength(1);
    expect(await agent.diff()).toContain("+draft");
    await agent.resume();
    await agent.waitFor("idle", { timeout: 5000 });
    expect(await agent.logs()).toContain(`Resumed ${agent.id}`);
    expect(await agent.prompt("go on")).toMatchObject({ delivery: "delivered" });
  });

  test("a crash makes agents lost, not those done, and resume brings them back", async () => {
    const lost = await fleet.createAgent({ branch: "alive" });
    const done = await fleet.createAgent({ branch: "finished", prompt: "exit 0" });
    await done.waitFor("done", { timeout: 5000 });
    world.sessions.crash();
    expect(await statuses()).toEqual(["alive lost", "finished done"]);
    await fleet.resume("alive");
    await lost.waitFor("idle", { timeout: 5000 });
    expect(await statuses()).toEqual(["alive idle", "finished done"]);
  });

  test("a kill refuses to lose work, saves it under force, and it is restored as it was", async () => {
    const agent = await fleet.createAgent({ branch: "work", prompt: "write src/new.ts let x" });
    await agent.waitFor("idle", { timeout: 5000 });
    await agent.prompt("write secret.log mine");
    await agent.waitFor("idle", { timeout: 5000 });
    await expect(agent.kill()).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["src/new.ts", "secret.log"] } });
    expect(await statuses()).toEqual(["work idle"]);

    const killed = await agent.kill({ force: true });
    expect(filesOf(agent.worktree)).toBeNull();
    expect(killed.saved?.folder).toContain(agent.id);
    const back = await fleet.restore("work");
    expect(world.host.disk.readText(`${back.worktree}/src/new.ts`)).toBe("let x");
    expect(world.host.disk.readText(`${back.worktree}/secret.log`)).toBe("mine");
    await back.resume();
    await back.waitFor("idle", { timeout: 5000 });
    await back.prompt("commit");
    await back.waitFor("idle", { timeout: 5000 });
    expect((await fleet.list({ changes: true }))[0]).toMatchObject({ ahead: 1, dirty: false });
    await expect(back.kill()).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["secret.log"] } });
  });

  test("setup commands, credential files and exec work on the same files", async () => {
    await world.git.bench.writeFile(world.repo, "key.log", "s3cret");
    const own = await Fleet.open({ ...world.options, settings: { "setup.commands": ["make"], "setup.credential_files": ["key.log"] } });
    const agent = await own.createAgent({ branch: "set" });
    expect(world.host.disk.readText(`${agent.worktree}/key.log`)).toBe("s3cret");
    expect(world.host.disk.readText(`${agent.worktree}/built.log`)).toBe("make");
    const lines: string[] = [];
    expect(await own.exec("set", ["hello", "there"], { onLine: ({ text }) => lines.push(text) })).toEqual([{ branch: "set", exitCode: 4 }]);
    expect(lines).toEqual([`there ${agent.worktree}`]);
    await expect(own.exec("set", ["npm", "test"])).rejects.toMatchObject({ code: "TOOL_MISSING" });
    // What setup and the fleet made is nobody's work.
    await agent.kill();
  });

  test("events tell of what comes, changes and goes; follow ends with the agent", async () => {
    const control = new AbortController();
    const told: string[] = [];
    const tell = (event: FleetEvent) => told.push(event.type === "agent.status" ? `${event.from}>${event.to}` : event.type);
    const watching = (async () => {
      for await (const event of fleet.events({ signal: control.signal })) tell(event);
    })().catch((error) => error);
    const agent = await fleet.createAgent({ branch: "seen", prompt: "hang" });
    await settle(
      () => told.length,
      (n) => n > 0,
    );
    const followed = (async () => {
      const lines: string[] = [];
      for await (const line of fleet.follow("seen")) lines.push(line);
      return lines;
    })();
    await agent.stop();
    expect(await followed).toEqual(["> hang"]);
    await settle(
      () => told,
      (all) => all.includes("working>stopped"),
    );
    await agent.kill();
    await settle(
      () => told,
      (all) => all.includes("agent.removed"),
    );
    control.abort();
    await watching;
    expect(told.filter((event) => !event.startsWith("starting"))).toEqual(["agent.created", "working>stopped", "agent.removed"]);
  });

  test("another fleet on the same world sees the same agents, also when the registry is lost", async () => {
    await fleet.createAgent({ branch: "shared" });
    const { repo: _, ...everywhere } = world.options;
    const other = await Fleet.open(everywhere);
    expect((await other.list()).map(({ branch }) => branch)).toEqual(["shared"]);
    await world.store.update((draft) => {
      draft.agents = [];
      draft.repositories = [];
    });
    expect((await other.list()).map(({ branch }) => branch)).toEqual(["shared"]);
  });

  test("doctor finds nothing wrong, a program that is missing is said before anything is made", async () => {
    await fleet.createAgent({ branch: "fine" });
    expect((await fleet.doctor()).findings.filter(({ state }) => state === "problem")).toEqual([]);
    await expect(fleet.createAgent({ branch: "claude", adapter: "claude" })).rejects.toMatchObject({ code: "AGENT_COMMAND_MISSING" });
    expect(await statuses()).toEqual(["fine idle"]);
  });
});
