import type { AgentRecord, Screen, Session, StatusReading } from "../model/index.js";
import type { AgentAdapter } from "../ports/index.js";
import { type Heard, isRising } from "./reports.js";

/** Milliseconds of silence after which a program without marks of its own counts as having finished its turn. */
const QUIET_MS = 3000;

/** Whether a program of which nothing else is known has been silent for so long that it rests, whatever it waits for. */
export function isQuiet({ activityAt }: Session, now: number): boolean {
  return now - activityAt >= QUIET_MS;
}

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
  /** What its hooks and its own file said. @default nothing */
  readonly heard?: Heard | undefined;
  readonly now: number;
}

/** How long a screen may lag behind what the program reports, milliseconds. */
const CATCH_UP_MS = 1500;
/** How long a program may take to report the prompt it was started with, milliseconds. */
const TAKES_UP_MS = 8000;
/** The same for one that does not say when it is up, its start included. */
const SHOWS_AND_TAKES_UP_MS = 20_000;
/** A session that is so much younger than its agent was not its first, milliseconds. */
const FIRST_START_MS = 60_000;

/**
 * The status, by rank of evidence: the end of the process, then what the program reports of itself, then
 * what its screen shows, then output activity. Pure.
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
  const read = ranked(evidence, evidence.adapter?.read({ session, screen: evidence.screen, now: evidence.now }) ?? null);
  if (read !== null) return read;
  if (evidence.awaitsInput === true) return { status: "idle", source: "activity" };
  return { status: isQuiet(session, evidence.now) ? "idle" : "working", source: "activity" };
}

/**
 * What the program said last, unless the screen has shown something else for a while that the program does
 * not report: a turn that was interrupted, a question that was answered.
 */
function ranked(evidence: StatusEvidence, screen: StatusReading | null): StatusReading | null {
  const { adapter, heard, now } = evidence;
  const reader = adapter?.reports;
  const hook = reader?.said(heard?.reports ?? []) ?? null;
  const diary = heard?.diary ?? null;
  const said = hook === null || (diary !== null && diary.at >= hook.at) ? diary : hook;
  if (reader === undefined) return screen;
  if (said === null)
    return screen?.status !== "waiting" && isBusyStarting(evidence, screen) ? { status: "working", source: "session" } : screen;
  const source = said === hook ? "hook" : "transcript";
  // What a report asks for names the command; a dialog often says no more than "the following".
  const question = said.question ?? screen?.question;
  if (screen?.status === said.status) return { ...screen, source, ...(question === undefined ? {} : { question }) };
  const overruled =
    screen !== null && now - said.at > CATCH_UP_MS && reader.silent.some((change) => change === `${said.status}>${screen.status}`);
  if (overruled) return screen;
  return { status: said.status, source, ...(said.question === undefined ? {} : { question: said.question }) };
}

function isBusyStarting(evidence: StatusEvidence, screen: StatusReading | null): boolean {
  const { adapter, session, heard, now } = evidence;
  if (adapter !== null && session && isRising(adapter, session, heard, screen !== null, now)) return true;
  return screen?.status === "idle" && hasFirstPromptAhead(evidence);
}

/** A program shows its empty input a moment before it takes up the prompt it was started with. */
function hasFirstPromptAhead({ record, session, adapter, heard, now }: StatusEvidence): boolean {
  if (!session || record.prompt === null || heard?.taken != null) return false;
  const first = session.createdAt - Date.parse(record.createdAt) < FIRST_START_MS;
  const announces = adapter?.reports?.announces;
  const up = heard?.reports.find(({ kind }) => kind === announces)?.at ?? session.createdAt;
  return first && now - up < (announces === "screen" ? SHOWS_AND_TAKES_UP_MS : TAKES_UP_MS);
}

function withoutSession({ record, processAlive, makerAlive }: StatusEvidence): StatusReading {
  switch (record.status) {
    case "done":
    case "failed":
      return { status: record.status, source: "exit" };
    case "stopped":
    case "queued":
      return { status: record.status, source: "session" };
    case "starting":
      if (makerAlive === true) return { status: "starting", source: "session" };
      return makerAlive === null ? { status: "unknown", source: "session" } : { status: "lost", source: "session" };
    default:
      // The session is gone. Only when the program is gone as well is the agent lost.
      if (processAlive === false) return { status: "lost", source: "session" };
      return { status: "unknown", source: "session" };
  }
}
