import { type FleetError, toFleetError } from "../errors/index.js";
import type { AgentRecord, KilledAgent, KillOptions, Repository, SavedWork } from "../model/index.js";
import type { Deps } from "./deps.js";
import { dropIfEmpty } from "./drop.js";
import type { Judged } from "./judge.js";
import { isRegistered } from "./loss.js";
import { mapPool } from "./pool.js";
import { type RemovalStep, settleBranches, settleRemoval } from "./removal.js";
import type { Moment } from "./stillness.js";
import { takeClean } from "./take-clean.js";
import type { Undo } from "./transact.js";
import { isSaved, restoreCommand, saveCommits, savedTree, saveWork, writeNote } from "./trash.js";

/** What came of several removals. */
export interface Removals {
  readonly killed: readonly KilledAgent[];
  readonly refused: readonly { readonly branch: string; readonly error: FleetError }[];
}

/** Removes agents that are held and whose programs have ended: those with work one by one, each saved first, all others together. */
export async function removeAll(deps: Deps, going: readonly Judged[], options: KillOptions, moment: Moment, undo: Undo): Promise<Removals> {
  if (options.keepWorktree === true) return handOver(deps, going);
  const errors = new Map<string, FleetError>();
  const saved = new Map<string, SavedWork>();
  const clean = going.filter(({ loss }) => loss.reasons.length === 0);
  const touched = await removeClean(deps, clean, options, moment, undo, errors);
  await mapPool(
    [...going.filter(({ loss }) => loss.reasons.length > 0), ...touched],
    deps.settings.config.fleet.maxParallel,
    async (entry) => {
      const { record } = entry.seen;
      const step = removalStep(entry, options);
      try {
        const work = await undo.did(step, () => saveAndRemove(deps, entry));
        if (work !== null) saved.set(record.id, work);
      } catch (error) {
        // One that stays must stay whole, and what cannot be settled now is so by the next command.
        if (await settleRemoval(deps, step)) saved.set(record.id, await savedOf(deps, record));
        else errors.set(record.id, toFleetError(error));
      }
    },
  );
  const gone = going.map(({ seen }) => seen.record).filter(({ id }) => !errors.has(id));
  const kept = await branchesKept(deps, gone, options);
  for (const { seen } of going) {
    if (errors.has(seen.record.id) || saved.has(seen.record.id)) continue;
    const ref = await dropIfEmpty(deps, repoOf([seen.record]), { record: seen.record });
    if (ref !== null) saved.set(seen.record.id, { folder: null, ref, restore: restoreCommand(seen.record) });
  }
  return {
    killed: gone.map(({ id, branch }) => ({ branch, id, saved: saved.get(id) ?? null, branchKept: kept.has(id) })),
    refused: going.flatMap(({ seen }) => {
      const error = errors.get(seen.record.id);
      return error === undefined ? [] : [{ branch: seen.record.branch, error }];
    }),
  };
}

/** Takes away worktrees with nothing to lose in them, those of one repository in one call. Answers with those in which there is something by now that is to be saved. */
async function removeClean(
  deps: Deps,
  going: readonly Judged[],
  options: KillOptions,
  moment: Moment,
  undo: Undo,
  errors: Map<string, FleetError>,
): Promise<readonly Judged[]> {
  const touched: Judged[] = [];
  for (const entries of byRepo(going, ({ seen }) => seen.record)) {
    const repo = repoOf(entries.map(({ seen }) => seen.record));
    const prepare = async (some: readonly Judged[]) => {
      const there: Judged[] = [];
      for (const entry of some) if (await prepareClean(deps, repo, entry, options, undo)) there.push(entry);
      return there;
    };
    const { stay, withWork } = await takeClean(deps, repo, entries, options, moment, prepare);
    for (const [entry, error] of stay) {
      await settleRemoval(deps, removalStep(entry, options));
      errors.set(entry.seen.record.id, error);
    }
    touched.push(...withWork);
  }
  return touched;
}

/** Notes that an agent goes, and keeps of it what nothing else holds; false where somebody has removed it. */
async function prepareClean(deps: Deps, repo: Repository, entry: Judged, options: KillOptions, undo: Undo): Promise<boolean> {
  const { record } = entry.seen;
  await undo.did(removalStep(entry, options), async () => undefined);
  if (!(await isRegistered(deps, record))) return false;
  const { facts } = entry.loss;
  if (facts !== null && facts.leftBehind.length > 0) await saveCommits(deps, repo, record, facts);
  else if (needsNote(entry.loss, options)) {
    await writeNote(deps, repo, record, {
      head: facts?.head ?? null,
      branch: facts?.branch ?? null,
      ref: `refs/fleet/trash/${record.id}-branch`,
    });
  }
  return true;
}

/** Whether something of an agent with a clean worktree may have to be kept: the tip of its branch, commits of its reflog. */
function needsNote({ facts }: Judged["loss"], options: KillOptions): boolean {
  return options.deleteBranch === true || (facts?.leftBehind.length ?? 0) > 0;
}

async function saveAndRemove(deps: Deps, { seen: { record }, loss }: Judged): Promise<SavedWork | null> {
  const { facts, linked } = loss;
  // Somebody may have removed it by hand meanwhile.
  if (facts === null || !(await isRegistered(deps, record))) return null;
  return saveWork(deps, repoOf([record]), record, { facts, linked });
}

/** What was saved of an agent whose removal went wrong after the worktree had left its place. */
async function savedOf(deps: Deps, record: AgentRecord): Promise<SavedWork> {
  const folder = (await isSaved(deps, record.id)) ? savedTree(deps, record.id) : null;
  return { folder, ref: null, restore: restoreCommand(record) };
}

/** Leaves worktree and branch where they are and takes our mark off them. */
async function handOver(deps: Deps, going: readonly Judged[]): Promise<Removals> {
  const ids = new Set(going.map(({ seen }) => seen.record.id));
  // The registry first: a mark that is missing while the registry knows the agent is taken for lost, and written anew.
  await deps.store.update((draft) => {
    draft.agents = draft.agents.filter(({ id }) => !ids.has(id));
  });
  const marked = await mapPool(going, going.length, async ({ seen: { record } }) => {
    try {
      if (await isRegistered(deps, record)) await deps.git.writeMark(record.adminDir, null);
      return null;
    } catch (error) {
      return { record, error: toFleetError(error) };
    }
  });
  // With its mark it is still ours.
  const refused = marked.filter((entry) => entry !== null);
  if (refused.length > 0) {
    await deps.store.update((draft) => {
      draft.agents.push(...refused.map(({ record }) => record));
    });
  }
  const still = new Set(refused.map(({ record }) => record.id));
  return {
    killed: going.flatMap(({ seen: { record } }) =>
      still.has(record.id) ? [] : [{ branch: record.branch, id: record.id, saved: null, branchKept: true }],
    ),
    refused: refused.map(({ record, error }) => ({ branch: record.branch, error })),
  };
}

async function branchesKept(deps: Deps, gone: readonly AgentRecord[], options: KillOptions): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  for (const records of byRepo(gone, (record) => record)) {
    for (const id of await settleBranches(deps, repoOf(records), records, options.deleteBranch === true)) kept.add(id);
  }
  return kept;
}

function removalStep({ seen: { record }, loss }: Judged, options: KillOptions): RemovalStep {
  const unlinked = loss.facts !== null && !loss.linked;
  return { kind: "removal", record, deleteBranch: options.deleteBranch === true, ...(unlinked ? { unlinked } : {}) };
}

function byRepo<T>(items: readonly T[], recordOf: (item: T) => AgentRecord): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const { commonDir } = recordOf(item);
    groups.set(commonDir, [...(groups.get(commonDir) ?? []), item]);
  }
  return [...groups.values()];
}

function repoOf(records: readonly AgentRecord[]): Repository {
  const [first] = records as readonly [AgentRecord];
  return { commonDir: first.commonDir, path: first.repo, bare: false };
}
