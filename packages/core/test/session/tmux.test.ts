import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { procfsDriver } from "../../src/drivers/process/procfs.js";
import { localHost } from "../../src/host/index.js";
import { createAll, createOne, seen } from "../../src/testing/contracts/session-subject.js";
import { makeWorld, settle, type World } from "../support/world.js";
import { specs, tmuxIn } from "./subjects.js";

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});

function world(): World {
  const made = makeWorld("tmux");
  worlds.push(made);
  return made;
}

/** Asks the world's server directly, around the driver. */
function tmux(w: World, ...args: string[]): string {
  return execFileSync("tmux", ["-u", "-N", "-S", join(w.root, "tmux.sock"), ...args], {
    env: w.env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

describe("many agents at once", () => {
  it("loses neither a byte nor an exit code of 60 agents that print and end at once", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const make = specs(w);
    const wanted = Array.from({ length: 60 }, (_, i) => make(["/bin/sh", "-c", `printf 'first %s\\n' ${i}; exit ${i % 50}`]));
    const results = await createAll(driver, wanted);
    expect(results.filter((result) => !result.ok)).toEqual([]);
    const all = await settle(
      () => driver.list(),
      (sessions) => sessions.length === 60 && sessions.every(({ exitCode }) => exitCode !== null),
    );
    const byAgent = new Map(all.map((session) => [session.agent, session]));
    expect(wanted.map(({ agent }) => byAgent.get(agent)?.exitCode)).toEqual(wanted.map((_, i) => i % 50));
    const screens = await driver.screens(all.map(({ id }) => id));
    expect(wanted.map(({ agent }) => screens.get(byAgent.get(agent)?.id ?? "")?.lines)).toEqual(wanted.map((_, i) => [`first ${i}`]));
    const logs = () => wanted.map(({ logFile }) => (existsSync(logFile) ? readFileSync(logFile, "utf8") : ""));
    await settle(logs, (texts) => texts.every((text) => text.endsWith("\n")));
    expect(logs()).toEqual(wanted.map((_, i) => `first ${i}\r\n`));
    expect(readdirSync(join(w.fleetHome, "run"))).toEqual([]);
  });
});

describe.skipIf(!existsSync("/proc/self/task"))("a program that waits for somebody to type", () => {
  it.each([
    ["itself", ["/bin/sh", "-c", "exec cat"], true],
    ["through a child of a child", ["/bin/sh", "-c", "(cat; :); :"], true],
    ["not at all", ["/bin/sh", "-c", "sleep 1000 </dev/null; :"], false],
  ] as const)("is seen to: %s", async (_, argv, waits) => {
    const w = world();
    const session = await createOne(tmuxIn(w), specs(w)([...argv]));
    const processes = procfsDriver({ host: localHost({ env: w.env }) });
    const alone = async () => (await processes.awaitsInput([session.pid])).get(session.pid);
    const among = async () => (await processes.awaitsInput([session.pid, process.pid])).get(session.pid);
    expect(await settle(alone, (answer) => answer === waits)).toBe(waits);
    expect(await among()).toBe(waits);
  });
});

describe("hostile surroundings", () => {
  it("shows a program as one session, whose name reads like another one's row", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const name = "a\n%9|$9|aaaaaaaa|%9|42|0|||1700000000|1700000000|tty||1|1|nt";
    symlinkSync("/bin/cat", join(w.root, name));
    const session = await createOne(driver, specs(w)([join(w.root, name)]));
    const sessions = await settle(
      () => driver.list(),
      ([first]) => first?.command.startsWith("a") === true,
    );
    expect(sessions.map(({ agent, command }) => [agent, command])).toEqual([[session.agent, name.replace("\n", " ")]]);
  });

  it("works from a home whose name a shell, a format or a date would expand, and expands none of it", async () => {
    const w = world();
    // A name of this run's own: what a mistake makes may lie anywhere, and stay.
    const mark = basename(w.root);
    const home = join(w.root, `a 'b' "c" #(touch ${mark}) %H $(touch ${mark}) \\ [*] #[bold] ##{pid} , } é漢`);
    mkdirSync(home, { mode: 0o700 });
    const include = join(home, "in clude's.conf");
    w.write(include, "set -g @included yes\n");
    const driver = tmuxIn(w, { include, detachKey: "C-o" }, home);
    const make = specs(w, home);
    const echo = make(["/bin/sh", "-c", "pwd -P; echo $0; exec sleep 600", "$(touch z)"]);
    const { id } = await createOne(driver, echo);
    const screen = await seen(driver, id, "touch z");
    expect(screen.replaceAll("\n", "")).toBe(`${join(home, "work")}$(touch z)`);
    const log = await settle(
      () => (existsSync(echo.logFile) ? readFileSync(echo.logFile, "utf8") : ""),
      (text) => text.includes("touch z"),
    );
    expect(log).toContain("touch z");
    expect(statSync(echo.logFile).mode & 0o777).toBe(0o600);
    expect(tmux(w, "show", "-gv", "@included")).toBe("yes\n");
    expect(tmux(w, "list-keys", "-T", "root")).toMatch(/C-o .*detach-client/);
    const made = readdirSync(w.root, { recursive: true, encoding: "utf8" });
    expect(made.filter((path) => basename(path) === mark)).toEqual([]);
    for (const folder of ["/", w.home, home, process.cwd()]) expect(existsSync(join(folder, mark))).toBe(false);
  });

  it("shows the environment of an agent to nobody: not in a command line, not in tmux, not in a file", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const secret = "s3cret-of-the-test";
    const spec = specs(w)(["/bin/sh", "-c", 'printf %s "$KEY" | wc -c; exec sleep 600'], { env: { ...w.env, KEY: secret } });
    const { id, name } = await createOne(driver, spec);
    await seen(driver, id, String(secret.length));
    expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(secret);
    for (const scope of [["-g"], ["-t", `=${name}`]]) expect(tmux(w, "show-environment", ...scope)).not.toContain(secret);
    expect(tmux(w, "list-panes", "-a", "-F", "#{pane_start_command}")).not.toContain(secret);
    const files = readdirSync(w.fleetHome, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of files) expect(readFileSync(join(file.parentPath, file.name), "utf8")).not.toContain(secret);
    expect(readdirSync(join(w.fleetHome, "run"))).toEqual([]);
  });

  it("gives an agent neither the server's variables nor the user's terminal, and skips what is no name", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const env = {
      PATH: w.env.PATH ?? "",
      TERM: "user-term",
      LINES: "3",
      TMUX: "/other,1,2",
      "BASH_FUNC_x%%": "() { :; }",
      UID: "77",
      OPTIND: "no",
      FLEET_TEST_WORLD: w.root,
    };
    const { id } = await createOne(driver, specs(w)(["/bin/sh", "-c", "env; echo THE END; exec sleep 600"], { env }));
    const lines = (await seen(driver, id, "THE END")).split("\n");
    const names = lines.filter((line) => line.includes("=")).map((line) => line.slice(0, line.indexOf("=")));
    expect(names.filter((name) => !/^(TERM_PROGRAM.*|PWD|_)$/.test(name)).sort()).toEqual(["FLEET_TEST_WORLD", "PATH", "TERM"]);
    expect(lines).toContain("TERM=screen-256color");
  });

  it("parses titles and programs that look like rows of its own listing", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const make = specs(w);
    const title = "é|%9|$9|evil|%9|1|0||||1|1|/dev/x|0|0|0|0|";
    const forged = make(["/bin/sh", "-c", "printf '\\033]2;%s\\033\\\\' \"$0\"; echo set; exec sleep 600", title]);
    const { id } = await createOne(driver, forged);
    await createOne(driver, make(["sleep", "600"]));
    await seen(driver, id, "set");
    const all = await driver.list();
    expect(all.map(({ agent }) => agent).sort()).toEqual(all.map(({ name }) => name.replace("ai_test_", "")).sort());
    expect(all.find((session) => session.id === id)).toMatchObject({ title, command: "sleep", dead: false });
  });

  it("sees nothing of a server on another socket, and harms nothing of it", async () => {
    const w = world();
    const [one, two] = [tmuxIn(w), tmuxIn(w, {}, w.fleetHome, "other.sock")];
    const make = specs(w);
    const [a, b] = [make(["sleep", "600"]), make(["sleep", "600"])];
    await createOne(one, a);
    await createOne(two, b);
    await one.end([b.agent]);
    await one.end([a.agent]);
    await one.tidy();
    expect((await two.list()).map(({ agent }) => agent)).toEqual([b.agent]);
    expect(
      await settle(
        () => one.list(),
        (all) => all.length === 0,
      ),
    ).toEqual([]);
  });
});

const RAW_READER = `
process.stdin.setRawMode(true);
const { createHash } = require("node:crypto");
const hash = createHash("sha256"); let size = 0; const want = Number(process.argv[1]);
if (process.argv[2]) process.stdout.write("\\x1b[?2004h");
process.stdin.on("data", (chunk) => { hash.update(chunk); size += chunk.length; if (size >= want) { console.log("sha " + hash.digest("hex") + "\\r"); } });
console.log("raw\\r");
`;

describe("prompts", () => {
  it("hands over 1 MB byte for byte, framed as one paste where the program asked for that, and keeps no copy", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const text = `${"a line; with é漢🚀 and \t tab\n".repeat(30_000)}end;`;
    for (const bracketed of ["", "yes"]) {
      const bytes = bracketed ? `\x1b[200~${text}\x1b[201~` : text;
      const spec = specs(w)([process.execPath, "-e", RAW_READER, String(Buffer.byteLength(bytes)), bracketed]);
      const session = await createOne(driver, spec);
      await seen(driver, session.id, "raw");
      expect(await driver.paste(session, spec.agent, text)).toBe("sent");
      const { createHash } = await import("node:crypto");
      await seen(driver, session.id, createHash("sha256").update(bytes).digest("hex"));
    }
    expect(tmux(w, "list-buffers")).toBe("");
  });

  it("keeps the server and every other agent alive when agents die around a paste", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const make = specs(w);
    const keeper = await createOne(driver, make(["sleep", "600"]));
    const dying = Array.from({ length: 20 }, (_, i) => make(["/bin/sh", "-c", `read -r line; sleep 0.${String(i * 2).padStart(2, "0")}`]));
    const receipts: string[] = [];
    const pasting: Promise<void>[] = [];
    for await (const result of driver.create(dying)) {
      if (!result.ok) throw result.error;
      const { session } = result;
      const go = async () => {
        for (let turn = 0, last = "sent"; last === "sent"; receipts.push(last), turn++)
          last =
            turn % 2 === 0 ? await driver.paste(session, result.agent, "text\n".repeat(100)) : await driver.submit(session, result.agent);
      };
      pasting.push(go());
    }
    await Promise.all(pasting);
    expect(new Set(receipts)).toEqual(new Set(["sent", "dead"]));
    const all = await driver.list();
    expect(all).toHaveLength(21);
    expect(all.find(({ id }) => id === keeper.id)?.dead).toBe(false);
    expect(tmux(w, "list-buffers")).toBe("");
  });

  it("submits although a person has scrolled back", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const spec = specs(w)(["/bin/sh", "-c", 'echo ready; read -r l; echo "got:$l"; exec sleep 600']);
    const session = await createOne(driver, spec);
    await seen(driver, session.id, "ready");
    tmux(w, "copy-mode", "-t", session.id);
    await driver.paste(session, spec.agent, "hello");
    await driver.press(session, spec.agent, "Enter");
    await seen(driver, session.id, "got:hello");
  });

  it("tells how a terminal takes text: line by line or raw, with bracketed paste or without", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const make = specs(w);
    const [plain, raw] = [make(["/bin/sh", "-c", "echo up; exec sleep 600"]), make([process.execPath, "-e", RAW_READER, "9", "yes"])];
    const mode = async (spec: typeof plain, mark: string) => {
      const session = await createOne(driver, spec);
      await seen(driver, session.id, mark);
      await settle(() => existsSync(spec.logFile) && readFileSync(spec.logFile, "utf8").includes(mark), Boolean);
      return driver.inputMode(session, { logFile: spec.logFile });
    };
    expect(await mode(plain, "up")).toEqual({ bracketedPaste: false, canonical: true });
    expect(await mode(raw, "raw")).toEqual({ bracketedPaste: true, canonical: false });
    expect(await driver.inputMode({ id: "%99", tty: "/dev/pts/none" }, { logFile: "/no/log" })).toEqual({
      bracketedPaste: null,
      canonical: null,
    });
  });
});

describe("the server", () => {
  it("keeps a log within its limit, the newest part of it", async () => {
    const w = world();
    const driver = tmuxIn(w, { logMaxBytes: 200_000 });
    const spec = specs(w)(["/bin/sh", "-c", 'i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo "line $i"; done; echo last; exec sleep 600']);
    const { id } = await createOne(driver, spec);
    await seen(driver, id, "last");
    const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
    await settle(
      () => read(spec.logFile),
      (text) => text.endsWith("last\r\n"),
    );
    const text = read(`${spec.logFile}.1`) + read(spec.logFile);
    expect(text.endsWith("line 39999\r\nline 40000\r\nlast\r\n")).toBe(true);
    expect(text.length).toBeGreaterThan(60_000);
    expect(text.length).toBeLessThan(200_000);
    const numbers = [...text.matchAll(/^line (\d+)\r$/gm)].map((match) => Number(match[1])).slice(1);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 40_001 - numbers.length + i));
  });

  it("takes up changed settings while it runs", async () => {
    const w = world();
    const make = specs(w);
    await createOne(tmuxIn(w), make(["sleep", "600"]));
    expect(tmux(w, "list-keys", "-T", "root")).not.toContain("F12");
    await createOne(tmuxIn(w, { detachKey: "F12" }), make(["sleep", "600"]));
    expect(tmux(w, "list-keys", "-T", "root")).toMatch(/F12 .*detach-client/);
    expect(tmux(w, "show", "-gv", "status-right")).toContain("F12 detaches");
  });

  it("runs agents undisturbed although the user's own tmux settings hold a mistake", async () => {
    const w = world();
    const include = w.write(join(w.home, "my.conf"), "set -g no-such-option 1\nset -g @mine yes\n");
    const driver = tmuxIn(w, { include });
    const spec = specs(w)(["/bin/sh", "-c", 'echo ready; read -r l; echo "got:$l"; exec sleep 600']);
    const session = await createOne(driver, spec);
    await seen(driver, session.id, "ready");
    await driver.paste(session, spec.agent, "hello");
    await driver.press(session, spec.agent, "Enter");
    await seen(driver, session.id, "got:hello");
    expect(tmux(w, "show", "-gv", "@mine")).toBe("yes\n");
  });

  it("is watched without anyone seeming to look on, and the watch survives the session it hangs on", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const make = specs(w);
    const wanted = [make(["sleep", "600"]), make(["sleep", "600"])];
    for (const spec of wanted) await createOne(driver, spec);
    const control = new AbortController();
    let changes = 0;
    const watching = (async () => {
      for await (const _ of driver.changes({ signal: control.signal })) changes++;
    })();
    const hung = await settle(
      () => tmux(w, "list-clients", "-F", "#{session_name}").trim(),
      (name) => name !== "",
    );
    expect((await driver.list()).map(({ attached }) => attached)).toEqual([0, 0]);
    await driver.end([wanted.find(({ name }) => name === hung)?.agent ?? ""]);
    await settle(
      () => tmux(w, "list-clients", "-F", "#{session_name}").trim(),
      (name) => name !== "" && name !== hung,
    );
    const before = changes;
    await createOne(driver, make(["sleep", "600"]));
    expect(
      await settle(
        () => changes,
        (now) => now > before,
      ),
    ).toBeGreaterThan(before);
    control.abort();
    await watching;
    expect(
      await settle(
        () => tmux(w, "list-clients"),
        (text) => text === "",
      ),
    ).toBe("");
  });

  it("ends by itself after its last session, and a new one can be started in the same breath", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const make = specs(w);
    for (let i = 0; i < 8; i++) {
      const spec = make(["sleep", "600"]);
      await createOne(driver, spec);
      await driver.end([spec.agent]);
    }
    expect(
      await settle(
        () => driver.list(),
        (all) => all.length === 0,
      ),
    ).toEqual([]);
    await driver.tidy();
  });

  it("tells the version, and what is missing or too old", async () => {
    const w = world();
    expect(await tmuxIn(w).version()).toMatch(/^\d+\.\d+/);
    const old = w.write(join(w.root, "bin", "tmux"), "#!/bin/sh\necho tmux 3.1c\n", 0o755);
    const oldWorld = { ...w, env: { ...w.env, PATH: join(old, "..") } };
    await expect(tmuxIn(oldWorld).version()).rejects.toMatchObject({
      code: "TOOL_OLD",
      data: { tool: "tmux", found: "3.1c", needed: "3.2" },
    });
    await expect(tmuxIn({ ...w, env: { ...w.env, PATH: "/no" } }).version()).rejects.toMatchObject({ code: "TOOL_MISSING" });
  });

  it("throws instead of answering none when the server does not answer", async () => {
    const w = world();
    const stuck = w.write(join(w.root, "bin", "tmux"), "#!/bin/sh\necho 'server says no' >&2; exit 1\n", 0o755);
    const driver = tmuxIn({ ...w, env: { ...w.env, PATH: `${join(stuck, "..")}:${w.env.PATH}` } });
    await expect(driver.list()).rejects.toMatchObject({ code: "DRIVER_FAILED", message: expect.stringContaining("server says no") });
    await expect(driver.end(["a"])).rejects.toMatchObject({ code: "DRIVER_FAILED" });
  });
});

describe("attaching", () => {
  it("opens a client of its own outside tmux and inside another, with the caller's environment less TMUX", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const session = await createOne(driver, specs(w)(["sleep", "600"]));
    for (const TMUX of [undefined, "/tmp/other,123,0"]) {
      const command = await driver.attachCommand(session, { PATH: w.env.PATH, TERM: "xterm", ABSENT: undefined, TMUX, TMUX_PANE: "%3" });
      expect(command.kind).toBe("client");
      expect(command.env).toEqual({ PATH: w.env.PATH, TERM: "xterm" });
      expect(command.argv.slice(-3)).toEqual(["attach-session", "-t", session.id]);
    }
  });

  it("shows the session on a terminal, counts who looks on, and leaves with the detach key", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const session = await createOne(driver, specs(w)(["sleep", "600"]));
    const other = await createOne(driver, specs(w)(["sleep", "600"]));
    const outer = tmuxIn(w, { detachKey: "F1" }, join(w.root, "outer"), "outer.sock");
    const { argv, env } = await driver.attachCommand(session, w.env);
    const terminal = specs(w)(argv, { env: { ...env } });
    const viewer = await createOne(outer, {
      ...terminal,
      argv: ["/bin/sh", "-c", 'export TERM=screen-256color; exec "$@"', "sh", ...argv],
    });
    await seen(outer, viewer.id, "C-q detaches");
    await seen(outer, viewer.id, session.name);
    const attached = async (id: string) => (await driver.list()).find((one) => one.id === id)?.attached;
    expect(await attached(session.id)).toBe(1);
    // From a pane of our own server, the terminal that looks through it goes over to the other session.
    const TMUX = `${driver.address},1,0`;
    const over = await driver.attachCommand(other, { ...w.env, TMUX, TMUX_PANE: session.id });
    expect(over.kind).toBe("switch");
    execFileSync(over.argv[0], over.argv.slice(1), { env: over.env });
    await seen(outer, viewer.id, other.name);
    expect([await attached(session.id), await attached(other.id)]).toEqual([0, 1]);
    execFileSync("tmux", ["-N", "-S", join(w.root, "outer.sock"), "send-keys", "-t", viewer.id, "C-q"], { env: w.env });
    expect(
      (
        await settle(
          () => outer.list(),
          (all) => all[0]?.dead === true,
        )
      )[0]?.exitCode,
    ).toBe(0);
    expect((await driver.list()).every(({ dead }) => !dead)).toBe(true);
  });
});
