import { type AgentRecord, isEnded } from "../model/index.js";
import type { Deps } from "./deps.js";
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
  const { agents: known } = await deps.store.read();
  const gone = known.filter(({ id, status }) => agents.includes(id) && !sessions.has(id) && (status === "lost" || !isEnded(status)));
  await saveRecords(
    deps,
    gone.map((record) => asStopped(deps, record)),
  );
}
