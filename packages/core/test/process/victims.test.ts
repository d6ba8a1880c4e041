import { describe, expect, it } from "vitest";
import { groupsOf, isStillOurs } from "../../src/drivers/process/groups.js";
import { parseStat } from "../../src/drivers/process/stat.js";
import type { Row } from "../../src/drivers/process/table.js";
import { findVictims } from "../../src/drivers/process/victims.js";

const row = (pid: number, parent: number, change: Partial<Row> = {}): Row => ({
  pid,
  parent,
  group: pid,
  session: 0,
  foreground: -1,
  name: "sh",
  zombie: false,
  start: `s${pid}`,
  ...change,
});

const MARKER = ["AIFLEET_ID", "x"] as const;

function victims(rows: Row[], options: { root?: number; carriers?: number[]; known?: Row[]; spared?: number[] } = {}): number[] {
  const table = new Map(rows.map((one) => [one.pid, one]));
  const root = options.root === undefined ? null : { pid: options.root, start: `s${options.root}`, boot: "b" };
  const known = new Map((options.known ?? []).map((one) => [one.pid, one]));
  const scan = { table, boot: "b", carriers: () => options.carriers ?? [] };
  return findVictims([{ root, marker: MARKER }], scan, known, new Set(options.spared))
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);
}

describe("which processes belong to an agent", () => {
  it("takes the tree, but no tmux server in it and nothing below that", () => {
    const rows = [row(10, 1), row(11, 10), row(12, 11, { name: "tmux: server" }), row(13, 12), row(14, 10, { zombie: true })];
    expect(victims(rows, { root: 10 })).toEqual([10, 11]);
  });

  it("takes carriers of the marker, but none inside a foreign tmux server", () => {
    const rows = [row(10, 1), row(20, 1, { name: "tmux: server" }), row(21, 20)];
    expect(victims(rows, { carriers: [10, 20, 21] })).toEqual([10]);
  });

  it("does not take neighbours whose server carries the marker and handed it to all", () => {
    const rows = [row(20, 1, { name: "tmux: server" }), row(21, 20), row(22, 20)];
    expect(victims(rows, { root: 21, carriers: [20, 21, 22] })).toEqual([21]);
  });

  it("takes what lives in a session that an ended process led, until that pid is a stranger's", () => {
    const led = row(10, 1, { session: 10 });
    const orphan = row(11, 1, { session: 10 });
    expect(victims([orphan], { known: [led] })).toEqual([11]);
    expect(victims([orphan, row(10, 1, { session: 10, start: "later" })], { known: [led] })).toEqual([]);
  });

  it("spares the caller inside an agent, and the commands it runs just now", () => {
    const rows = [row(10, 1), row(11, 10), row(12, 11)];
    expect(victims(rows, { root: 10, carriers: [10, 11, 12], spared: [11] })).toEqual([10]);
  });

  it("never takes pid 1", () => {
    expect(victims([row(1, 0), row(10, 1)], { root: 1, carriers: [1] })).not.toContain(1);
  });
});

describe("a process group is signalled as one", () => {
  const member = (pid: number, change: Partial<Row> = {}): Row => row(pid, 1, { group: 10, session: 10, ...change });
  const tableOf = (...rows: Row[]) => new Map(rows.map((one) => [one.pid, one]));
  const [leader, child] = [member(10), member(11)];

  it("only where each of its processes is a victim", () => {
    const group = { id: 10, session: 10, leader: "s10" };
    expect(groupsOf([leader, child], tableOf(leader, child, row(20, 1)))).toEqual([group]);
    expect(groupsOf([child], tableOf(child, member(12, { zombie: true })))).toEqual([{ ...group, leader: null }]);
    expect(groupsOf([leader, child], tableOf(leader, child, member(12)))).toEqual([]);
    expect(groupsOf([row(5, 1, { group: 1 })], tableOf(row(5, 1, { group: 1 })))).toEqual([]);
  });

  it("only where it is still the same one: same leader or still none, same session, no tmux server, not the caller", () => {
    const [led, unled] = [
      { id: 10, session: 10, leader: "s10" },
      { id: 10, session: 10, leader: null },
    ];
    const still = (group: typeof led | typeof unled, ...rows: Row[]) => isStillOurs(group, tableOf(...rows), new Set([99]));
    expect(still(led, leader, member(40))).toBe(true);
    expect(still(led, member(40))).toBe(true);
    expect(still(unled, member(40), member(41, { zombie: true }))).toBe(true);
    expect(still(led, { ...leader, start: "later" }, child)).toBe(false);
    expect(still(unled, leader, child)).toBe(false);
    expect(still(led, leader, member(40, { session: 40 }))).toBe(false);
    expect(still(led, leader, member(40, { name: "tmux: server" }))).toBe(false);
    expect(still(led, leader, member(99))).toBe(false);
    expect(still(led, row(20, 1))).toBe(false);
  });
});

describe("a line of /proc/<pid>/stat", () => {
  const rest = "S 1 7 7 34816 7 4194304 1 2 3 4 100 50 7 3 20 0 1 0 987654 1000 42 184467";

  it.each(["sh", "a b", "x) S 1 (y", ")", "", "new\nline", "tmux: server"])("is read whatever the program is called: %j", (name) => {
    expect(parseStat(`7 (${name}) ${rest}`)).toMatchObject({
      pid: 7,
      name,
      parent: 1,
      foreground: 7,
      start: "987654",
      ticks: 160,
      pages: 42,
      zombie: false,
    });
  });

  it("is not read when it is cut or empty", () => {
    for (const text of ["", "7", "7 (sh", "7 (sh) S 1 7", "x (sh) S"]) expect(parseStat(text)).toBeNull();
  });
});
