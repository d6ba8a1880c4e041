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

function procHands(host: Host, proc: ProcFiles): ProcessHands {
  return {
    spared: ownPids(host),
    async scan() {
      const [boot, table] = [await proc.boot(), await proc.allStats()];
      const pids = [...table.keys()];
      const [environs, limits] = [await proc.each(pids, "environ"), await proc.each(pids, "limits")];
      return {
        table,
        boot,
        carriers: carriersIn(pids, environs, limits),
      };
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
function carriersIn(pids: readonly number[], environs: readonly (string | null)[], limits: readonly (string | null)[]): Scan["carriers"] {
  const byName = new Map<string, ReadonlyMap<string, readonly number[]>>();
  return ([name, value]) => {
    const byValue = byName.get(name) ?? gather(environs, (environ) => valuesOf(environ, `${name}=`));
    byName.set(name, byValue);
    const found = byValue.get(value) ?? [];
    if (name !== "AIFLEET_ID") return found.flatMap((at) => pids[at] ?? []);
    const byLimit = byName.get(LIMIT) ?? gather(limits, (own) => [/^Max resident set +(\d+) /m.exec(own)?.[1] ?? ""]);
    byName.set(LIMIT, byLimit);
    const all = new Set([...found, ...(byLimit.get(String(limitOf(value) * 1024)) ?? [])]);
    return [...all].sort((a, b) => a - b).flatMap((at) => pids[at] ?? []);
  };
}

/** No marker's name: what the limits say is kept beside what they do. */
const LIMIT = "";

/** Places in the list by what is found in the text there. */
function gather(texts: readonly (string | null)[], find: (text: string) => readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [at, text] of texts.entries()) {
    for (const value of text === null ? [] : new Set(find(text))) {
      const known = places.get(value);
      if (known === undefined) places.set(value, [at]);
      else known.push(at);
    }
  }
  return places;
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
