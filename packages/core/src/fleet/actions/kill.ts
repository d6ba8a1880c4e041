import { holdSeen, removedMeanwhile } from "../../engine/agent-lock.js";
import { askSessions } from "../../engine/ask-sessions.js";
import type { Deps } from "../../engine/deps.js";
import { tidyTrash } from "../../engine/drop-entry.js";
import { endAgents } from "../../engine/ending.js";
import { tellHeldBranches } from "../../engine/held-branches.js";
import { type Judged, judge, lookAgain } from "../../engine/judge.js";
import { tidyLogs } from "../../engine/logs.js";
import { look, type Seen } from "../../engine/look.js";
import { lossOf } from "../../engine/loss.js";
import { writeMirror } from "../../engine/mirror.js";
import { mapPool } from "../../engine/pool.js";
import { dropQueues } from "../../engine/queue.js";
import { beingStarted, callOff } from "../../engine/queued/call-off.js";
import { dropAgents, dropEntry } from "../../engine/queued/change.js";
import { isUnstarted, readEntries } from "../../engine/queued/entries.js";
import { wakeStarter } from "../../engine/queued/wake.js";
import { type Moment, noteMoment } from "../../engine/stillness.js";
import { removeAll } from "../../engine/take-away.js";
import { isSingle } from "../../engine/targets.js";
import { transact } from "../../engine/transact.js";
import { isAlive, type Target } from "../../model/index.js";
import type { CallOptions, FailedAgent, KilledAgent, KillOptions, KillPreview, KillResult } from "../types.js";
import { fill } from "./call.js";
import { find } from "./find.js";
import { requireSession } from "./require.js";

/** Ends agents and removes worktree, record and marks. Work is never lost: refused, or saved under `force`. */
export async function kill(deps: Deps, target: Target, options: KillOptions, call?: CallOptions): Promise<KillResult> {
  const chosen = await find(deps, target, call, "saying");
  requireSession(chosen);
  const progress = call?.onProgress ?? (() => {});
  progress({ type: "plan", agents: chosen.map(({ record }) => record.branch) });

  const { killed, refused } = await holdSeen(
    deps,
    chosen,
    async ({ there, gone }) => {
      const [first] = gone;
      if (isSingle(target) && first !== undefined) throw removedMeanwhile(first);
      requireSession(there);
      // First those that would take the places of the others.
      const { dropped, rest } = await dropUnstarted(deps, there, call);
      if (rest.length === 0) return { killed: dropped, refused: [] };
      const moment = await noteMoment(deps);
      const ended = await endAndRemove(deps, rest, options, moment, call).finally(() => moment.forget());
      return { ...ended, killed: [...dropped, ...ended.killed] };
    },
    fill(call).warn,
    call,
  );
  if (options.keepWorktree !== true) {
    const records = chosen.map(({ record }) => record);
    await tellHeldBranches(deps, records, killed, options.deleteBranch === true, fill(call).warn).catch(() => undefined);
  }
  // Not while agents are held: what is dropped is held for itself.
  if (killed.some(({ saved }) => saved !== null)) await tidyTrash(deps);
  // Places have become free: somebody must be there to give them to others.
  await wakeStarter(deps, await readEntries(deps));
  for (const { branch } of killed) progress({ type: "done", branch });
  for (const { branch, error } of refused) progress({ type: "failed", branch, message: error.message });
  const [only] = refused;
  if (isSingle(target) && only !== undefined) throw only.error;
  return { killed, refused };
}

/**
 * Agents of the queue: there is nothing of them but what they were to do. Starts from the queue that are under way are called
 * off; one that has come up by then is among the rest.
 */
async function dropUnstarted(
  deps: Deps,
  all: readonly Seen[],
  call?: CallOptions,
): Promise<{ readonly dropped: readonly KilledAgent[]; readonly rest: readonly Seen[] }> {
  const waiting = all.filter(({ record }) => isUnstarted(record)).map(({ record }) => record);
  await dropAgents(deps, waiting);
  const rising = await beingStarted(
    deps,
    all.map(({ record }) => record),
  );
  const then = rising.length === 0 ? [] : await callOff(deps, rising, (record) => dropEntry(deps, record));
  // One may have failed by itself at that moment.
  await dropAgents(deps, then.filter(isUnstarted));
  const risen = then.filter((record) => !isUnstarted(record));
  const gone = [...waiting, ...rising.filter(({ id }) => !risen.some((record) => record.id === id))];
  if (gone.length > 0) await dropQueues(deps, gone);
  const { warn } = fill(call);
  const up = risen.length === 0 ? [] : await look(deps, risen, await askSessions(deps, warn, call), warn, call);
  const others = all.filter(({ record }) => !waiting.includes(record) && !rising.includes(record));
  return { dropped: gone.map(({ branch, id }) => ({ branch, id, saved: null, branchKept: false })), rest: [...others, ...up] };
}

/** Judges, ends the programs of those that may go, judges those again that moved meanwhile, and removes them. */
async function endAndRemove(
  deps: Deps,
  chosen: readonly Seen[],
  options: KillOptions,
  moment: Moment,
  call?: CallOptions,
): Promise<KillResult> {
  // Noted until the registry has been told: the next command finishes what is cut off in the middle. Begun before
  // any program is ended, so that a disk that takes no note leaves the agents alone.
  return transact(deps, async (undo) => {
    const judged = await mapPool(chosen, deps.settings.config.fleet.maxParallel, (seen) => judge(deps, seen, options, call), call);
    const going = judged.filter((entry) => entry.refusal === null);
    // From here on an interruption no longer stops what has begun: each agent is finished.
    const targets = going.map(({ seen }) => seen);
    // What stays after all, because its removal fails, was stopped.
    if (targets.length > 0)
      await undo.did({ kind: "stop", agents: targets.map(({ record }) => record.id) }, () => endAgents(deps, targets));
    const still = await lookAgain(deps, going, moment, options);
    const ended = await removeAll(
      deps,
      still.filter((entry) => entry.refusal === null),
      options,
      moment,
      undo,
    );
    const refused = [...judged.filter((entry) => entry.refusal !== null), ...still].flatMap(({ seen, refusal }) =>
      refusal === null ? [] : [{ branch: seen.record.branch, error: refusal }],
    );
    await forget(deps, ended.killed, going, [...refused, ...ended.refused]);
    return { killed: ended.killed, refused: [...refused, ...ended.refused] };
  });
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
  await dropQueues(
    deps,
    going.map(({ seen }) => seen.record).filter(({ id }) => gone.has(id)),
  );
  const { agents } = await deps.store.read();
  for (const agent of agents) if (stopped.has(agent.id)) await writeMirror(deps, agent);
  await tidyLogs(deps, new Set(agents.map((agent) => agent.id)));
}
