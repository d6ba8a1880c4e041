import type { Deps } from "../../engine/deps.js";
import { endAgents } from "../../engine/ending.js";
import { tidyLogs } from "../../engine/logs.js";
import type { Seen } from "../../engine/look.js";
import { isRegistered, type Loss, lossOf } from "../../engine/loss.js";
import { mapPool } from "../../engine/pool.js";
import { killLock, settleBranch, settleRemoval } from "../../engine/removal.js";
import { isSingle } from "../../engine/targets.js";
import { transact, type Undo } from "../../engine/transact.js";
import { saveWork } from "../../engine/trash.js";
import { FleetError, isFleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import { type AgentRecord, isAlive, type Target, type WorktreeFacts } from "../../model/index.js";
import type { CallOptions, FailedAgent, KilledAgent, KillOptions, KillPreview, KillResult, SavedWork } from "../types.js";
import { find } from "./find.js";
import { requireSession } from "./require.js";

/** Ends agents and removes worktree, record and marks. Work is never lost: refused, or saved under `force`. */
export async function kill(deps: Deps, target: Target, options: KillOptions, call?: CallOptions): Promise<KillResult> {
  const chosen = await find(deps, target, call);
  requireSession(chosen);
  const progress = call?.onProgress ?? (() => {});
  progress({ type: "plan", agents: chosen.map(({ record }) => record.branch) });

  const parallel = deps.settings.config.fleet.maxParallel;
  const judged = await mapPool(chosen, parallel, (seen) => judge(deps, seen, options, call), call);
  const going = judged.filter((entry) => entry.refusal === null);
  // From here on an interruption no longer stops what has begun: each agent is finished.
  await endAgents(
    deps,
    going.map(({ seen }) => seen),
  );
  // Noted until the registry has been told: the next command finishes what is cut off in the middle.
  const { killed, refused } = await transact(deps, async (undo) => {
    const ended = await removeAll(deps, going, options, undo, call);
    const refused = [
      ...judged.flatMap(({ seen, refusal }) => (refusal === null ? [] : [{ branch: seen.record.branch, error: refusal }])),
      ...ended.refused,
    ];
    await forget(deps, ended.killed, going, refused);
    return { killed: ended.killed, refused };
  });
  for (const { branch, error } of refused) progress({ type: "failed", branch, message: error.message });
  const [only] = refused;
  if (isSingle(target) && only !== undefined) throw only.error;
  return { killed, refused };
}

async function removeAll(
  deps: Deps,
  going: readonly Judged[],
  options: KillOptions,
  undo: Undo,
  call?: CallOptions,
): Promise<{ readonly killed: readonly KilledAgent[]; readonly refused: readonly FailedAgent[] }> {
  const done = await mapPool(going, deps.settings.config.fleet.maxParallel, async (entry) => {
    const { record } = entry.seen;
    try {
      // Two kills of one agent must not save it over each other.
      const killed = await deps.locks.hold(killLock(deps, record.id), () => removeNoted(deps, entry, options, undo), {
        timeoutMs: LOCK_MS,
      });
      call?.onProgress?.({ type: "done", branch: record.branch });
      return { killed, refused: null };
    } catch (error) {
      return { killed: null, refused: { branch: record.branch, error: toFleetError(error) } };
    }
  });
  return {
    killed: done.flatMap(({ killed }) => killed ?? []),
    refused: done.flatMap(({ refused }) => refused ?? []),
  };
}

async function removeNoted(deps: Deps, entry: Judged, options: KillOptions, undo: Undo): Promise<KilledAgent> {
  if (options.keepWorktree === true) return remove(deps, entry, options);
  const step = { kind: "removal", record: entry.seen.record, deleteBranch: options.deleteBranch === true } as const;
  try {
    return await undo.did(step, () => remove(deps, entry, options));
  } catch (error) {
    // One that stays must stay whole, and what cannot be settled now is so by the next command.
    await settleRemoval(deps, step);
    throw error;
  }
}

/** What a kill would refuse to lose. */
export async function previewKill(deps: Deps, target: Target, call?: CallOptions): Promise<readonly KillPreview[]> {
  const chosen = await find(deps, target, call);
  return mapPool(
    chosen,
    deps.settings.config.fleet.maxParallel,
    async ({ record }) => {
      const { reasons, files } = await lossOf(deps, record, call);
      return { branch: record.branch, id: record.id, reasons, files };
    },
    call,
  );
}

interface Judged {
  readonly seen: Seen;
  readonly loss: Loss;
  readonly refusal: FleetError | null;
}

/** How long one kill waits for another of the same agent, milliseconds. */
const LOCK_MS = 60_000;

const NOTHING: Loss = { reasons: [], files: [], facts: null };
const UNREADABLE: WorktreeFacts = {
  modified: [],
  untracked: [],
  ignored: [],
  operation: null,
  head: null,
  branch: null,
  unreachable: [],
};

async function judge(deps: Deps, seen: Seen, options: KillOptions, call?: CallOptions): Promise<Judged> {
  const { record } = seen;
  if (record.status === "starting") {
    const refusal = new FleetError("LOCKED", `${record.branch} is still being started by another command.`, {
      hint: "Wait until it is up, or interrupt that command.",
    });
    return { seen, loss: NOTHING, refusal };
  }
  if (options.keepWorktree === true) return { seen, loss: NOTHING, refusal: null };
  try {
    const loss = await lossFor(deps, record, options, call);
    const refusal = loss.reasons.length > 0 && options.force !== true ? dirty(record.branch, loss) : null;
    return { seen, loss, refusal };
  } catch (error) {
    throwIfAborted(call?.signal);
    return { seen, loss: NOTHING, refusal: toFleetError(error) };
  }
}

/** As lossOf; by force, a worktree that git cannot read is saved as a whole. */
async function lossFor(deps: Deps, record: AgentRecord, { force }: KillOptions, call?: CallOptions): Promise<Loss> {
  try {
    return await lossOf(deps, record, call);
  } catch (error) {
    if (force !== true || !isFleetError(error, "DRIVER_FAILED")) throw error;
    return { reasons: [`its state could not be read (${error.message})`], files: [], facts: UNREADABLE };
  }
}

function dirty(branch: string, loss: Loss, ended = false): FleetError {
  return new FleetError(
    "WORKTREE_DIRTY",
    `${branch} holds work that would be lost: ${loss.reasons.join(", ")}.${ended ? " Its program was ended; the worktree is kept." : ""}`,
    {
      hint: "Commit or move it, or use --force, which saves it all first.",
      data: { files: loss.files, reasons: loss.reasons },
    },
  );
}

async function remove(deps: Deps, { seen, loss: before }: Judged, options: KillOptions): Promise<KilledAgent> {
  const { record } = seen;
  const repo = { commonDir: record.commonDir, path: record.repo, bare: false };
  if (options.keepWorktree === true) {
    if (record.adminDir !== "" && (await isRegistered(deps, record))) await deps.git.writeMark(record.adminDir, null);
    return { branch: record.branch, id: record.id, saved: null, branchKept: true };
  }
  // A program that was alive may have written since the first look, and another kill may have been here.
  const isStale = isAlive(record.status) || record.status === "unknown" || !(await isRegistered(deps, record));
  const loss = isStale ? await lossFor(deps, record, options) : before;
  if (loss.reasons.length > 0 && options.force !== true) throw dirty(record.branch, loss, true);
  let saved: SavedWork | null = null;
  if (loss.facts !== null) {
    const worktree = { path: record.worktree, adminDir: record.adminDir };
    if (loss.reasons.length > 0) saved = await saveWork(deps, repo, record, loss.facts);
    else await deps.git.removeWorktree(repo, worktree);
  } else if (record.adminDir !== "" && (await isRegistered(deps, record))) {
    // The folder is gone or not ours any more: only what names it is taken away.
    await deps.git.removeWorktree(repo, { path: record.worktree, adminDir: record.adminDir });
  }
  return { branch: record.branch, id: record.id, saved, branchKept: await settleBranch(deps, repo, record, options.deleteBranch === true) };
}

/** One write of the registry for all: the killed go, those ended but kept are stopped. */
async function forget(
  deps: Deps,
  killed: readonly KilledAgent[],
  going: readonly Judged[],
  refused: readonly FailedAgent[],
): Promise<void> {
  if (going.length === 0) return;
  const gone = new Set(killed.map(({ id }) => id));
  const keptBranches = new Set(refused.map(({ branch }) => branch));
  const stopped = new Set(going.filter(({ seen }) => keptBranches.has(seen.record.branch)).map(({ seen }) => seen.record.id));
  const now = new Date(deps.clock.now()).toISOString();
  await deps.store.update((draft) => {
    draft.agents = draft.agents
      .filter((agent) => !gone.has(agent.id))
      .map((agent) =>
        stopped.has(agent.id) && isAlive(agent.status)
          ? { ...agent, status: "stopped" as const, statusSource: "session" as const, statusSince: now, process: null }
          : agent,
      );
  });
  const { agents } = await deps.store.read();
  await tidyLogs(deps, new Set(agents.map((agent) => agent.id)));
}
