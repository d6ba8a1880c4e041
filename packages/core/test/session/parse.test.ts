import { describe, expect, it } from "vitest";
import { tmuxConf } from "../../src/drivers/session/conf.js";
import { bracketedPasteIn } from "../../src/drivers/session/input-mode.js";
import { logCommand } from "../../src/drivers/session/log-pipe.js";
import { exitCode, parsePanes, toSessions } from "../../src/drivers/session/parse.js";
import { globLiteral, inertShellWord, shellWord, tmuxWord } from "../../src/drivers/session/quote.js";
import { parseScreens } from "../../src/drivers/session/screens.js";
import { parseVersion } from "../../src/drivers/session/version.js";

function row(
  pane: string,
  session: string,
  agent: string,
  marked: string,
  texts: [clients: string, name: string, command: string, title: string],
  dead = "0||",
) {
  const [clients, name, command, title] = texts;
  const lengths = [name, title].map((text) => Buffer.byteLength(text)).join("|");
  return `${pane}|${session}|${agent}|${marked}|42|${dead}|1700000000|1700000005|/dev/pts/1|${clients}|${lengths}|${name}${title}${command}\n`;
}

describe("a listing of panes", () => {
  it("is read by lengths, so that no text can pose as a row", () => {
    const evil = `x\n${row("%9", "$9", "evil", "%9", ["", "n", "c", "t"])}`;
    const panes = parsePanes(row("%1", "$1", "a1", "%1", ["", "one", "sh|é", evil]) + row("%2", "$2", "", "", ["", "two", "vi", ""]));
    expect(panes.map(({ id, agent, command, title }) => [id, agent, command, title])).toEqual([
      ["%1", "a1", "sh|é", evil],
      ["%2", null, "vi", ""],
    ]);
    expect(panes[0]).toMatchObject({
      name: "one",
      pid: 42,
      dead: false,
      exitCode: null,
      createdAt: 1_700_000_000_000,
      activityAt: 1_700_000_005_000,
    });
  });

  it("counts terminals that look on, not watchers", () => {
    expect(parsePanes(row("%1", "$1", "a", "%1", ["/dev/pts/3,client-77,/dev/pts/4", "n", "c", ""]))[0]?.attached).toBe(2);
  });

  it("goes on with the next row after a text whose bytes were lost", () => {
    const broken = row("%1", "$1", "a", "%1", ["", "n", "cc", "tt"]).replace("ttcc", "\ufffdtcc");
    expect(parsePanes(broken + row("%2", "$2", "b", "%2", ["", "n", "c", ""])).map(({ id }) => id)).toContain("%2");
  });

  it("shows the agent's own pane, whatever a person split off beside it", () => {
    const beside = row("%1", "$1", "a", "%2", ["", "n", "vi", ""]);
    expect(toSessions(parsePanes(beside + row("%2", "$1", "a", "%2", ["", "n", "agent", ""]))).map(({ command }) => command)).toEqual([
      "agent",
    ]);
    expect(toSessions(parsePanes(beside))).toMatchObject([{ agent: "a", dead: true, exitCode: null }]);
  });

  it("turns what tmux says of an end into an exit code", () => {
    expect([exitCode("0", ""), exitCode("7", ""), exitCode("", "9"), exitCode("", "TERM"), exitCode("", "term"), exitCode("", "")]).toEqual(
      [0, 7, 137, 143, 143, null],
    );
  });
});

describe("screens", () => {
  it("leave out a pane whose capture broke off, and take no text of a program for a mark", () => {
    const stdout = "T 1\none  \n\nT end\nT 2\nT 3\nX 9\nthree\n\n\nT end\n";
    expect([...parseScreens(stdout, "T").screens]).toEqual([
      ["%1", { lines: ["one"] }],
      ["%3", { lines: ["X 9", "three"] }],
    ]);
  });

  it("of ended programs are the rows that their end moved into the history", () => {
    const ended = (moved: number, last = "") => `T 1\nT ended ${moved} 3 ${last}\na\nb\nc\nd\n\n\nT end\n`;
    const lines = (stdout: string, history?: number) => parseScreens(stdout, "T", history).screens.get("%1")?.lines;
    expect(lines(ended(2))).toEqual(["c", "d"]);
    expect(lines(ended(2), 1)).toEqual(["b", "c", "d"]);
    expect(lines(ended(2), Number.POSITIVE_INFINITY)).toEqual(["a", "b", "c", "d"]);
    // The history was full, or was wrapped anew.
    expect(lines(ended(0))).toEqual(["b", "c", "d"]);
    expect(lines(ended(99))).toEqual(["b", "c", "d"]);
    expect([...parseScreens(ended(0, "1"), "T").buffered]).toEqual([["%1", 3]]);
  });
});

describe("bracketed paste", () => {
  it.each([
    ["", null],
    ["\x1b[?2004h", true],
    ["\x1b[?2004h text \x1b[?2004l", false],
    ["\x1b[?1004;2004h", true],
    ["\x1b[?20041h\x1b[?25l", null],
    ["\x1b[?2004h\x1bc", false],
  ])("is read from %j as %s", (text, state) => expect(bracketedPasteIn(text)).toBe(state));
});

describe("versions", () => {
  it.each([
    ["tmux 3.3a\n", 3, 3],
    ["tmux next-3.5\n", 3, 5],
    ["tmux 2.9\n", 2, 9],
    ["tmux master\n", Number.POSITIVE_INFINITY, 0],
    ["tmux openbsd-7.4\n", Number.POSITIVE_INFINITY, 0],
  ])("of %j are understood", (text, major, minor) => expect(parseVersion(text)).toMatchObject({ major, minor }));
  it("of something else are none", () => expect(parseVersion("screen 4")).toBeNull());
});

describe("quoting", () => {
  it("keeps every text one literal word", () => {
    expect(shellWord("it's $x")).toBe("'it'\\''s $x'");
    expect(tmuxWord("it's #{x}")).toBe(`'it'"'"'s #{x}'`);
    expect(tmuxWord("a\\\n# b")).toBe(`'a\\'"\\n"'# b'`);
    expect(globLiteral("/a/[b]*?\\")).toBe("/a/\\[b\\]\\*\\?\\\\");
    expect(inertShellWord("/plain/path-1.log")).toBe("/plain/path-1.log");
    expect(inertShellWord("/a b#%é")).toBe(`"$(printf '/a\\040b\\043\\045\\303\\251')"`);
  });

  it("gives tmux nothing to expand in the log's command", () => {
    for (const limit of [null, 1000, 20_000_000]) expect(logCommand("/h #(touch x) %H/l", limit)).not.toMatch(/[#%]/);
  });

  it("shows any detach key as it is", () => {
    const conf = tmuxConf({ historyLimit: 10, detachKey: "C-%", include: null, logMaxBytes: null });
    expect(conf.text).toContain("bind-key -n 'C-%' detach-client");
    expect(conf.text).toContain("C-%% detaches");
    expect(conf.text).toContain(`set -s @aifleet_conf ${conf.hash}`);
  });
});
