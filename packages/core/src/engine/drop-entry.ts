import type { TrashEntry } from "../model/index.js";
import { holdAgents } from "./agent-lock.js";
import type { Deps } from "./deps.js";
import { dropTrash, repoOf } from "./drop.js";
import { transact } from "./transact.js";
import { listTrash, relocated } from "./trash.js";

/** Drops an entry of the trash as a transaction; false if it was gone, or back in its place, by then. */
export function dropEntry(deps: Deps, { record: { id } }: TrashEntry): Promise<boolean> {
  return holdAgents(deps, [id], async () => {
    const found = (await listTrash(deps)).find(({ record }) => record.id === id);
    if (found === undefined) return false;
    const entry = await relocated(deps, found);
    // A repository that is gone has no refs any more; one that cannot be asked says so here, before anything is dropped.
    const repo = await repoOf(deps, entry);
    await transact(deps, (undo) => undo.did({ kind: "drop", entry }, () => dropTrash(deps, entry, repo), { whole: () => true }));
    return true;
  });
}

/** Drops what is older than `trash.keep_days`, never what has no readable date. */
export async function tidyTrash(deps: Deps): Promise<readonly TrashEntry[]> {
  const dropped: TrashEntry[] = [];
  for (const entry of await olderThan(deps, deps.settings.config.trash.keepDays)) {
    // What cannot be dropped now is tried again another time; the trash is never a reason to fail.
    const done = await dropEntry(deps, entry).catch(() => false);
    if (done) dropped.push(entry);
  }
  return dropped;
}

/** Entries saved more than so many days ago. */
export async function olderThan(deps: Deps, days: number): Promise<readonly TrashEntry[]> {
  const oldest = deps.clock.now() - days * 24 * 3600 * 1000;
  return (await listTrash(deps)).filter(({ savedAt }) => Date.parse(savedAt) < oldest);
}
