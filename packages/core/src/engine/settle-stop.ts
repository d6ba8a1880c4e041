import { type AgentRecord, isEnded } from "../model/index.js";
import type { Snapshot } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { discoverRepositories } from "./discover.js";
import { ownMarks, readMarked, recordOf } from "./marked.js";
import { saveRecords } from "./mirror.js";

/** The record of an agent that the user stopped. */
export function asStopped(deps: Deps, record: AgentRecord): AgentRecord {
  const statusSince = new Date(deps.clock.now()).toISOString();
  return { ...record, status: "stopped", statusSource: "session", statusSince, process: null, exitCode: null };
}

/**
 * Brings a stop that was cut off to an end, also from another process: an agent whose session is gone is
 * stopped; one that still has its session was not reached and goes on.
 */
export async function settleStop(deps: Deps, agents: readonly string[]): Promise<void> {
  const sessions = new Set((await deps.sessions.list()).map(({ agent }) => agent));
  const snapshot = await deps.store.read();
  const known = [...snapshot.agents, ...(await unregistered(deps, agents, snapshot))];
  const gone = known.filter(({ id, status }) => agents.includes(id) && !sessions.has(id) && (status === "lost" || !isEnded(status)));
  await saveRecords(
    deps,
    gone.map((record) => asStopped(deps, record)),
  );
}

/** Those that only their marks know of: a registry that was written right before its disk failed does not. */
async function unregistered(deps: Deps, agents: readonly string[], snapshot: Snapshot): Promise<readonly AgentRecord[]> {
  const wanted = new Set(agents.filter((id) => !snapshot.agents.some((record) => record.id === id)));
  if (wanted.size === 0) return [];
  const marked = await Promise.all((await discoverRepositories(deps, snapshot)).map((place) => readMarked(deps, place)));
  return [...ownMarks(marked.flatMap((list) => list ?? []))].flatMap(([id, mark]) => (wanted.has(id) ? (recordOf(mark) ?? []) : []));
}
