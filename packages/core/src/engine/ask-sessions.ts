import { toFleetError } from "../errors/index.js";
import { type AgentRecord, isEnded, type Session, type Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** Asks for all sessions; undefined with a warning where it could not be asked. */
export async function askSessions(
  deps: Deps,
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<ReadonlyMap<string, Session> | undefined> {
  try {
    const sessions = await deps.sessions.list(call);
    return new Map(sessions.flatMap((session) => (session.agent === null ? [] : [[session.agent, session] as const])));
  } catch (error) {
    const known = toFleetError(error);
    if (known.code === "INTERRUPTED" || known.code === "TOOL_MISSING" || known.code === "TOOL_OLD") throw known;
    warn({
      code: "SESSIONS_UNKNOWN",
      message: `The sessions could not be asked for (${known.message}); the status of every agent is unknown.`,
    });
    return undefined;
  }
}

/**
 * The sessions, asked for once more where programs of these agents run without one: then their server may be
 * there and only out of reach.
 */
export async function findSessions(
  deps: Deps,
  records: readonly AgentRecord[],
  sessions: ReadonlyMap<string, Session> | undefined,
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<ReadonlyMap<string, Session> | undefined> {
  if (sessions === undefined || deps.sessions.reconnect === undefined) return sessions;
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
