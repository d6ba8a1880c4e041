import type { AgentRecord, Session } from "../model/index.js";
import type { Deps } from "./deps.js";
import { keepScreens } from "./logs.js";

/** How long programs have to end by themselves before they are killed, milliseconds. */
const GRACE_MS = 2000;

/**
 * Ends the programs and sessions of several agents, keeping what was last seen of each. Answers with
 * the agents of which a process is left.
 */
export async function endAgents(
  deps: Deps,
  targets: readonly { readonly record: AgentRecord; readonly session: Session | null | undefined }[],
): Promise<ReadonlySet<string>> {
  const withSession = targets.flatMap(({ record, session }) => (session ? [{ record, session }] : []));
  await keepScreens(
    deps,
    withSession.map(({ record, session }) => ({ id: session.id, agent: record.id })),
  );
  // The trees are taken before the sessions go: afterwards a child that left its parent cannot be told from any other.
  const live = withSession.filter(({ session }) => !session.dead);
  const identities = await deps.processes.identify([...live.map(({ session }) => session.pid)]);
  const roots = new Map(live.map(({ record, session }) => [record.id, identities.get(session.pid) ?? null]));
  const report = await deps.processes.endTrees(
    targets.map(({ record }) => ({ root: roots.get(record.id) ?? record.process, marker: ["AIFLEET_ID", record.id] as const })),
    { graceMs: GRACE_MS },
  );
  await deps.sessions.end(targets.map(({ record }) => record.id));
  if (report.left.length === 0) return new Set();
  const left = await deps.processes.sample(report.left);
  return new Set(targets.filter(({ record }) => left.has(roots.get(record.id)?.pid ?? -1)).map(({ record }) => record.id));
}
