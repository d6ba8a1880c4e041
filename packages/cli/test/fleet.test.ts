import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, settle, type World } from "../../core/test/support/world.js";
import { BIN, fleet } from "./support/cli.js";

/** The built command on real git and tmux, with the scripted agent that comes along. */
let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("cli");
  repo = world.repo();
  world.write(
    join(world.fleetHome, "config.toml"),
    '[agent]\ndefault = "demo"\n[agents.seq]\ncommand = ["seq", "60000"]\nprompt_via = "file"\n',
    0o600,
  );
});
afterEach(() => world.dispose());

const run = (...args: string[]) => fleet(args, { cwd: repo, env: world.env });
const json = async (...args: string[]) => {
  const { code, stdout } = await run("--json", ...args);
  return { code, ...JSON.parse(stdout) };
};
const branches = () => world.git(repo, "branch", "--format=%(refname:short)").trim().split("\n");

describe("one agent", () => {
  it("is made, listed, prompted, read, refused to be lost, saved and restored", async () => {
    const made = await run("create", "fix-auth", "--prompt", "Fix the login bug");
    expect(made.code).toBe(0);
    expect(made.stdout).toContain("Next: fleet attach fix-auth");

    const { agents } = await json("list");
    expect(agents).toHaveLength(1);
    expect(agents[0]).toMatchObject({ branch: "fix-auth", adapter: "demo", prompt: "Fix the login bug", ahead: null, dirty: null });
    expect((await run("path", "fix-auth")).stdout).toBe(`${agents[0].worktree}\n`);

    expect(await json("wait", "fix-auth", "--timeout", "20")).toMatchObject({ code: 0, agents: [{ status: "idle" }] });
    expect(await json("prompt", "fix-auth", "- Run the tests")).toEqual({
      code: 0,
      results: [{ branch: "fix-auth", delivery: "delivered", reason: null, evidence: "read" }],
    });
    await settle(
      () => json("logs", "fix-auth", "-n", "200"),
      ({ lines }) => lines.some((line: string) => line.includes("Run the tests")),
    );

    // The scripted agent commits a note at the end of each turn.
    const turns = () => world.git(agents[0].worktree, "log", "--oneline").trim().split("\n").length;
    expect(await settle(turns, (count) => count === 3)).toBe(3);
    world.write(join(agents[0].worktree, "precious.txt"), "work");
    const refused = await run("kill", "fix-auth");
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toMatch(/^error: .*fix-auth.*\n {2}precious\.txt\nhint: .*--force/);
    expect(await json("kill", "fix-auth")).toMatchObject({ code: 4, error: { code: "WORKTREE_DIRTY", data: { files: ["precious.txt"] } } });
    expect(await json("kill", "fix-auth", "--force")).toMatchObject({
      code: 4,
      error: { code: "CONFIRMATION_NEEDED", hint: expect.stringContaining("--yes") },
    });
    expect(existsSync(agents[0].worktree)).toBe(true);

    const killed = await run("kill", "fix-auth", "--force", "--yes");
    expect(killed.code).toBe(0);
    const [, id] = /fleet restore (\S+)/.exec(killed.stdout) ?? [];
    expect(existsSync(agents[0].worktree)).toBe(false);
    expect(await run("restore", id ?? "")).toMatchObject({ code: 0 });
    expect(existsSync(join(agents[0].worktree, "precious.txt"))).toBe(true);
    expect(await run("kill", "fix-auth", "--force", "--yes")).toMatchObject({ code: 0 });
  });

  it("that is not there is exit 3 for every command that names one", async () => {
    for (const args of [
      ["prompt", "none", "x"],
      ["logs", "none"],
      ["path", "none"],
      ["diff", "none"],
      ["kill", "none"],
      ["stop", "none"],
      ["wait", "none"],
    ]) {
      expect(await json(...args), args.join(" ")).toMatchObject({ code: 3, error: { code: "AGENT_NOT_FOUND" } });
    }
  });
});

describe("several agents", () => {
  it("are made as a batch, need a yes to be killed, and go clean", async () => {
    const { code, batch, agents, failed } = await json("fanout", "2", "try", "--prompt", "go");
    expect({ code, failed, names: agents.map(({ branch }: { branch: string }) => branch) }).toEqual({
      code: 0,
      failed: [],
      names: ["try-1", "try-2"],
    });
    expect(await json("kill", "--batch", batch)).toMatchObject({
      code: 4,
      error: { code: "CONFIRMATION_NEEDED", data: { branches: ["try-1", "try-2"] } },
    });
    expect((await json("list", "--batch", batch)).agents).toHaveLength(2);
    await json("wait", "--batch", batch, "--timeout", "20");
    expect(await json("kill", "try-*", "--yes", "--force")).toMatchObject({ code: 0, refused: [] });
    expect((await json("list")).agents).toEqual([]);
  });

  it("from a task file on stdin", async () => {
    const input = '[[task]]\nbranch = "a"\nprompt = "one"\n[[task]]\nbranch = "b"\nprompt = "two"\n';
    const made = await fleet(["multi", "--file", "-", "--json"], { cwd: repo, env: world.env, input });
    expect(JSON.parse(made.stdout).agents.map(({ branch, prompt }: Record<string, string>) => [branch, prompt])).toEqual([
      ["a", "one"],
      ["b", "two"],
    ]);
    expect(await run("kill", "--all", "--yes", "--force")).toMatchObject({ code: 0 });
  });
});

describe("output", () => {
  it("is whole, however much there is, and JSON alone on stdout", async () => {
    await run("create", "long", "--agent", "seq");
    // The last of it may still be on its way from the terminal into the log.
    const { lines } = await settle(
      () => json("logs", "long", "-n", "40000"),
      (shown) => shown.lines.at(-1) === "60000",
    );
    expect(lines.length).toBeGreaterThan(30_000);
    expect(lines.at(-1)).toBe("60000");
  });

  it("ends without a word when its reader goes away", async () => {
    await run("create", "talk", "--prompt", "hello");
    const child = spawn(process.execPath, [BIN, "logs", "talk", "--follow"], { cwd: repo, env: world.env });
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const ended = new Promise((resolve) => child.once("exit", resolve));
    // Something more to say, so that it notices.
    await run("prompt", "talk", "and on");
    expect(await ended).toBe(0);
    expect(stderr).toBe("");
  });

  it("--verbose shows the commands on stderr and leaves stdout as it is", async () => {
    const { stdout, stderr } = await run("list", "--json", "--verbose");
    expect(JSON.parse(stdout)).toEqual({ agents: [], warnings: [] });
    expect(stderr).toMatch(/^\+ git .*\d+ ms$/m);
  });
});

describe("interruption", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s undoes what is in hand and exits %i", async (signal, code) => {
    const started = join(world.root, "started");
    const config = `[agent]\ndefault = "demo"\n[setup]\ncommands = ["touch '${started}'; sleep 60"]\n`;
    world.write(join(world.fleetHome, "config.toml"), config, 0o600);
    const child = spawn(process.execPath, [BIN, "create", "slow", "--prompt", "x"], { cwd: repo, env: world.env });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    expect(await settle(() => existsSync(started), Boolean)).toBe(true);
    child.kill(signal);
    expect(await ended).toBe(code);
    expect(branches()).toEqual(["main"]);
    expect(world.git(repo, "worktree", "list").trim().split("\n")).toHaveLength(1);
    expect((await json("list")).agents).toEqual([]);
  });
});

describe("trust", () => {
  it("an untrusted project file stops without a terminal, trust and passing over go on", async () => {
    world.write(join(repo, ".aifleet/config.toml"), '[setup]\ncommands = ["touch ran"]\n');
    expect(await json("create", "a", "--prompt", "x")).toMatchObject({ code: 4, error: { code: "NOT_TRUSTED" } });
    expect(branches()).toEqual(["main"]);
    const passed = await json("create", "a", "--prompt", "x", "--no-project-config");
    expect(existsSync(join(passed.agent.worktree, "ran"))).toBe(false);
    expect(await run("trust")).toMatchObject({ code: 0 });
    const trusted = await json("create", "b", "--prompt", "x");
    expect(existsSync(join(trusted.agent.worktree, "ran"))).toBe(true);
  });
});

describe("completion", () => {
  it("knows the agents' branches, and says nothing where there are none to know", async () => {
    await run("create", "fix-auth", "--prompt", "x");
    expect((await run("__complete", "--", "kill", "fi")).stdout).toMatch(/^fix-auth\t/);
    expect(await fleet(["__complete", "--", "kill", ""], { cwd: "/", env: { ...world.env, PATH: "/nonexistent" } })).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  it("bash completes branches and values", async () => {
    await run("create", "fix-auth", "--prompt", "x");
    const bin = world.write(join(world.root, "bin/fleet"), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, 0o755);
    const script = `source <(fleet completion bash); try() { COMP_LINE="$1"; COMP_POINT=\${#1}; COMP_WORDS=($1); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _fleet_complete; echo "\${COMPREPLY[*]}"; }; try "fleet kill fi"; try "fleet list --status wai"`;
    const env = { ...world.env, PATH: `${join(bin, "..")}:${world.env.PATH}` };
    const child = spawn("bash", ["--norc", "-c", script], { cwd: repo, env });
    let stdout = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    await new Promise((resolve) => child.once("close", resolve));
    expect(stdout.split("\n").slice(0, 2)).toEqual(["fix-auth", "waiting"]);
  });
});
