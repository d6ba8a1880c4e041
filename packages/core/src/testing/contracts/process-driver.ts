import assert from "node:assert/strict";
import { isFleetError } from "../../errors/index.js";
import type { ProcessIdentity } from "../../model/index.js";
import type { ProcessDriver } from "../../ports/index.js";
import { type ContractSuite, until } from "./suite.js";

/** How a process for the contract is started. */
export interface StartOptions {
  /** A variable in its environment and that of its children. */
  readonly marker?: readonly [name: string, value: string];
  /** How many children it has. @default 0 */
  readonly children?: number;
  /** TERM does not end it. @default false */
  readonly ignoresTerm?: boolean;
}

/** What the process driver's contract is run on. The subject ends what it started afterwards. */
export interface ProcessSubject {
  readonly processes: ProcessDriver;
  /** Starts a process without a terminal; answers once it and its children run. */
  start(options?: StartOptions): Promise<{ readonly pid: number; readonly children: readonly number[] }>;
  /** Ends a process at once. */
  kill(pid: number): Promise<void>;
}

const identityOf = async (processes: ProcessDriver, pid: number): Promise<ProcessIdentity> => {
  const identity = (await processes.identify([pid])).get(pid);
  assert.ok(identity, `pid ${pid} was not identified`);
  return identity;
};

const sorted = (pids: Iterable<number>): number[] => [...pids].sort((a, b) => a - b);

/** A marker nobody else uses. */
let marks = 0;
const newMark = (): readonly [string, string] => ["FLEET_CONTRACT_MARK", `m${process.pid}x${Date.now()}x${++marks}x`];
const NOBODY = ["FLEET_CONTRACT_MARK", "nobody-carries-this"] as const;

/** The promises of {@link ProcessDriver}. */
export const processDriverContract: ContractSuite<ProcessSubject> = {
  port: "ProcessDriver",
  cases: [
    {
      name: "knows this process, and knows it to be alive",
      async run({ processes }) {
        const self = await processes.self();
        assert.ok(self.pid > 0 && self.start !== "" && self.boot !== "");
        assert.equal(await processes.isAlive(self), true);
        assert.deepEqual(await processes.self(), self);
      },
    },
    {
      name: "identifies living pids and leaves the others out",
      async run({ processes, start, kill }) {
        const [alive, dead] = [await start(), await start()];
        await kill(dead.pid);
        const known = await until(
          () => processes.identify([alive.pid, dead.pid, 0x7ffffff0]),
          (found) => !found.has(dead.pid),
          "the killed process to be gone",
        );
        assert.deepEqual([...known.keys()], [alive.pid]);
      },
    },
    {
      name: "believes a pid only with its start time and boot",
      async run({ processes, start }) {
        const identity = await identityOf(processes, (await start()).pid);
        assert.equal(await processes.isAlive(identity), true);
        assert.equal(await processes.isAlive({ ...identity, start: "12345" }), false);
        assert.equal(await processes.isAlive({ ...identity, boot: "another boot" }), false);
      },
    },
    {
      name: "samples several trees in one go and leaves out roots that are gone",
      async run({ processes, start }) {
        const [one, two] = [await start({ children: 2 }), await start()];
        const samples = await processes.sample([one.pid, two.pid, 0x7ffffff0]);
        assert.deepEqual(sorted(samples.keys()), sorted([one.pid, two.pid]));
        const sample = samples.get(one.pid);
        assert.ok(sample);
        assert.equal(sample.pids[0], one.pid);
        assert.deepEqual(sorted(sample.pids), sorted([one.pid, ...one.children]));
        assert.ok(sample.memory > 100_000, `memory ${sample.memory}`);
        assert.ok(sample.cpuMs >= 0 && sample.ageMs >= 0);
      },
    },
    {
      name: "counts what a tree has read, or says that it cannot, and knows nothing of a root that is gone",
      async run({ processes, start }) {
        const { pid } = await start({ children: 1 });
        const read = await processes.bytesRead(pid);
        assert.ok(read === null || read >= 0);
        assert.equal(await processes.bytesRead(0x7ffffff0), null);
      },
    },
    {
      name: "tells no foreground for a process without a terminal, or for none at all",
      async run({ processes, start }) {
        assert.equal(await processes.foreground((await start()).pid), null);
        assert.equal(await processes.foreground(0x7ffffff0), null);
      },
    },
    {
      name: "ends a tree and says whom it ended",
      async run({ processes, start }) {
        const tree = await start({ children: 2 });
        const root = await identityOf(processes, tree.pid);
        const report = await processes.endTrees([{ root, marker: NOBODY }], { graceMs: 2000 });
        assert.deepEqual(sorted(report.ended), sorted([tree.pid, ...tree.children]));
        assert.deepEqual(report.left, []);
        assert.equal((await processes.identify([tree.pid, ...tree.children])).size, 0);
      },
    },
    {
      name: "ends whoever carries the marker, without any root, and nobody else",
      async run({ processes, start }) {
        const marker = newMark();
        const [marked, other, unmarked] = [
          await start({ marker, children: 1 }),
          await start({ marker: [marker[0], `${marker[1]}2`] }),
          await start(),
        ];
        const report = await processes.endTrees([{ root: null, marker }], { graceMs: 2000 });
        assert.deepEqual(sorted(report.ended), sorted([marked.pid, ...marked.children]));
        assert.deepEqual(sorted((await processes.identify([other.pid, unmarked.pid])).keys()), sorted([other.pid, unmarked.pid]));
      },
    },
    {
      name: "ends a process that ignores TERM once the grace is over",
      async run({ processes, start }) {
        const { pid } = await start({ ignoresTerm: true });
        const root = await identityOf(processes, pid);
        const report = await processes.endTrees([{ root, marker: NOBODY }], { graceMs: 50 });
        assert.deepEqual(report, { ended: [pid], left: [] });
        assert.equal(await processes.isAlive(root), false);
      },
    },
    {
      name: "does not touch a process that merely has the root's pid",
      async run({ processes, start }) {
        const { pid } = await start();
        const root = await identityOf(processes, pid);
        for (const stranger of [
          { ...root, start: "12345" },
          { ...root, boot: "another boot" },
        ]) {
          assert.deepEqual(await processes.endTrees([{ root: stranger, marker: NOBODY }], { graceMs: 50 }), { ended: [], left: [] });
        }
        assert.equal(await processes.isAlive(root), true);
      },
    },
    {
      name: "rejects with INTERRUPTED when aborted before, and ends nobody",
      async run({ processes, start }) {
        const root = await identityOf(processes, (await start()).pid);
        const call = { signal: AbortSignal.abort("enough") };
        const isInterrupted = (error: unknown): boolean => isFleetError(error, "INTERRUPTED") && error.cause === "enough";
        await assert.rejects(processes.endTrees([{ root, marker: NOBODY }], { graceMs: 50 }, call), isInterrupted);
        await assert.rejects(processes.identify([root.pid], call), isInterrupted);
        await assert.rejects(processes.sample([root.pid], call), isInterrupted);
        assert.equal(await processes.isAlive(root), true);
      },
    },
  ],
};
