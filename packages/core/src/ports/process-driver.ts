import type { ProcessIdentity, TreeSample } from "../model/index.js";
import type { Call } from "./call.js";

export interface EndReport {
  /** Pids that were ended. */
  readonly ended: readonly number[];
  /** Pids that are still there after TERM and KILL. */
  readonly left: readonly number[];
}

/** A process in the foreground of a terminal. */
export interface Foreground {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** All processes as they were at one moment; only the driver that made it knows what is in it. */
export type ProcessScan = object;

/** A question that may be answered from what was seen before. */
export interface ScanCall extends Call {
  /** From this driver. @default as things are now */
  readonly scan?: ProcessScan | undefined;
}

/**
 * Processes of a host.
 *
 * Promises: one scan serves any number of roots. A pid is believed only together with its start time
 * and boot. A driver that cannot find out throws.
 */
export interface ProcessDriver {
  /** This process, as others can recognise it. */
  self(call?: Call): Promise<ProcessIdentity>;
  /** Identities of the pids that exist (zombies do not); the others are missing in the answer. */
  identify(pids: readonly number[], call?: Call): Promise<ReadonlyMap<number, ProcessIdentity>>;
  /** Whether that very process still runs. */
  isAlive(process: ProcessIdentity, call?: Call): Promise<boolean>;
  /** Looks at all processes now, for questions that come right after. A driver that has nothing to gain by it leaves it out. */
  scan?(call?: Call): Promise<ProcessScan>;
  /** Trees of several roots in one scan; a root that is gone is missing in the answer. */
  sample(roots: readonly number[], call?: ScanCall): Promise<ReadonlyMap<number, TreeSample>>;
  /** Memory that more programs could take before the host runs short, bytes; null: it does not tell. Left out: as null. */
  freeMemory?(call?: Call): Promise<number | null>;
  /** Bytes that the tree's processes, and those of their children that have ended, have read through system calls. Null: it is gone, or the host does not count them. */
  bytesRead(root: number, call?: Call): Promise<number | null>;
  /** The process in the foreground of the terminal that `pid` lives on, null if it has none or it cannot be told. */
  foreground(pid: number, call?: Call): Promise<Foreground | null>;
  /** Which of these files some process has open. Null where that cannot be told for certain. */
  openFiles(paths: readonly string[], call?: Call): Promise<ReadonlySet<string> | null>;
  /**
   * For each pid whether a program in the foreground of its terminal blocks in reading it: it waits for
   * somebody to type. Missing in the answer: cannot be told.
   */
  awaitsInput(pids: readonly number[], call?: ScanCall): Promise<ReadonlyMap<number, boolean>>;
  /**
   * Ends trees: all descendants of the roots and, where the host shows environments, every process
   * that carries `marker` in its own (so that daemons which left the tree are found). TERM, then KILL
   * after `graceMs`; each pid is checked against its start time right before each signal. A tmux
   * server and what runs inside it are never touched, unless a root is inside it.
   */
  endTrees(
    targets: readonly { readonly root: ProcessIdentity | null; readonly marker: readonly [name: string, value: string] }[],
    options: { readonly graceMs: number },
    call?: Call,
  ): Promise<EndReport>;
}
