import { throwIfAborted } from "../../errors/index.js";
import type { ProcessIdentity, TreeSample } from "../../model/index.js";
import type { ProcessDriver } from "../../ports/index.js";

/** A process in memory. */
export interface MemoryProcessOptions {
  /** @default 1 */
  readonly parent?: number;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Resident bytes. @default 1 MB */
  readonly memory?: number;
  /** @default 0 */
  readonly cpuMs?: number;
  /** Bytes it has read, or how to find out. @default 0 */
  readonly bytesRead?: number | (() => number);
  /** TERM alone does not end it. @default false */
  readonly ignoresTerm?: boolean;
  /** Told once when it is gone, whoever ended it. */
  readonly onEnd?: () => void;
}

/** Processes that exist in this object only. */
export interface MemoryProcesses extends ProcessDriver {
  /** Starts one; pids are never given twice. */
  spawn(options?: MemoryProcessOptions): ProcessIdentity;
  /** Ends one; its children go to pid 1. */
  exit(pid: number): void;
  /** Puts `front` into the foreground of the terminal that `pid` lives on. */
  setForeground(pid: number, front: number): void;
  /** Changes what a sample says of a process. */
  set(pid: number, change: Pick<MemoryProcessOptions, "memory" | "cpuMs" | "bytesRead" | "argv">): void;
  /** Every living pid. */
  readonly pids: readonly number[];
}

interface Entry {
  readonly identity: ProcessIdentity;
  readonly onEnd: (() => void) | undefined;
  readonly options: Required<Omit<MemoryProcessOptions, "env" | "onEnd">> & { readonly env: Readonly<Record<string, string>> };
}

const BOOT = "memory-boot";

/** Processes without a machine; the first is the one that asks. Pids count up from 101. */
export function memoryProcesses(): MemoryProcesses {
  const entries = new Map<number, Entry>();
  const fronts = new Map<number, number>();
  let lastPid = 100;

  const spawn = (options: MemoryProcessOptions = {}): ProcessIdentity => {
    const pid = ++lastPid;
    const identity = { pid, start: String(pid * 10), boot: BOOT };
    const defaults = { parent: 1, argv: ["program"], env: {}, memory: 1_000_000, cpuMs: 0, bytesRead: 0, ignoresTerm: false };
    const { onEnd, ...given } = options;
    entries.set(pid, { identity, onEnd, options: { ...defaults, ...given } });
    return identity;
  };
  const exit = (pid: number): void => {
    const ended = entries.get(pid);
    entries.delete(pid);
    fronts.delete(pid);
    for (const [child, entry] of entries) {
      if (entry.options.parent === pid) entries.set(child, { ...entry, options: { ...entry.options, parent: 1 } });
    }
    ended?.onEnd?.();
  };
  const isSame = (process: ProcessIdentity): boolean => {
    const now = entries.get(process.pid)?.identity;
    return now !== undefined && now.start === process.start && now.boot === process.boot;
  };
  const tree = (root: number): Entry[] => {
    const first = entries.get(root);
    if (first === undefined) return [];
    const found = [first];
    for (const { identity } of found) {
      found.push(...[...entries.values()].filter(({ options }) => options.parent === identity.pid));
    }
    return found;
  };
  const own = spawn({ argv: ["fleet"] });

  return {
    spawn,
    exit,
    set(pid, change) {
      const entry = entries.get(pid);
      if (entry !== undefined) entries.set(pid, { ...entry, options: { ...entry.options, ...change } });
    },
    setForeground: (pid, front) => void fronts.set(pid, front),
    get pids() {
      return [...entries.keys()];
    },
    self: async () => own,
    async identify(pids, call = {}) {
      throwIfAborted(call.signal);
      return new Map(pids.flatMap((pid) => entries.get(pid)?.identity ?? []).map((identity) => [identity.pid, identity]));
    },
    isAlive: async (process) => isSame(process),
    async sample(roots, call = {}) {
      throwIfAborted(call.signal);
      return new Map(roots.filter((root) => entries.has(root)).map((root) => [root, sampleOf(tree(root))]));
    },
    async bytesRead(root, call = {}) {
      throwIfAborted(call.signal);
      if (!entries.has(root)) return null;
      const counts = tree(root).map(({ options: { bytesRead } }) => (typeof bytesRead === "function" ? bytesRead() : bytesRead));
      return counts.reduce((total, count) => total + count, 0);
    },
    openFiles: async () => new Set(),
    // This kind of host does not show what a process blocks in.
    awaitsInput: async () => new Map(),
    async foreground(pid) {
      const front = entries.get(fronts.get(pid) ?? -1);
      return front === undefined ? null : { pid: front.identity.pid, argv: front.options.argv };
    },
    async endTrees(targets, _options, call = {}) {
      throwIfAborted(call.signal);
      const victims = new Set<number>();
      for (const { root, marker } of targets) {
        const carriers = [...entries.values()].filter(({ options }) => options.env[marker[0]] === marker[1]);
        const roots = [...(root !== null && isSame(root) ? [root.pid] : []), ...carriers.map(({ identity }) => identity.pid)];
        for (const { identity } of roots.flatMap(tree)) if (identity.pid !== own.pid) victims.add(identity.pid);
      }
      for (const pid of victims) exit(pid);
      return { ended: [...victims], left: [] };
    },
  };
}

function sampleOf(tree: readonly Entry[]): TreeSample {
  const sum = (of: (options: Entry["options"]) => number): number => tree.reduce((total, { options }) => total + of(options), 0);
  return {
    pids: tree.map(({ identity }) => identity.pid),
    memory: sum((options) => options.memory),
    cpuMs: sum((options) => options.cpuMs),
    ageMs: 1000,
  };
}
