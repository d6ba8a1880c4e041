import type { AgentRecord } from "../../model/index.js";
import type { Deps } from "../deps.js";
import { readEntry } from "./entries.js";

/** How long the start of an agent takes to be undone at most, milliseconds. */
const UNDONE_MS = 20_000;
const POLL_MS = 25;

/**
 * Calls off the starts of queued agents that are under way: `change` takes each out of the queue, its starter sees that and
 * undoes what it has begun. Answers with their records as they are then; one of which nothing is left is missing.
 */
export async function callOff(
  deps: Deps,
  records: readonly AgentRecord[],
  change: (record: AgentRecord) => Promise<void>,
): Promise<readonly AgentRecord[]> {
  const ids = new Set(records.map(({ id }) => id));
  for (const record of records) await change(record);
  const end = deps.clock.now() + UNDONE_MS;
  for (;;) {
    const now = (await deps.store.read()).agents.filter(({ id }) => ids.has(id));
    const isUndone = !now.some(({ status }) => status === "starting") && !(await isToCome(deps, ids, now));
    if (isUndone || deps.clock.now() >= end) return now;
    await deps.clock.sleep(POLL_MS);
  }
}

/** Whether one that is not in the registry at this moment comes back: it has been undone, and the queue still knows it. */
async function isToCome(deps: Deps, ids: ReadonlySet<string>, there: readonly AgentRecord[]): Promise<boolean> {
  for (const id of ids) if (!there.some((record) => record.id === id) && (await readEntry(deps, id)) !== null) return true;
  return false;
}

/** Those of these agents that are being started from the queue. */
export async function beingStarted(deps: Deps, records: readonly AgentRecord[]): Promise<readonly AgentRecord[]> {
  const starting = records.filter(({ status }) => status === "starting");
  const entries = await Promise.all(starting.map(({ id }) => readEntry(deps, id)));
  return starting.filter((_, at) => entries[at] !== null);
}
