import { FleetError, throwIfAborted } from "../../errors/index.js";
import { limitOf, type TreeSample } from "../../model/index.js";
import type { Host, ProcessDriver } from "../../ports/index.js";
import { endTrees, type ProcessHands } from "./end-trees.js";
import type { Followed } from "./followed.js";
import { type ProcFiles, procFiles } from "./proc-files.js";
import { ownPids, sendSignal, signalGroup } from "./signal.js";
import type { Stat } from "./stat.js";
import { childrenOf, treeOf } from "./table.js";
import type { Scan } from "./victims.js";

/** Processes of a Linux host, read from /proc: one pass over it serves any number of roots. */
export function procfsDriver(options: { readonly host: Host }): ProcessDriver {
  const { host } = options;
  const proc = procFiles(host);
  const hands = procHands(host, proc);
  const scans = new WeakMap<object, Followed>();
  /** Processes of the trees that were asked for last. */
  let followed: ReadonlySet<number> = new Set();
  const driver: ProcessDriver = {
    async self(call = {}) {
      const pid = process.pid;
      const identity = host.id === "local" ? (await driver.identify([pid], call)).get(pid) : undefined;
      if (identity === undefined) throw new FleetError("DRIVER_FAILED", `This process cannot be found on host ${host.id}.`);
      return identity;
    },
    async identify(pids, call = {}) {
      throwIfAborted(call.signal);
      const boot = await proc.boot();
      const alive = [...(await proc.stats(pids)).values()].filter((stat) => !stat.zombie);
      return new Map(alive.map(({ pid, start }) => [pid, { pid, start, boot }]));
    },
    async isAlive(identity, call = {}) {
      const now = (await driver.identify([identity.pid], call)).get(identity.pid);
      return now !== undefined && now.start === identity.start && now.boot === identity.boot;
    },
    async scan(call = {}) {
      throwIfAborted(call.signal);
      const scan = {};
      scans.set(scan, await proc.followed(followed));
      return scan;
    },
    async sample(roots, call = {}) {
      throwIfAborted(call.signal);
      if (roots.length === 0) return new Map();
      const scan = call.scan && scans.get(call.scan);
      const scanned = scan && treesOf(roots, scan.table);
      // Of one alone no more is looked at than its own family.
      const family = roots.length === 1 && scan === undefined ? await proc.family(roots[0] as number) : null;
      const isFresh = scanned?.every((tree) => tree.every(({ pid }) => scan?.fresh.has(pid))) === true;
      const trees = isFresh ? scanned : treesOf(roots, family ?? (await proc.recentStats()));
      if (scan !== undefined) followed = new Set(trees.flatMap((tree) => tree.map(({ pid }) => pid)));
      const [units, uptimeMs] = [await proc.units(), await proc.uptimeMs()];
      const samples = new Map<number, TreeSample>();
      for (const tree of trees) {
        const [first] = tree;
        if (first === undefined || first.zombie) continue;
        const running = tree.filter((stat) => !stat.zombie);
        const pids = running.map((stat) => stat.pid);
        samples.set(first.pid, {
          pids,
          memory: sum(running, (stat) => stat.pages) * units.pageBytes,
          // A zombie's time counts until its parent takes it over, or the sum would fall meanwhile.
          cpuMs: sum(tree, (stat) => stat.ticks) * units.tickMs,
          ageMs: Math.max(0, uptimeMs - Number(first.start) * units.tickMs),
        });
      }
      return samples;
    },
    async freeMemory(call = {}) {
      throwIfAborted(call.signal);
      return proc.freeMemory();
    },
    async bytesRead(root, call = {}) {
      throwIfAborted(call.signal);
      // Asked again and again while a program reads: that takes no look at all processes.
      const table = (await proc.family(root)) ?? (await proc.recentStats());
      const tree = treeOf(root, table, childrenOf(table)).filter((stat) => !stat.zombie);
      if (table.get(root)?.zombie !== false) return null;
      return readBy(
        await proc.each(
          tree.map((stat) => stat.pid),
          "io",
        ),
      );
    },
    async openFiles(paths, call = {}) {
      throwIfAborted(call.signal);
      const wanted = new Set(paths);
      const open = new Set<string>();
      for (const { pid, name, zombie } of (await proc.allStats()).values()) {
        if (zombie) continue;
        const files = await proc.openBy(pid);
        // Another user's: one that cannot have to do with it, unless it is a git.
        if (files === null && name.startsWith("git")) return null;
        for (const file of files ?? []) if (wanted.has(file)) open.add(file);
      }
      return open;
    },
    async foreground(pid, call = {}) {
      throwIfAborted(call.signal);
      const group = (await proc.stats([pid])).get(pid)?.foreground ?? -1;
      if (group <= 0) return null;
      const leader = (await proc.stats([group])).get(group) ?? (await memberOf(proc, group));
      const running = leader?.zombie === false ? leader : await memberOf(proc, group);
      if (running === undefined) return null;
      const [cmdline] = await proc.each([running.pid], "cmdline");
      const argv = cmdline == null || cmdline === "" ? [running.name] : cmdline.replace(/\0$/, "").split("\0");
      return { pid: running.pid, argv };
    },
    async awaitsInput(pids, call = {}) {
      throwIfAborted(call.signal);
      const scan = call.scan && scans.get(call.scan);
      const roots = scan !== undefined && pids.every((pid) => scan.fresh.has(pid)) ? scan.table : await proc.stats(pids);
      const groups = new Map(pids.map((pid) => [pid, roots.get(pid)?.foreground ?? -1] as const).filter(([, group]) => group > 0));
      // Mostly it is the leader of the foreground group that reads: to see that takes no look at all processes.
      const answer = await reading(proc, new Map([...groups].map(([pid, group]) => [pid, [group]])));
      const others = [...groups].filter(([pid]) => answer.get(pid) !== true);
      if (others.length === 0) return answer;
      // One alone is asked for again and again while it comes up: its own family will do.
      const family = others.length === 1 && scan === undefined ? await proc.family(others[0]?.[0] as number) : null;
      const members = membersOf(family ?? scan?.table ?? (await proc.recentStats()));
      const rest = await reading(proc, new Map(others.map(([pid, group]) => [pid, members.get(group) ?? []])));
      return new Map([...answer, ...rest]);
    },
    endTrees: (targets, { graceMs }, call) => endTrees(hands, targets, graceMs, call),
  };
  return driver;
}

/** The tree of each root that is there. */
function treesOf(roots: readonly number[], table: ReadonlyMap<number, Stat>): readonly (readonly Stat[])[] {
  const children = childrenOf(table);
  return roots.map((root) => treeOf(root, table, children));
}

/** For each key whether one of its pids blocks in reading its standard input; missing where none of them can be told. */
async function reading(proc: ProcFiles, candidates: ReadonlyMap<number, readonly number[]>): Promise<Map<number, boolean>> {
  const calls = await proc.each([...candidates.values()].flat(), "syscall");
  const answer = new Map<number, boolean>();
  let at = 0;
  for (const [key, pids] of candidates) {
    const own = calls.slice(at, at + pids.length).filter((text) => text !== null);
    at += pids.length;
    if (own.length > 0)
      answer.set(
        key,
        own.some((text) => READS_STDIN.test(text)),
      );
  }
  return answer;
}

/** Pids of the running members of each process group. */
function membersOf(table: ReadonlyMap<number, Stat>): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (const { pid, group, zombie } of table.values()) {
    if (zombie || group <= 0) continue;
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [pid]);
    else members.push(pid);
  }
  return groups;
}

/** `read` of descriptor 0, by its number on x86-64 and on arm64 and riscv64. */
const READS_STDIN = /^(?:0|63) 0x0 /;

/** What tells whose a process is. */
interface Marks {
  readonly start: string;
  readonly environ: string | null;
  readonly limits: string | null;
}

/** A process of that age has become the program that it is: what it carries it carried from the start, milliseconds. */
const SETTLED_MS = 1000;

function procHands(host: Host, proc: ProcFiles): ProcessHands {
  /** By scan, what was read of processes of some age. */
  const marks = new WeakMap<object, ReadonlyMap<number, Marks>>();
  return {
    spared: ownPids(host),
    async scan(before) {
      const [boot, table, uptimeMs, { tickMs }] = [await proc.boot(), await proc.allStats(), await proc.uptimeMs(), await proc.units()];
      const known = before && marks.get(before);
      const kept = new Map<number, Marks>();
      const pids: number[] = [];
      for (const { pid, start, kernel } of table.values()) {
        const earlier = known?.get(pid);
        if (earlier?.start === start) kept.set(pid, earlier);
        else if (!kernel) pids.push(pid);
      }
      const [environs, limits] = [await proc.each(pids, "environ"), await proc.each(pids, "limits")];
      const read = pids.map((pid, at): readonly [number, Marks] => [
        pid,
        { start: table.get(pid)?.start ?? "", environ: environs[at] ?? null, limits: limits[at] ?? null },
      ]);
      const scan = { table, boot, carriers: carriersIn([...kept, ...read]) };
      const isSettled = ([, { start, environ, limits }]: readonly [number, Marks]) =>
        uptimeMs - Number(start) * tickMs > SETTLED_MS && environ !== null && environ !== "" && limits !== null;
      marks.set(scan, new Map([...kept, ...read.filter(isSettled)]));
      return scan;
    },
    async starts(pids) {
      const alive = [...(await proc.stats(pids)).values()].filter((stat) => !stat.zombie);
      return new Map(alive.map(({ pid, start }) => [pid, start]));
    },
    table: () => proc.allStats(),
    signal: (pid, name) => sendSignal(host, pid, name),
    signalGroup: (group, name) => signalGroup(host, group, name),
  };
}

/** Finds who carries a marker. The texts are gone through once for each name, however many values are asked for. */
function carriersIn(all: readonly (readonly [pid: number, Marks])[]): Scan["carriers"] {
  const byName = new Map<string, ReadonlyMap<string, readonly number[]>>();
  const gathered = (name: string, find: (own: Marks) => readonly string[]) => {
    const found = byName.get(name) ?? gather(all, find);
    byName.set(name, found);
    return found;
  };
  return ([name, value]) => {
    const found = gathered(name, ({ environ }) => valuesOf(environ ?? "", `${name}=`)).get(value) ?? [];
    if (name !== "AIFLEET_ID") return found;
    const byLimit = gathered(LIMIT, ({ limits }) => /^Max resident set +(\d+) /m.exec(limits ?? "")?.slice(1) ?? []);
    return new Set([...found, ...(byLimit.get(String(limitOf(value) * 1024)) ?? [])]);
  };
}

/** No marker's name: what the limits say is kept beside what they do. */
const LIMIT = "";

/** Pids by what is found there. */
function gather(
  all: readonly (readonly [pid: number, Marks])[],
  find: (own: Marks) => readonly string[],
): ReadonlyMap<string, readonly number[]> {
  const pids = new Map<string, number[]>();
  for (const [pid, own] of all) {
    for (const value of new Set(find(own))) {
      const known = pids.get(value);
      if (known === undefined) pids.set(value, [pid]);
      else known.push(pid);
    }
  }
  return pids;
}

/** Values of the entries of an environment that begin so. */
function valuesOf(environ: string, begin: string): readonly string[] {
  if (!environ.includes(begin)) return [];
  return environ.split("\0").flatMap((entry) => (entry.startsWith(begin) ? [entry.slice(begin.length)] : []));
}

async function memberOf(proc: ProcFiles, group: number): Promise<Stat | undefined> {
  return [...(await proc.allStats()).values()].find((stat) => stat.group === group && !stat.zombie);
}

function sum(stats: readonly Stat[], of: (stat: Stat) => number): number {
  return stats.reduce((total, stat) => total + of(stat), 0);
}

/** Bytes read by the processes and by their children that have ended; null if not one of them may be looked at. */
function readBy(io: readonly (string | null)[]): number | null {
  const counts = io.flatMap((text) => /^rchar: (\d+)/.exec(text ?? "")?.[1] ?? []);
  return counts.length === 0 ? null : counts.reduce((total, count) => total + Number(count), 0);
}
