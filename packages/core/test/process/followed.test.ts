import { describe, expect, test } from "vitest";
import { followProcesses } from "../../src/drivers/process/followed.js";
import { procfsDriver } from "../../src/drivers/process/index.js";
import type { Stat } from "../../src/drivers/process/stat.js";
import { localHost } from "../../src/host/index.js";
import type { Host, HostFiles } from "../../src/ports/index.js";
import { makeWorld, settle } from "../support/world.js";
import { realSubject } from "./rig.js";

/** A host of so many pids, by what its files under /proc say. */
class Pids {
  readonly parents = new Map<number, number>([
    [1, 0],
    [10, 1],
    [20, 1],
    [21, 20],
    [22, 20],
  ]);
  last = 22;
  forks = 1000;
  most = 32768;
  self = process.pid;
  /** What was read of processes since it was asked last. */
  read: number[] = [];

  start(pid: number, parent: number): void {
    this.parents.set(pid, parent);
    this.last = pid;
    this.forks += 1;
  }

  follow(): ReturnType<typeof followProcesses> {
    const said: Record<string, () => string> = {
      "/proc/loadavg": () => `0.00 0.00 0.00 1/${this.parents.size} ${this.last}\n`,
      "/proc/stat": () => `cpu  1 2 3\nprocesses ${this.forks}\nprocs_running 1\n`,
      "/proc/sys/kernel/pid_max": () => `${this.most}\n`,
    };
    const files = {
      realPath: async () => `/proc/${this.self}`,
      readMany: async (paths: readonly string[]) => paths.map((path) => said[path]?.() ?? null),
    } as Partial<HostFiles> as HostFiles;
    const read = async (pids: readonly number[]) => {
      this.read = [...pids];
      return new Map(pids.map((pid) => [pid, { pid, parent: this.parents.get(pid) } as Stat]));
    };
    return followProcesses(files, async () => [...this.parents.keys()], read);
  }
}

describe("of all processes are read", () => {
  /** What is read the second time, `then` having happened, and what is known of all. */
  async function after(then: (pids: Pids) => void, followed: readonly number[] = [20]) {
    const pids = new Pids();
    const look = pids.follow();
    const first = await look(new Set());
    expect([...first.fresh]).toEqual([...first.table.keys()]);
    then(pids);
    const { table, fresh } = await look(new Set(followed));
    expect([...fresh]).toEqual(pids.read);
    expect([...table.keys()].sort()).toEqual([...pids.parents.keys()].sort());
    for (const [pid, { parent }] of table) expect([pid, parent]).toEqual([pid, pids.parents.get(pid)]);
    return pids.read;
  }
  const ALL = [1, 10, 20, 21, 22];

  test("those that are followed, and no others where nothing has happened", async () => {
    expect(await after(() => {})).toEqual([20]);
    expect(await after(() => {}, [20, 21])).toEqual([20, 21]);
  });

  test("those that are new", async () => {
    expect(await after((pids) => pids.start(23, 10))).toEqual([20, 23]);
    expect(await after((pids) => pids.parents.delete(22))).toEqual([20]);
  });

  test("one that another has taken over the pid of, also after the pids have begun anew", async () => {
    const reused = (pids: Pids) => {
      pids.parents.delete(21);
      pids.start(32767, 1);
      pids.parents.delete(32767);
      pids.start(21, 10);
      pids.forks += 10_000;
    };
    // 22, too: its parent was given out anew.
    expect(await after(reused)).toEqual([1, 10, 20, 22, 21]);
  });

  test("those whose parent has ended, or whose parent's pid another has taken over", async () => {
    const orphaned = (pids: Pids) => {
      pids.parents.delete(20);
      pids.parents.set(21, 1).set(22, 1);
    };
    expect(await after(orphaned, [])).toEqual([21, 22]);
    const takenOver = (pids: Pids) => {
      orphaned(pids);
      pids.last = 19;
      pids.forks += 100;
      pids.start(20, 10);
    };
    expect(await after(takenOver, [])).toEqual([1, 10, 21, 22, 20]);
  });

  test("all where it cannot be told: too many were started, the count does not tell, /proc is that of others", async () => {
    expect(await after((pids) => (pids.forks += 20_000))).toEqual(ALL);
    expect(await after((pids) => pids.parents.set(30, 1))).toEqual([...ALL, 30]);
    expect(await after((pids) => (pids.most = 4_194_304))).toEqual(ALL);
    expect(await after((pids) => (pids.last = 0))).toEqual(ALL);
    const pids = new Pids();
    pids.self = process.pid + 1;
    const look = pids.follow();
    await look(new Set());
    await look(new Set([20]));
    expect(pids.read).toEqual(ALL);
  });
});

test("a second look at trees reads them alone, with what was started in them and without what has ended", async () => {
  const world = makeWorld("followed");
  const local = localHost({ env: world.env });
  let read: string[] = [];
  const files: HostFiles = {
    ...local.files,
    readMany: (paths, kept) => {
      read.push(...paths.filter((path) => path.endsWith("/stat")));
      return local.files.readMany(paths, kept);
    },
  };
  const host: Host = { ...local, files };
  const processes = procfsDriver({ host });
  const subject = realSubject(processes, world.env);
  try {
    const [one, other] = [await subject.start({ children: 2 }), await subject.start()];
    const look = async (roots: readonly number[]) => {
      read = [];
      const scan = await processes.scan?.();
      return processes.sample(roots, { scan });
    };
    const sizes = async (roots: readonly number[]) => [...(await look(roots)).values()].map(({ pids }) => pids.length);
    expect(await sizes([one.pid, other.pid])).toEqual([3, 1]);
    const all = read.length;
    expect(await sizes([one.pid, other.pid])).toEqual([3, 1]);
    for (const pid of [one.pid, ...one.children, other.pid]) expect(read).toContain(`/proc/${pid}/stat`);
    expect(read.length).toBeLessThan(all);
    const late = await subject.start({ children: 1 });
    await subject.kill(one.children[0] as number);
    // Its parent may have to see its end first.
    expect(
      await settle(
        () => sizes([one.pid, other.pid, late.pid]),
        ([first]) => first === 2,
      ),
    ).toEqual([2, 1, 2]);
    // Asked for one that was not followed, it looks again.
    expect(await sizes([process.pid])).toHaveLength(1);
  } finally {
    await subject.dispose();
    await world.dispose();
  }
});
