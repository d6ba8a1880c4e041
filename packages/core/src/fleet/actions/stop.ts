import { holdSeen, removedMeanwhile } from "../../engine/agent-lock.js";
import { askSessions } from "../../engine/ask-sessions.js";
import type { Deps } from "../../engine/deps.js";
import { endAgents } from "../../engine/ending.js";
import { look, type Seen } from "../../engine/look.js";
import { saveRecords } from "../../engine/mirror.js";
import { beingStarted, callOff } from "../../engine/queued/call-off.js";
import { takeOut } from "../../engine/queued/change.js";
import { isUnstarted, readEntries } from "../../engine/queued/entries.js";
import { wakeStarter } from "../../engine/queued/wake.js";
import { asStopped } from "../../engine/settle-stop.js";
import { isSingle } from "../../engine/targets.js";
import { transact } from "../../engine/transact.js";
import { FleetError } from "../../errors/index.js";
import { type AgentRecord, isEnded, type Target } from "../../model/index.js";
import type { CallOptions, StopResult } from "../types.js";
import { fill } from "./call.js";
import { describe, find } from "./find.js";
import { requireSession } from "./require.js";

/** Noted until all is written down: a stop that is cut off, or that a full disk keeps from being written, is still a stop and no loss. */
async function endAll(deps: Deps, going: readonly Seen[]) {
  if (going.length === 0) return { left: new Set<string>(), stopped: [] };
  return transact(deps, async (undo) => {
    const agents = going.map(({ record }) => record.id);
    return undo.did({ kind: "stop", agents }, async () => {
      const left = await endAgents(deps, going);
      const stopped = going.filter(({ record }) => !left.has(record.id)).map(({ record }) => asStopped(deps, record));
      await saveRecords(deps, stopped);
      return { left, stopped };
    });
  });
}

/** Ends the programs of agents and keeps their worktrees and records. One that has ended stays as it is, and one that is queued is taken out of the queue. */
export async function stop(deps: Deps, target: Target, call?: CallOptions): Promise<StopResult> {
  const chosen = await find(deps, target, call);
  requireSession(chosen);
  const starting = chosen.filter(isStarting).map(({ record }) => record);
  const [first] = starting;
  if (first !== undefined && isSingle(target) && (await beingStarted(deps, starting)).length === 0) throw stillStarting(first);
  const result = await holdSeen(
    deps,
    chosen,
    async ({ there, gone }) => {
      const [first] = gone;
      if (isSingle(target) && first !== undefined) throw removedMeanwhile(first);
      requireSession(there);
      const { calledOff, rest } = await callOffRising(deps, there, call);
      const { agents, failed } = await stopHeld(deps, rest, call);
      return { agents: [...(await describe(deps, calledOff, call)), ...agents], failed };
    },
    fill(call).warn,
    call,
  );
  // Places have become free: somebody must be there to give them to others.
  await wakeStarter(deps, await readEntries(deps));
  return result;
}

/** Starts from the queue that are under way are called off; one that has come up by then is among the rest. */
async function callOffRising(
  deps: Deps,
  all: readonly Seen[],
  call?: CallOptions,
): Promise<{ readonly calledOff: readonly AgentRecord[]; readonly rest: readonly Seen[] }> {
  const rising = await beingStarted(
    deps,
    all.map(({ record }) => record),
  );
  if (rising.length === 0) return { calledOff: [], rest: all };
  const { warn } = fill(call);
  const now = await callOff(deps, rising, async (record) => void (await takeOut(deps, [record])));
  const calledOff = now.filter(isUnstarted);
  const up = now.filter((record) => !calledOff.includes(record));
  const seen = up.length === 0 ? [] : await look(deps, up, await askSessions(deps, warn, call), warn, call);
  return { calledOff, rest: [...all.filter(({ record }) => !rising.includes(record)), ...seen] };
}

async function stopHeld(deps: Deps, chosen: readonly Seen[], call?: CallOptions): Promise<StopResult> {
  const waiting = chosen.filter(({ record }) => record.status === "queued");
  const going = chosen.filter((seen) => !isEnded(seen.record.status) && !isStarting(seen) && !waiting.includes(seen));
  for (const { record } of chosen) {
    if (isEnded(record.status))
      call?.onWarning?.({ code: "NOT_RUNNING", branch: record.branch, message: `${record.branch} does not run (${record.status}).` });
  }
  // First those that would take the places of the others.
  const out = await takeOut(
    deps,
    waiting.map(({ record }) => record),
  );
  const { left, stopped } = await endAll(deps, going);
  const others = chosen.filter(({ record }) => isEnded(record.status)).map(({ record }) => record);
  return {
    agents: await describe(deps, [...out, ...stopped, ...others], call),
    failed: [
      ...going
        .filter(({ record }) => left.has(record.id))
        .map(({ record }) => ({
          branch: record.branch,
          error: new FleetError("DRIVER_FAILED", `A process of ${record.branch} did not end.`, {
            hint: "`fleet doctor` shows what is left.",
          }),
        })),
      ...chosen.filter(isStarting).map(({ record }) => ({ branch: record.branch, error: stillStarting(record) })),
    ],
  };
}

function isStarting({ record }: Seen): boolean {
  return record.status === "starting";
}

function stillStarting({ branch }: AgentRecord): FleetError {
  return new FleetError("LOCKED", `${branch} is still being started by another command.`, {
    hint: "Wait until it is up, or interrupt that command.",
  });
}
