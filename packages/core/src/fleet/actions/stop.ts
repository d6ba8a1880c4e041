import type { Deps } from "../../engine/deps.js";
import { endAgents } from "../../engine/ending.js";
import type { Seen } from "../../engine/look.js";
import { saveRecords } from "../../engine/mirror.js";
import { asStopped } from "../../engine/settle-stop.js";
import { isSingle } from "../../engine/targets.js";
import { transact } from "../../engine/transact.js";
import { FleetError } from "../../errors/index.js";
import { isEnded, type Target } from "../../model/index.js";
import type { CallOptions, StopResult } from "../types.js";
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

/** Ends the programs of agents and keeps their worktrees and records. One that has ended stays as it is. */
export async function stop(deps: Deps, target: Target, call?: CallOptions): Promise<StopResult> {
  const chosen = await find(deps, target, call);
  requireSession(chosen);
  const starting = chosen.find(({ record }) => record.status === "starting");
  if (starting !== undefined && isSingle(target)) {
    throw new FleetError("LOCKED", `${starting.record.branch} is still being started by another command.`, {
      hint: "Wait until it is up, or interrupt that command.",
    });
  }
  const going = chosen.filter(({ record }) => !isEnded(record.status) && record.status !== "starting");
  for (const { record } of chosen) {
    if (isEnded(record.status))
      call?.onWarning?.({ code: "NOT_RUNNING", branch: record.branch, message: `${record.branch} does not run (${record.status}).` });
  }
  const { left, stopped } = await endAll(deps, going);
  const others = chosen.filter(({ record }) => isEnded(record.status)).map(({ record }) => record);
  return {
    agents: await describe(deps, [...stopped, ...others], call),
    failed: going
      .filter(({ record }) => left.has(record.id))
      .map(({ record }) => ({
        branch: record.branch,
        error: new FleetError("DRIVER_FAILED", `A process of ${record.branch} did not end.`, {
          hint: "`fleet doctor` shows what is left.",
        }),
      })),
  };
}
