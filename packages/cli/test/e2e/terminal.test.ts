import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTerminal, type Terminal } from "../../../core/test/agents/support/terminal.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { widthOf } from "../../src/render/width.js";
import { BIN } from "../support/cli.js";
import { type Person, person, personEnv, traces } from "./support/person.js";

/** Somebody at a terminal: a shell in a pane of a tmux server of the world's own. */
let world: World;
let repo: string;
let me: Person;
beforeEach(() => {
  world = makeWorld("tty");
  repo = world.repo();
  me = person(world, repo);
});
afterEach(() => world.dispose());

interface Shell extends Terminal {
  /** Types a line on a cleared screen and waits for `good` on it. */
  run(line: string, good: (screen: string[]) => boolean): Promise<string[]>;
  /** The screen with its colours. */
  painted(): string;
}

/** A shell; `tmux: false` takes away what says that it runs inside one. */
async function openShell(options: { tmux?: boolean; env?: Record<string, string> } = {}): Promise<Shell> {
  world.write(join(world.root, "bin/fleet"), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, 0o755);
  const { AI_FLEET_HOME, AIFLEET_AGENT_DEFAULT, DEMO_AGENT_SPEED, DEMO_AGENT_LOG } = personEnv(world) as Record<string, string>;
  const env = {
    AI_FLEET_HOME,
    AIFLEET_AGENT_DEFAULT,
    DEMO_AGENT_SPEED,
    DEMO_AGENT_LOG,
    FLEET_TEST_WORLD: world.root,
    PATH: `${join(world.root, "bin")}:${world.env.PATH}`,
    PS1: "$ ",
    ENV: "/dev/null",
    ...options.env,
  } as Record<string, string>;
  const outside = options.tmux === true ? [] : ["env", "-u", "TMUX", "-u", "TMUX_PANE"];
  const terminal = openTerminal(world, [...outside, "sh"], repo, env);
  await terminal.see((lines) => lines.some((line) => line.startsWith("$")), "a shell's prompt");
  return {
    ...terminal,
    painted: () =>
      execFileSync("tmux", ["-u", "-S", join(world.root, "t.sock"), "capture-pane", "-e", "-p", "-t", "t"], {
        env: world.env,
        encoding: "utf8",
      }),
    async run(line, good) {
      terminal.type("clear");
      terminal.press("Enter");
      // What the last command left on the screen must not be taken for this one's.
      await terminal.see((screen) => screen.filter((text) => text !== "").join("") === "$", "an empty screen");
      terminal.type(line);
      terminal.press("Enter");
      return terminal.see(good, `the end of: ${line}`);
    },
  };
}

const has = (pattern: RegExp) => (lines: string[]) => lines.some((line) => pattern.test(line));
const ended = (code: number) => has(new RegExp(`^code ${code}$`));
const used = (lines: string[]) => lines.filter((line) => line.trim() !== "" && !/^(\$|code )/.test(line));

describe("list", () => {
  it.each([60, 80, 200])("fits %i columns", async (columns) => {
    const branches = ["short", `long-${"name-".repeat(20)}`, "日本語のブランチ名-🚀🚀🚀"];
    expect(await me.json(["multi", ...branches.map((branch) => `${branch}:go`)])).toMatchObject({ code: 0 });
    expect(await me.json(["wait", "--all", "--timeout", "20"])).toMatchObject({ code: 0 });
    const shell = await openShell();
    shell.resize(columns, 30);
    for (const more of ["", " --changes", " --grouped"]) {
      const lines = used(await shell.run(`fleet list${more}; echo code $?`, ended(0)));
      // Nothing is broken over two lines: a head, a row each, a summary, and one above each group.
      const rows = more === " --grouped" ? [5, 6] : [4, 5];
      expect(rows, lines.join("\n")).toContain(lines.length);
      expect(lines.find((line) => line.startsWith("BRANCH"))).toContain("STATUS");
      for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
      expect(lines.filter((line) => /○ idle/.test(line))).toHaveLength(3);
    }
  });

  it("has colours on a terminal, and no codes where there is none or none are wanted", async () => {
    expect(await me.json(["create", "a"])).toMatchObject({ code: 0 });
    const shell = await openShell();
    await shell.run("fleet list > out.plain; fleet list | cat > out.pipe; fleet list --no-color; echo code $?", ended(0));
    for (const file of ["out.plain", "out.pipe"]) expect(readFileSync(join(repo, file), "utf8")).toMatch(/^a\tdemo\t[^\u001b]*$/);
    expect(shell.painted()).not.toMatch(/\u001b\[[\d;]*3[0-7]m/);
    await shell.run("NO_COLOR=1 fleet list; echo code $?", ended(0));
    expect(shell.painted()).not.toMatch(/\u001b\[[\d;]*3[0-7]m/);
    await shell.run("fleet list; echo code $?", ended(0));
    expect(shell.painted()).toMatch(/\u001b\[[\d;]*3[0-7]m/);
  });

  it("--watch draws one picture over itself, and leaves the terminal as it was", async () => {
    expect(await me.json(["create", "first"])).toMatchObject({ code: 0 });
    const shell = await openShell();
    await shell.run("fleet list --watch --changes; echo code $?", has(/^first .*idle/));
    expect(await me.json(["create", "second"])).toMatchObject({ code: 0 });
    const lines = await shell.see(has(/^second .*idle/), "the second agent");
    expect(lines.filter((line) => line.startsWith("BRANCH"))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("first"))).toHaveLength(1);
    expect(await me.json(["kill", "first"])).toMatchObject({ code: 0 });
    await shell.see((now) => !has(/^first/)(now), "the first agent gone");
    shell.press("C-c");
    await shell.see(ended(130), "its end");
    const cursor = execFileSync("tmux", ["-S", join(world.root, "t.sock"), "display-message", "-p", "-t", "t", "#{cursor_flag}"], {
      env: world.env,
      encoding: "utf8",
    });
    expect(cursor.trim()).toBe("1");
  });
});

describe("progress", () => {
  it("shows each agent and its step while a batch comes up, and then goes", async () => {
    const shell = await openShell({ env: { AIFLEET_SETUP_COMMANDS: '["sleep 1"]' } });
    shell.type("clear; fleet fanout 3 try --prompt go; echo code $?");
    shell.press("Enter");
    const during = await shell.see(
      (lines) => has(/0 of 3/)(lines) && lines.filter((line) => /try-\d +setup .*sleep/.test(line)).length === 3,
      "progress",
    );
    expect(during.filter((line) => /try-\d/.test(line) && !line.includes("fleet"))).toHaveLength(3);
    const after = await shell.see(ended(0), "the end");
    expect(after.filter((line) => /^✓ try-\d/.test(line))).toHaveLength(3);
    expect(after.join("\n")).not.toMatch(/of 3|setup/);
    expect(after.join("\n")).toContain("fleet wait --batch");
  });

  it("of a batch that is interrupted by Ctrl+C ends in one line", async () => {
    const shell = await openShell({ env: { AIFLEET_SETUP_COMMANDS: '["sleep 300"]' } });
    shell.type("clear; fleet fanout 2 try --prompt go; echo code $?");
    shell.press("Enter");
    await shell.see((lines) => lines.filter((line) => /try-\d +setup/.test(line)).length === 2, "progress");
    shell.press("C-c");
    const lines = await shell.see(ended(130), "the end");
    expect(used(lines)).toEqual([expect.stringMatching(/^(\^C)?error: Interrupted; nothing was left\.$/)]);
    expect(traces(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"], journal: [] });
  });
});

describe("kill", () => {
  it("asks before several go, and takes anything but yes for no", async () => {
    expect(await me.json(["multi", "a:go", "b:[[dirty]] go"])).toMatchObject({ code: 0 });
    await me.json(["wait", "--all", "--timeout", "20"]);
    const shell = await openShell();
    for (const answer of ["n", "", "maybe"]) {
      const asked = await shell.run("fleet kill --all --force; echo code $?", has(/^Kill 2 agents\? \[y\/N\]/));
      expect(asked.join("\n")).toMatch(/b: .*saved to the trash[\s\S]*draft\.md/);
      shell.type(answer);
      shell.press("Enter");
      await shell.see((lines) => has(/^Nothing was killed/)(lines) && has(/^code \d/)(lines), "nothing killed");
    }
    await shell.run("fleet kill --all --force; echo code $?", has(/^Kill 2 agents\? \[y\/N\]/));
    shell.press("C-c");
    await shell.see(ended(130), "an interruption");
    expect((await me.json(["list"])).agents).toHaveLength(2);
    await shell.run("fleet kill --all --force; echo code $?", has(/^Kill 2 agents\? \[y\/N\]/));
    shell.type("y");
    shell.press("Enter");
    const lines = await shell.see(ended(0), "both killed");
    expect(lines.join("\n")).toMatch(/✓ a killed[\s\S]*✓ b killed[\s\S]*fleet restore/);
    expect((await me.json(["list"])).agents).toEqual([]);
  });

  it("does not ask for one clean agent by name", async () => {
    expect(await me.json(["create", "a"])).toMatchObject({ code: 0 });
    const shell = await openShell();
    expect(used(await shell.run("fleet kill a; echo code $?", ended(0)))).toEqual(["✓ a killed"]);
  });
});

describe("attach", () => {
  beforeEach(async () => {
    expect(await me.json(["multi", "a:say hello", "b:say goodbye"])).toMatchObject({ code: 0 });
  });

  it.each([
    ["a plain terminal", false],
    ["the user's own tmux", true],
  ])("from %s shows the agent, takes keys, and the detach key comes back", async (_what, tmux) => {
    const shell = await openShell({ tmux });
    const shown = await shell.run("fleet attach a; echo code $?", (lines) => has(/› say hello/)(lines) && has(/^›/)(lines));
    // How to leave stands on the screen, so that a tmux in a tmux is no trap.
    expect(shown.join("\n")).toMatch(/C-q|Ctrl.?Q/i);
    shell.type("typed by hand");
    shell.press("Enter");
    await shell.see(has(/^› typed by hand/), "what was typed");
    shell.press("C-q");
    const lines = await shell.see(ended(0), "the shell again");
    expect(lines.join("\n")).toContain("fleet attach a");
    expect(await me.json(["list"])).toMatchObject({
      agents: [{ branch: "a", status: expect.stringMatching(/idle|working/) }, { branch: "b" }],
    });
  });

  it("from inside an agent's own session switches to the other", async () => {
    world.write(
      join(world.fleetHome, "config.toml"),
      "[agents.shell]\ncommand = ['sh']\n[agents.shell.env]\nPS1 = '% '\nENV = '/dev/null'\n",
      0o600,
    );
    const path = `${join(world.root, "bin")}:${world.env.PATH}`;
    const shell = await openShell();
    expect(await me.json(["create", "inner", "--agent", "shell"], { env: { PATH: path } })).toMatchObject({ code: 0 });
    await shell.run("fleet attach inner; echo code $?", has(/^%/));
    shell.type("fleet attach b");
    shell.press("Enter");
    await shell.see(has(/› say goodbye/), "the other agent");
    shell.press("C-q");
    await shell.see(ended(0), "the shell again");
    expect(
      await settle(
        () => world.tmux("list-clients").trim(),
        (clients) => clients === "",
      ),
    ).toBe("");
    expect((await me.json(["list"])).agents).toHaveLength(3);
  });

  it("says what to do instead where there is no terminal or no agent", async () => {
    expect(await me.json(["attach", "a"])).toMatchObject({ code: 0, argv: expect.any(Array) });
    const piped = await me.fleet(["attach", "a"]);
    expect(piped).toMatchObject({ code: 2, stdout: "" });
    expect(piped.stderr).toMatch(/^error: attach needs a terminal.\nhint: .*fleet logs a --follow/);
    const shell = await openShell();
    const lines = used(await shell.run("fleet attach nobody; echo code $?", ended(3)));
    expect(lines[0]).toMatch(/^error: No agent is on "nobody"/);
    expect(await me.json(["stop", "a"])).toMatchObject({ code: 0 });
    const stopped = used(await shell.run("fleet attach a; echo code $?", has(/^code [1-9]/)));
    expect(stopped.join("\n")).toMatch(/^error: a .*\n*[\s\S]*fleet resume a/);
  });
});

describe("trust and prompts at a terminal", () => {
  it("an untrusted project file is asked about, and no means no", async () => {
    world.write(join(repo, ".aifleet/config.toml"), '[setup]\ncommands = ["touch ran"]\n');
    const shell = await openShell();
    shell.type("clear; fleet create a; echo code $?");
    shell.press("Enter");
    await shell.see(has(/\[y\/N\]/), "the question");
    shell.type("n");
    shell.press("Enter");
    await shell.see(ended(4), "a refusal");
    expect(traces(world, repo).branches).toEqual(["main"]);
    await shell.run("fleet create a; echo code $?", has(/\[y\/N\]/));
    shell.type("y");
    shell.press("Enter");
    await shell.see(ended(0), "the agent made");
  });

  it("a prompt is read from the terminal up to Ctrl+D", async () => {
    expect(await me.json(["create", "a"])).toMatchObject({ code: 0 });
    const shell = await openShell();
    await shell.run("fleet prompt a -; echo code $?", has(/Ctrl\+D/));
    shell.type("from the keyboard");
    shell.press("Enter");
    shell.press("C-d");
    await shell.see(ended(0), "its delivery");
    await settle(
      () => me.json(["logs", "a", "-n", "50"]),
      ({ lines }) => lines.some((line: string) => line.includes("from the keyboard")),
    );
    expect((await me.json(["logs", "a", "-n", "50"])).lines.join("\n")).toContain("from the keyboard");
  });
});
