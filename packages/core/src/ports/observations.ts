import type { AgentStatus, StatusSource } from "../model/index.js";

/** What was last seen of a live agent: only good for "since when" and "how much since". */
export interface Observation {
  readonly status: AgentStatus;
  readonly source: StatusSource;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** Processor time of the agent's tree, milliseconds, null where it was not sampled. */
  readonly cpuMs: number | null;
  /** When it was sampled, epoch milliseconds. */
  readonly at: number;
}

/**
 * The last observation of each agent. Cheap and disposable: writing needs no lock (the last writer
 * wins), a lost or unreadable file is an empty one.
 */
export interface Observations {
  read(): Promise<ReadonlyMap<string, Observation>>;
  write(all: ReadonlyMap<string, Observation>): Promise<void>;
}
