import type { Deps } from "../../engine/deps.js";
import type { Seen } from "../../engine/look.js";
import { mapPool } from "../../engine/pool.js";
import { isUnstarted } from "../../engine/queued/entries.js";
import { type Reconciled, reconcile } from "../../engine/reconcile.js";
import { toInfo } from "../../engine/record.js";
import { scopeOf } from "../../engine/scope.js";
import { FleetError, toFleetError } from "../../errors/index.js";
import { AGENT_STATUSES, type WorktreeChanges } from "../../model/index.js";
import type { CallOptions, ListedAgent, ListOptions } from "../types.js";
import { fill } from "./call.js";

/** The fleet as it is now, oldest first, batches together. */
export async function list(deps: Deps, options: ListOptions, call?: CallOptions): Promise<ListedAgent[]> {
  const full = fill(call);
  const wanted = wantedStatuses(options);
  const found = await reconcile(deps, scopeOf(deps, options.allRepos), full.warn, full);
  const agents = select(found, options, wanted);
  if (options.changes !== true) return agents.map((seen) => listed(seen));
  return mapPool(agents, deps.settings.config.fleet.maxParallel, async (seen) => listed(seen, await changesOf(deps, seen, call)), call);
}

/** One agent as listings show it. */
export function listed(seen: Seen, changes: WorktreeChanges | null = null): ListedAgent {
  const info = toInfo(seen.record, {
    sample: seen.sample,
    cpu: seen.cpu,
    ahead: changes?.ahead,
    behind: changes?.behind,
    dirty: changes?.dirty,
  });
  return {
    ...info,
    pid: seen.session && !seen.session.dead ? seen.session.pid : null,
    ...(changes === null ? {} : { changes: { added: changes.added, removed: changes.removed, files: changes.files } }),
    ...(seen.reason === null ? {} : { reason: seen.reason }),
    ...(seen.question === null ? {} : { question: seen.question }),
    ...(seen.choices.length === 0 ? {} : { choices: seen.choices.map(({ label }) => label) }),
  };
}

export async function changesOf(deps: Deps, { record }: Seen, call?: CallOptions): Promise<WorktreeChanges | null> {
  if (isUnstarted(record)) return null;
  try {
    return await deps.git.changes({ path: record.worktree, adminDir: record.adminDir }, record.base, call);
  } catch (error) {
    const known = toFleetError(error);
    if (known.code === "INTERRUPTED") throw known;
    call?.onWarning?.({
      code: "CHANGES_UNKNOWN",
      branch: record.branch,
      message: `The changes of ${record.branch} could not be read: ${known.message}`,
    });
    return null;
  }
}

export function wantedStatuses({ status }: ListOptions): ReadonlySet<string> | null {
  if (status === undefined) return null;
  const wanted = new Set<string>(typeof status === "string" ? [status] : status);
  for (const name of wanted) {
    if (!(AGENT_STATUSES as readonly string[]).includes(name)) {
      throw new FleetError("USAGE", `There is no status "${name}".`, { hint: `Known are ${AGENT_STATUSES.join(", ")}.` });
    }
  }
  return wanted;
}

/** Those that are wanted, in the order of listings. */
export function select({ agents }: Reconciled, options: ListOptions, wanted: ReadonlySet<string> | null): readonly Seen[] {
  const inBatch = agents.filter(({ record }) => options.batch === undefined || record.batch === options.batch);
  if (options.batch !== undefined && inBatch.length === 0) {
    throw new FleetError("BATCH_NOT_FOUND", `No batch has the id "${options.batch}".`, {
      hint: "`fleet list --grouped` shows the batches.",
    });
  }
  return inBatch
    .filter(({ record }) => wanted === null || wanted.has(record.status))
    .sort(
      (a, b) =>
        compare(a.record.repo, b.record.repo) ||
        compare(a.record.createdAt, b.record.createdAt) ||
        (a.record.index ?? 0) - (b.record.index ?? 0) ||
        compare(a.record.branch, b.record.branch),
    );
}

/** By code units: a locale's order would take longer to load than the whole list to make. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
