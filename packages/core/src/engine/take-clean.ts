import { join } from "node:path";
import { type FleetError, isFleetError, toFleetError } from "../errors/index.js";
import type { KillOptions, Repository } from "../model/index.js";
import type { Deps } from "./deps.js";
import { giveUp, isMuch } from "./given-up.js";
import { type Judged, judgeEnded } from "./judge.js";
import { type Moment, noteMoment, TICK_MS } from "./stillness.js";

/** How often a worktree is looked at again that somebody writes to while it goes. */
const ATTEMPTS = 3;

/** What came of taking away worktrees that held nothing to lose. */
export interface Taken {
  /** Those that stay, and why. */
  readonly stay: ReadonlyMap<Judged, FleetError>;
  /** Those that stay for now and, by force, are to be saved: somebody has worked in them since they were judged. */
  readonly withWork: readonly Judged[];
}

/**
 * Takes away worktrees of one repository that hold nothing to lose. Nobody can reach the folders by
 * their names any more when it is asked whether anything was written since they were judged, by their programs before they ended or by
 * others: then one is put back, and judged again. `prepare` notes what is about to be done, and keeps commits that nothing else holds; it
 * answers with those that are still there.
 */
export async function takeClean(
  deps: Deps,
  repo: Repository,
  entries: readonly Judged[],
  options: KillOptions,
  first: Moment,
  prepare: (entries: readonly Judged[]) => Promise<readonly Judged[]>,
): Promise<Taken> {
  const stay = new Map<Judged, FleetError>();
  const withWork: Judged[] = [];
  let moment = first;
  let going = await prepare(entries);
  for (let attempt = 1; going.length > 0; attempt++) {
    const failed = await takeOnce(deps, repo, going, moment, attempt);
    if (moment !== first) await moment.forget();
    const again: Judged[] = [];
    for (const [entry, error] of failed) {
      if (isFleetError(error, "WORKTREE_DIRTY") && attempt < ATTEMPTS) again.push(entry);
      else stay.set(entry, error);
    }
    if (again.length === 0) break;
    // What was written before it is to be told from what is written after.
    await deps.clock.sleep(TICK_MS + 10);
    moment = await noteMoment(deps);
    const judged = await Promise.all(again.map(({ seen }) => judgeEnded(deps, seen, options)));
    for (const entry of judged) {
      if (entry.refusal !== null) stay.set(entry, entry.refusal);
      else if (entry.loss.reasons.length > 0) withWork.push(entry);
    }
    going = await prepare(judged.filter(({ refusal, loss }) => refusal === null && loss.reasons.length === 0));
    if (going.length === 0) await moment.forget();
  }
  return { stay, withWork };
}

/** Answers with those that are still there. */
async function takeOnce(
  deps: Deps,
  repo: Repository,
  going: readonly Judged[],
  moment: Moment,
  attempt: number,
): Promise<ReadonlyMap<Judged, FleetError>> {
  // Any `git gc` in the repository writes every reflog anew; who commits or resets writes the index or HEAD as well. Not at
  // first, when what their programs did last is asked for, too.
  const except = attempt === 1 ? [] : going.map(({ seen: { record } }) => join(record.adminDir, "logs"));
  const places = going.map(({ seen: { record }, loss: { facts } }) => ({ path: record.worktree, adminDir: record.adminDir, facts }));
  const much = await isMuch(deps, places);
  const changed = (folders: readonly string[]) => moment.changedSince(folders, { within: true, except, much });
  const later = much && deps.startDeleter !== null ? { giveUp: (folders: readonly string[]) => giveUp(deps, folders) } : {};
  const failed = await deps.git.removeWorktrees(repo, places, { changed, ...later });
  return new Map(
    going.flatMap((entry) => {
      const error = failed.get(entry.seen.record.adminDir);
      return error === undefined ? [] : [[entry, toFleetError(error)] as const];
    }),
  );
}
