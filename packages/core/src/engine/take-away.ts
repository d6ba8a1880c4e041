import { type FleetError, toFleetError } from "../errors/index.js";
import type { AgentRecord, KilledAgent, KillOptions, Repository, SavedWork } from "../model/index.js";
import type { Deps } from "./deps.js";
import type { Judged } from "./judge.js";
import type { Seen } from "./look.js";
import { isRegistered } from "./loss.js";
import { mapPool } from "./pool.js";
import { killLock, type RemovalStep, settleBranches, settleRemoval } from "./removal.js";
import type { Undo } from "./transact.js";
import { saveWork } from "./trash.js";

/** What came of several removals. */
export interface Removals {
  readonly killed: readonly KilledAgent[];
  readonly refused: readonly { readonly branch: string; readonly error: FleetError }[];
}

/** How long one kill waits for another of the same agent, milliseconds. */
const LOCK_MS = 60_000;

/** Removes agents whose programs have ended: those with work one by one, each saved first, all others together. */
export async function removeAll(deps: Deps, going: readonly Judged[], options: KillOptions, undo: Undo): Promise<Removals> {
  if (options.keepWorktree === true) return { killed: await mapPool(going, going.length, ({ seen }) => handOver(deps, seen)), refused: [] };
  const errors = new Map<string, FleetError>();
  const saved = new Map<string, SavedWork>();
  await removeClean(
    deps,
    going.filter(({ loss }) => loss.reasons.length === 0),
    options,
    undo,
    errors,
  );
  await mapPool(
    going.filter(({ loss }) => loss.reasons.length > 0),
    deps.settings.config.fleet.maxParallel,
    async (entry) => {
      const { record } = entry.seen;
      const step = removalStep(record, options);
      try {
        // Two kills of one agent must not save it over each other.
        const work = await deps.locks.hold(killLock(deps, record.id), () => undo.did(step, () => saveAndRemove(deps, entry)), {
          timeoutMs: LOCK_MS,
        });
        if (work !== null) saved.set(record.id, work);
      } catch (error) {
        // One that stays must stay whole, and what cannot be settled now is so by the next command.
        await settleRemoval(deps, step);
        errors.set(record.id, toFleetError(error));
      }
    },
  );
  const gone = going.map(({ seen }) => seen.record).filter(({ id }) => !errors.has(id));
  const kept = await branchesKept(deps, gone, options);
  return {
    killed: gone.map(({ id, branch }) => ({ branch, id, saved: saved.get(id) ?? null, branchKept: kept.has(id) })),
    refused: going.flatMap(({ seen }) => {
      const error = errors.get(seen.record.id);
      return error === undefined ? [] : [{ branch: seen.record.branch, error }];
    }),
  };
}

/** Takes away worktrees with nothing to lose in them, those of one repository in one call. */
async function removeClean(
  deps: Deps,
  going: readonly Judged[],
  options: KillOptions,
  undo: Undo,
  errors: Map<string, FleetError>,
): Promise<void> {
  for (const records of byRepo(going.map(({ seen }) => seen.record))) {
    const registered: AgentRecord[] = [];
    for (const record of records) {
      await undo.did(removalStep(record, options), async () => undefined);
      if (await isRegistered(deps, record)) registered.push(record);
    }
    const failed = await deps.git.removeWorktrees(
      repoOf(records),
      registered.map(({ worktree, adminDir }) => ({ path: worktree, adminDir })),
    );
    for (const record of registered) {
      const error = failed.get(record.adminDir);
      if (error === undefined) continue;
      await settleRemoval(deps, removalStep(record, options));
      errors.set(record.id, toFleetError(error));
    }
  }
}

async function saveAndRemove(deps: Deps, { seen: { record }, loss }: Judged): Promise<SavedWork | null> {
  // Another kill may have been here while this one waited.
  if (loss.facts === null || !(await isRegistered(deps, record))) return null;
  return saveWork(deps, repoOf([record]), record, loss.facts);
}

/** Leaves worktree and branch where they are and takes our mark off them. */
async function handOver(deps: Deps, { record }: Seen): Promise<KilledAgent> {
  if (await isRegistered(deps, record)) await deps.git.writeMark(record.adminDir, null);
  return { branch: record.branch, id: record.id, saved: null, branchKept: true };
}

async function branchesKept(deps: Deps, gone: readonly AgentRecord[], options: KillOptions): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  for (const records of byRepo(gone)) {
    for (const id of await settleBranches(deps, repoOf(records), records, options.deleteBranch === true)) kept.add(id);
  }
  return kept;
}

function removalStep(record: AgentRecord, options: KillOptions): RemovalStep {
  return { kind: "removal", record, deleteBranch: options.deleteBranch === true };
}

function byRepo(records: readonly AgentRecord[]): readonly (readonly AgentRecord[])[] {
  const groups = new Map<string, AgentRecord[]>();
  for (const record of records) groups.set(record.commonDir, [...(groups.get(record.commonDir) ?? []), record]);
  return [...groups.values()];
}

function repoOf(records: readonly AgentRecord[]): Repository {
  const [first] = records as readonly [AgentRecord];
  return { commonDir: first.commonDir, path: first.repo, bare: false };
}
