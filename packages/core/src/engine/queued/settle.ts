import type { AgentRecord, Warning } from "../../model/index.js";
import type { Deps } from "../deps.js";
import { type Entry, isUnstarted, type QueuedAgents, readEntry, removeEntry } from "./entries.js";

/**
 * The record of an agent by what the queue says of it; null where it was never started and is not queued any more; undefined
 * where the queue has no say. `hasMark`: it has a worktree with its own mark. `abandoned`: its maker is gone.
 */
export async function asQueued(
  deps: Deps,
  record: AgentRecord,
  entry: Entry | undefined,
  { hasMark, abandoned }: { readonly hasMark: boolean; readonly abandoned: boolean },
): Promise<AgentRecord | null | undefined> {
  if (hasMark || record.adminDir !== "") {
    if (entry !== undefined) await dropLeftover(deps, record.id);
    return undefined;
  }
  if (record.status === "starting" && !abandoned) return undefined;
  if (entry !== undefined) return entry.record;
  if (!isUnstarted(record)) return undefined;
  // Who reserved it may be about to write it down; who is gone by now has done so, or never will.
  if (!abandoned && record.maker !== null && record.status === "queued") return record;
  return (await readEntry(deps, record.id)) === null ? null : record;
}

/** What a starter that was killed right after the start has left; one that is still at it removes its own. */
async function dropLeftover(deps: Deps, id: string): Promise<void> {
  const now = (await deps.store.read()).agents.find((agent) => agent.id === id);
  if (now === undefined || now.status === "starting" || now.status === "queued") return;
  await removeEntry(deps, id).catch(() => undefined);
}

/** Agents of the queue that the registry has lost. */
export function lostToRegistry(
  { entries }: QueuedAgents,
  known: ReadonlySet<string>,
  isMarked: (id: string) => boolean,
  commonDir: string | null,
): readonly AgentRecord[] {
  return [...entries.values()]
    .map(({ record }) => record)
    .filter((record) => !known.has(record.id) && !isMarked(record.id) && (commonDir === null || record.commonDir === commonDir));
}

/** What cannot be read is left as it is. */
export function tellBrokenEntries({ broken }: QueuedAgents, folder: string, warn: (warning: Warning) => void): void {
  for (const name of broken) {
    warn({ code: "QUEUE_BROKEN", message: `${folder}/${name} cannot be read; the agent it stands for is not started.` });
  }
}
