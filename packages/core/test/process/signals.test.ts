import { describe, expect, it } from "vitest";
import { endTrees, type ProcessHands } from "../../src/drivers/process/end-trees.js";
import type { Row, Table } from "../../src/drivers/process/table.js";

const row = (pid: number, start: string): Row => ({
  pid,
  parent: 1,
  group: pid,
  session: 0,
  foreground: -1,
  name: "sh",
  zombie: false,
  start,
});
const TARGET = { root: { pid: 10, start: "old", boot: "b" }, marker: ["AIFLEET_ID", "x"] } as const;

/** Process 10, and whatever `starts` says of it when asked right before a signal. */
function hands(startsNow: () => string | undefined, answer = true): ProcessHands & { sent: string[] } {
  const sent: string[] = [];
  const table = async (): Promise<Table> => new Map(startsNow() === undefined ? [] : [[10, row(10, startsNow() as string)]]);
  return {
    sent,
    spared: new Set(),
    table,
    signalGroup: async () => false,
    async scan() {
      const start = startsNow() === undefined ? [] : [row(10, "old")];
      return { table: new Map(start.map((one) => [one.pid, one])), boot: "b", carriers: () => [] };
    },
    async starts() {
      const start = startsNow();
      return new Map(start === undefined ? [] : [[10, start]]);
    },
    async signal(_, name) {
      sent.push(name);
      return answer;
    },
  };
}

describe("signals", () => {
  it("never go to a stranger that got the pid between the look and the signal", async () => {
    let looks = 0;
    // Seen as ours by the scan, another one by the time it is to be signalled, gone in the end.
    const system = hands(() => (++looks <= 1 ? "old" : looks < 4 ? "stranger" : undefined));
    const report = await endTrees(system, [TARGET], 20);
    expect(system.sent).toEqual([]);
    expect(report).toEqual({ ended: [10], left: [] });
  });

  it("are TERM and CONT first, KILL after the grace, and whoever may not be signalled is reported at once", async () => {
    let alive = true;
    const stubborn = hands(() => (alive ? "old" : undefined));
    const signal = stubborn.signal;
    const system: ProcessHands = {
      ...stubborn,
      async signal(pid, name) {
        if (name === "SIGKILL") alive = false;
        return signal(pid, name);
      },
    };
    expect(await endTrees(system, [TARGET], 30)).toEqual({ ended: [10], left: [] });
    expect(stubborn.sent).toEqual(["SIGTERM", "SIGCONT", "SIGKILL"]);

    const forbidden = hands(() => "old", false);
    expect(await endTrees(forbidden, [TARGET], 30)).toEqual({ ended: [], left: [10] });
    expect(forbidden.sent).toEqual(["SIGTERM"]);
  });

  it("go to the whole group of what is another process each time it is looked at", async () => {
    let pid = 10;
    let alive = true;
    const sent: string[] = [];
    // In the group and session of 10, which ends first; whoever looks comes too late.
    const table = async (): Promise<Table> => {
      const now: Row = { ...row(pid, `s${pid}`), group: 10, session: 10 };
      pid += 1;
      return new Map(alive ? [[now.pid, now]] : []);
    };
    const system: ProcessHands = {
      spared: new Set(),
      table,
      scan: async () => ({ table: await table(), boot: "b", carriers: () => [] }),
      starts: async () => new Map(),
      signal: async (...args) => sent.push(args.join(" ")) > 0,
      async signalGroup(group, name) {
        if (name !== 0) {
          sent.push(`group ${group} ${name}`);
          alive = false;
        }
        return alive;
      },
    };
    await endTrees(system, [{ ...TARGET, root: { pid: 10, start: "s10", boot: "b" } }], 5000);
    expect(sent).toEqual(["group 10 SIGTERM"]);
  });
});
