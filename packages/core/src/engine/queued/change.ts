import type { AgentRecord } from "../../model/index.js";
import { holdAgents } from "../agent-lock.js";
import type { Deps } from "../deps.js";
import type { Plan } from "../plan.js";
import { mapPool } from "../pool.js";
import { noteDropped } from "../queue.js";
import { type Entry, readEntries, readEntry, removeEntry, writeEntry } from "./entries.js";
import { wakeStarter } from "./wake.js";

/** Files written at the same time: mostly they wait for the disk. */
const AT_ONCE = 16;

/** An agent that has its name reserved, and what is to be made of it. */
export interface Reserved {
  readonly plan: Plan;
  readonly record: AgentRecord;
}

/**
 * Writes down all that starts those later that have no place now, makes the others by `work`, and sees to it that somebody
 * starts what is queued. Calling it off takes out of the queue again what `work` had not to make. Answers with those queued.
 */
export async function withQueued<T>(
  deps: Deps,
  reserved: readonly Reserved[],
  work: (now: readonly Reserved[]) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<{ readonly made: T; readonly queued: readonly AgentRecord[] }> {
  const later = reserved.filter(({ record }) => record.status === "queued");
  if (later.length === 0) return { made: await work(reserved), queued: [] };
  await enqueueAgents(deps, later).catch(async (error: unknown) => {
    await forgetRecords(
      deps,
      reserved.map(({ record }) => record),
    );
    throw error;
  });
  const made = await work(reserved.filter(({ record }) => record.status !== "queued"));
  const records = later.map(({ record }) => record);
  if (signal?.aborted === true) {
    const ids = records.map(({ id }) => id);
    await holdAgents(deps, ids, async () => dropAgents(deps, await stillQueued(deps, records)));
    return { made, queued: [] };
  }
  await wakeQueue(deps, records);
  return { made, queued: records };
}

/** Sees to it that somebody starts what was queued, where one of these is. */
export async function wakeQueue(deps: Deps, records: readonly AgentRecord[]): Promise<void> {
  if (records.some(({ status }) => status === "queued")) await wakeStarter(deps, await readEntries(deps));
}

/** Those that nobody has begun to start, or dropped, meanwhile. Under their locks. */
async function stillQueued(deps: Deps, records: readonly AgentRecord[]): Promise<readonly AgentRecord[]> {
  const { agents } = await deps.store.read();
  const waiting = new Set(agents.filter(({ status }) => status === "queued").map(({ id }) => id));
  return records.filter(({ id }) => waiting.has(id));
}

/** If one cannot be written down none is queued. */
async function enqueueAgents(deps: Deps, reserved: readonly Reserved[]): Promise<void> {
  const queuedAt = deps.clock.now();
  const { ignoreProjectConfig } = deps;
  const entries = reserved.map(({ plan, record }): Entry => {
    return { record, setup: plan.wish.setup, start: plan.mode, ignoreProjectConfig, queuedAt };
  });
  try {
    await mapPool(entries, AT_ONCE, (entry) => writeEntry(deps, entry));
  } catch (error) {
    for (const { record } of reserved) await removeEntry(deps, record.id).catch(() => undefined);
    throw error;
  }
}

/** Lets go of agents that were never started; what they were to do is kept beside their logs. Under their locks. */
export async function dropAgents(deps: Deps, records: readonly AgentRecord[]): Promise<void> {
  if (records.length === 0) return;
  await mapPool(records, AT_ONCE, (record) => dropEntry(deps, record));
  await forgetRecords(deps, records);
}

/** Lets go of what would start an agent; what it was to do is kept beside its log. */
export async function dropEntry(deps: Deps, record: AgentRecord): Promise<void> {
  await noteDropped(deps, record, record.prompt);
  await removeEntry(deps, record.id);
}

export async function forgetRecords(deps: Deps, records: readonly AgentRecord[]): Promise<void> {
  const gone = new Set(records.map(({ id }) => id));
  await deps.store.update((draft) => {
    draft.agents = draft.agents.filter(({ id }) => !gone.has(id));
  });
}

/** Takes queued agents out of the queue: they stay, and start only when they are put back. Under their locks. */
export function takeOut(deps: Deps, records: readonly AgentRecord[]): Promise<readonly AgentRecord[]> {
  return become(deps, records, "stopped");
}

/** Puts agents that were never started (back) into the queue, behind those that are there. Under their locks. */
export function putBack(deps: Deps, records: readonly AgentRecord[]): Promise<readonly AgentRecord[]> {
  return become(deps, records, "queued");
}

async function become(deps: Deps, records: readonly AgentRecord[], status: "queued" | "stopped"): Promise<readonly AgentRecord[]> {
  const now = deps.clock.now();
  const changed: AgentRecord[] = [];
  for (const record of records) {
    const entry = await readEntry(deps, record.id);
    // Dropped by hand meanwhile.
    if (entry === null) continue;
    const { problem: _, ...rest } = entry.record;
    const next: AgentRecord = { ...rest, status, statusSource: "session", statusSince: new Date(now).toISOString(), exitCode: null };
    await writeEntry(deps, { ...entry, record: next, queuedAt: status === "queued" ? now : entry.queuedAt });
    // Of one that is being started the starter says what became of it.
    if (record.status !== "starting") changed.push(next);
  }
  await putRecords(deps, changed);
  return changed;
}

/** Brings records into the registry, also where it has lost them. */
export async function putRecords(deps: Deps, records: readonly AgentRecord[]): Promise<void> {
  if (records.length === 0) return;
  const changed = new Map(records.map((record) => [record.id, record]));
  await deps.store.update((draft) => {
    const there = new Set(draft.agents.map(({ id }) => id));
    draft.agents = draft.agents.map((agent) => changed.get(agent.id) ?? agent);
    for (const record of records) if (!there.has(record.id)) draft.agents.push(record);
    for (const { commonDir } of records) if (!draft.repositories.includes(commonDir)) draft.repositories.push(commonDir);
  });
}
