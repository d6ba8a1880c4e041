import type { AgentRecord, Screen, Session, StatusReading } from "../model/index.js";
import type { AgentAdapter } from "../ports/index.js";

/** Milliseconds of silence after which a program without marks of its own counts as having finished its turn. */
const QUIET_MS = 3000;

/** What is known about one agent at one moment. */
export interface StatusEvidence {
  readonly record: AgentRecord;
  /** Null: there is none. Undefined: could not be asked. */
  readonly session: Session | null | undefined;
  readonly screen: Screen | null;
  /** Null where the adapter is not known any more. */
  readonly adapter: AgentAdapter | null;
  /** Whether the recorded process, or for `starting` its maker, still runs. Null: could not be asked. */
  readonly processAlive: boolean | null;
  readonly makerAlive: boolean | null;
  /** Whether a program in the foreground of the terminal waits for somebody to type; null where it cannot be told. */
  readonly awaitsInput: boolean | null;
  readonly now: number;
}

/**
 * The status, by rank of evidence: the end of the process, then what the adapter reads, then output
 * activity. Pure.
 */
export function readStatus(evidence: StatusEvidence): StatusReading {
  const { record, session } = evidence;
  if (session === undefined) return { status: "unknown", source: "session" };
  if (session === null) return withoutSession(evidence);
  if (record.status === "starting" && evidence.makerAlive === true) return { status: "starting", source: "session" };
  if (record.status === "stopped" && session.dead) return { status: "stopped", source: "session" };
  if (session.dead) {
    if (session.exitCode === null) return { status: "unknown", source: "exit" };
    return { status: session.exitCode === 0 ? "done" : "failed", source: "exit" };
  }
  const read = evidence.adapter?.read({ session, screen: evidence.screen, now: evidence.now }) ?? null;
  if (read !== null) return read;
  if (evidence.awaitsInput === true) return { status: "idle", source: "activity" };
  const quietFor = evidence.now - session.activityAt;
  return { status: quietFor < QUIET_MS ? "working" : "idle", source: "activity" };
}

function withoutSession({ record, processAlive, makerAlive }: StatusEvidence): StatusReading {
  switch (record.status) {
    case "done":
    case "failed":
      return { status: record.status, source: "exit" };
    case "stopped":
      return { status: "stopped", source: "session" };
    case "starting":
      if (makerAlive === true) return { status: "starting", source: "session" };
      return makerAlive === null ? { status: "unknown", source: "session" } : { status: "lost", source: "session" };
    default:
      // The session is gone. Only when the program is gone as well is the agent lost.
      if (processAlive === false) return { status: "lost", source: "session" };
      return { status: "unknown", source: "session" };
  }
}
