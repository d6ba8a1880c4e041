/** A process told apart from any other that ever has the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the host's own unit (clock ticks since boot on Linux): equal for the same process, different for another. */
  readonly start: string;
  /** The host's boot id: a process of another boot is gone. */
  readonly boot: string;
}

/** What one look at a process tree found. */
export interface TreeSample {
  /** Every pid of the tree, the root first. */
  readonly pids: readonly number[];
  /** Resident memory of the whole tree, bytes. */
  readonly memory: number;
  /** Processor time of the whole tree since each process began, milliseconds. */
  readonly cpuMs: number;
  /** Age of the root process, milliseconds. */
  readonly ageMs: number;
}
