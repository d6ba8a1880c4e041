import { describe, expect, it } from "vitest";
import { endTrees, type ProcessHands } from "../../src/drivers/process/end-trees.js";
import type { Row } from "../../src/drivers/process/table.js";

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
  return {
    sent,
    spared: new Set(),
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
});
