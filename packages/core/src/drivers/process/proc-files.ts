import { FleetError } from "../../errors/index.js";
import { elapsedMs } from "../../model/index.js";
import type { Host } from "../../ports/index.js";
import { type Followed, followProcesses } from "./followed.js";
import { parseStat, type Stat } from "./stat.js";

/** The files under /proc that the driver reads, through its host. */
export interface ProcFiles {
  boot(): Promise<string>;
  stats(pids: readonly number[]): Promise<ReadonlyMap<number, Stat>>;
  allStats(): Promise<ReadonlyMap<number, Stat>>;
  /** As allStats, but one scan serves all that is asked within a moment. Never good enough to send a signal by. */
  recentStats(): Promise<ReadonlyMap<number, Stat>>;
  /** All processes; of those that are not followed only who they are is as of now. Never good enough to send a signal by. */
  followed(pids: ReadonlySet<number>): Promise<Followed>;
  /** A process with all that descends from it, as the kernel lists children; null where it does not, or the process is gone. */
  family(pid: number): Promise<ReadonlyMap<number, Stat> | null>;
  /** One text for each pid, null where it is gone or not ours to read. */
  each(pids: readonly number[], file: "environ" | "cmdline" | "io" | "limits" | "syscall"): Promise<readonly (string | null)[]>;
  /** What a process has open, by real path; null where that is not ours to know. */
  openBy(pid: number): Promise<readonly string[] | null>;
  uptimeMs(): Promise<number>;
  /** Bytes that can be had without swapping, null where the kernel does not say. */
  freeMemory(): Promise<number | null>;
  units(): Promise<{ readonly pageBytes: number; readonly tickMs: number }>;
}

/** How long one scan of /proc answers for, milliseconds. */
const RECENT_MS = 20;

export function procFiles(host: Host): ProcFiles {
  const { files } = host;
  let boot: string | undefined;
  let units: { pageBytes: number; tickMs: number } | undefined;

  const stats = async (pids: readonly number[]): Promise<ReadonlyMap<number, Stat>> => {
    const texts = await files.readMany(pids.map((pid) => `/proc/${pid}/stat`));
    const found = new Map<number, Stat>();
    for (const [at, text] of texts.entries()) {
      const stat = text === null ? null : parseStat(text);
      if (stat !== null && stat.pid === pids[at]) found.set(stat.pid, stat);
    }
    return found;
  };
  const needed = async (path: string): Promise<string> => {
    const [text] = await files.readMany([path]);
    if (text == null) throw unreadable(path);
    return text;
  };

  const allPids = async (): Promise<readonly number[]> => {
    const pids = ((await files.list("/proc")) ?? []).map(Number).filter((pid) => pid > 0);
    // Not even one process: /proc is not there or shows nothing, and "none" would be a lie.
    if (pids.length === 0) throw unreadable("/proc");
    return pids;
  };
  const allStats = async (): Promise<ReadonlyMap<number, Stat>> => {
    const found = await stats(await allPids());
    if (found.size === 0) throw unreadable("/proc");
    return found;
  };
  let recent: { readonly until: number; readonly table: Promise<ReadonlyMap<number, Stat>> } | undefined;

  return {
    stats,
    allStats,
    followed: followProcesses(files, allPids, stats),
    recentStats() {
      if (recent === undefined || elapsedMs() > recent.until) recent = { until: elapsedMs() + RECENT_MS, table: allStats() };
      return recent.table;
    },
    async boot() {
      boot ??= (await needed("/proc/sys/kernel/random/boot_id")).trim();
      return boot;
    },
    async family(pid) {
      const pids = [pid];
      for (const one of pids) {
        const threads = await files.list(`/proc/${one}/task`).catch(() => null);
        const children = await files.readMany((threads ?? []).map((thread) => `/proc/${one}/task/${thread}/children`));
        if (one === pid && children.every((text) => text === null)) return null;
        for (const child of children.join(" ").split(" ")) if (child !== "" && !pids.includes(Number(child))) pids.push(Number(child));
      }
      return stats(pids);
    },
    each: (pids, file) => files.readMany(pids.map((pid) => `/proc/${pid}/${file}`)),
    async openBy(pid) {
      const folder = `/proc/${pid}/fd`;
      const names = await files.list(folder).catch(() => null);
      if (names === null) return (await files.stat(`/proc/${pid}`)) === null ? [] : null;
      const real = await Promise.all(names.map((name) => files.realPath(`${folder}/${name}`).catch(() => null)));
      return real.filter((path) => path !== null);
    },
    async uptimeMs() {
      return Number.parseFloat(await needed("/proc/uptime")) * 1000;
    },
    async freeMemory() {
      const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec((await files.readMany(["/proc/meminfo"]))[0] ?? "")?.[1];
      return kilobytes === undefined ? null : Number(kilobytes) * 1024;
    },
    async units() {
      units ??= parseUnits((await files.readMany(["/proc/self/auxv"]))[0] ?? "");
      return units;
    },
  };
}

/**
 * Page size and clock tick out of the auxiliary vector (types 6 and 17), which costs no process as
 * `getconf` does. Read as text: the bytes of these two are below 128 and survive that.
 */
function parseUnits(auxv: string): { pageBytes: number; tickMs: number } {
  const value = (type: string): number => {
    const bytes = new RegExp(`${type}\\0{7}([\\0-\\x7f]{8})`).exec(auxv)?.[1] ?? "";
    return [...bytes].reduceRight((sum, char) => sum * 256 + char.charCodeAt(0), 0);
  };
  const page = value("\\x06");
  const ticks = value("\\x11");
  return {
    pageBytes: page >= 4096 && page <= 1 << 21 && (page & (page - 1)) === 0 ? page : 4096,
    tickMs: 1000 / (ticks >= 10 && ticks <= 10_000 ? ticks : 100),
  };
}

function unreadable(path: string): FleetError<"DRIVER_FAILED"> {
  return new FleetError("DRIVER_FAILED", `Processes cannot be seen: ${path} cannot be read.`, {
    hint: "Mount /proc, or run where it is mounted.",
  });
}
