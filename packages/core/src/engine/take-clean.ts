import { join } from "node:path";
import { type FleetError, isFleetError, toFleetError } from "../errors/index.js";
import type { KillOptions, Repository } from "../model/index.js";
import type { Deps } from "./deps.js";
import { type Judged, judge } from "./judge.js";
import { type Moment, noteMoment, TICK_MS } from "./stillness.js";

/** How often a worktree is looked at again that somebody writes to while it goes. */
const ATTEMPTS = 3;

/**
 * Takes away worktrees of one repository that hold nothing to lose. Nobody can reach the folders by
 * their names any more when it is asked a last time whether anything was written since they were judged:
 * then one is put back, and judged again. Answers with those that stay, and why.
 */
export async function takeClean(
  deps: Deps,
  repo: Repository,
  entries: readonly Judged[],
  options: KillOptions,
  first: Moment,
): Promise<ReadonlyMap<Judged, FleetError>> {
  const stay = new Map<Judged, FleetError>();
  let moment = first;
  let going = entries;
  for (let attempt = 1; going.length > 0; attempt++) {
    // Any `git gc` in the repository writes every reflog anew; who commits or resets writes the index or HEAD as well.
    const except = going.map(({ seen: { record } }) => join(record.adminDir, "logs"));
    const changed = (folders: readonly string[]) => moment.changedSince(folders, { within: true, except });
    const places = going.map(({ seen: { record } }) => ({ path: record.worktree, adminDir: record.adminDir }));
    const failed = await deps.git.removeWorktrees(repo, places, { changed });
    if (moment !== first) await moment.forget();
    const again: Judged[] = [];
    for (const entry of going) {
      const error = failed.get(entry.seen.record.adminDir);
      if (error === undefined) continue;
      stay.set(entry, toFleetError(error));
      if (isFleetError(error, "WORKTREE_DIRTY") && attempt < ATTEMPTS) again.push(entry);
    }
    if (again.length === 0) break;
    // What was written before it is to be told from what is written after.
    await deps.clock.sleep(TICK_MS + 10);
    moment = await noteMoment(deps);
    const judged = await Promise.all(again.map(async (entry) => [entry, await judge(deps, entry.seen, options)] as const));
    for (const [entry, { refusal }] of judged) if (refusal !== null) stay.set(entry, refusal);
    going = judged.flatMap(([entry, { refusal }]) => (refusal === null ? [entry] : []));
    for (const entry of going) stay.delete(entry);
    if (going.length === 0) await moment.forget();
  }
  return stay;
}
