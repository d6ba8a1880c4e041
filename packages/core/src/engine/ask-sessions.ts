import { type FleetError, isFleetError, toFleetError } from "../errors/index.js";
import { type AgentRecord, isEnded, type Session, type Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** All marked sessions by agent, or why they could not be asked for: nothing is concluded then. */
export type Sessions = ReadonlyMap<string, Session> | FleetError;

/** Asks for all sessions; the error, with a warning, where they could not be asked for. */
export async function askSessions(deps: Deps, warn: (warning: Warning) => void, call?: Call): Promise<Sessions> {
  try {
    const sessions = await deps.sessions.list(call);
    return new Map(sessions.flatMap((session) => (session.agent === null ? [] : [[session.agent, session] as const])));
  } catch (error) {
    return unasked(error, warn);
  }
}

/** The sessions, undefined where they could not be asked for. */
export function known(sessions: Sessions): ReadonlyMap<string, Session> | undefined {
  return isFleetError(sessions) ? undefined : sessions;
}

/** A failed question as a warning: what could not be asked is unknown. Throws what has to end the command. */
export function unasked(error: unknown, warn: (warning: Warning) => void): FleetError {
  const failure = toFleetError(error);
  if (failure.code === "INTERRUPTED" || failure.code === "TOOL_MISSING" || failure.code === "TOOL_OLD") throw failure;
  const why = failure.message.replace(/\.$/, "");
  warn({ code: "SESSIONS_UNKNOWN", message: `The sessions could not be asked for (${why}); the status of every agent is unknown.` });
  return failure;
}

/**
 * The sessions, asked for once more where programs of these agents run without one: then their server may be
 * there and only out of reach.
 */
export async function findSessions(
  deps: Deps,
  records: readonly AgentRecord[],
  sessions: Sessions,
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<Sessions> {
  if (isFleetError(sessions) || deps.sessions.reconnect === undefined) return sessions;
  const orphans = records.flatMap(({ id, status, process }) => (isEnded(status) || process === null || sessions.has(id) ? [] : [process]));
  if (orphans.length === 0) return sessions;
  const now = await deps.processes.identify(
    orphans.map(({ pid }) => pid),
    call,
  );
  const alive = orphans
    .filter(({ pid, start, boot }) => now.get(pid)?.start === start && now.get(pid)?.boot === boot)
    .map(({ pid }) => pid);
  if (alive.length === 0 || !(await deps.sessions.reconnect(alive, call))) return sessions;
  warn({
    code: "RECONNECTED",
    message: `The session server's socket ${deps.sessions.address} was gone; the server was made to open it again.`,
  });
  return askSessions(deps, warn, call);
}
