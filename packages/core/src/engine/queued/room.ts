import { FleetError } from "../../errors/index.js";
import { type AgentRecord, isAlive } from "../../model/index.js";
import type { Snapshot } from "../../ports/index.js";
import type { Deps } from "../deps.js";
import type { Seen } from "../look.js";

/** What an agent is taken to need where none runs that could be measured, bytes. */
const UNMEASURED = 256e6;

/** How many agents more may be alive now. */
export interface Room {
  readonly places: number;
  readonly running: number;
  /** What keeps it from being more, a phrase. */
  readonly why: string;
}

/**
 * Finds out how many may be alive, by `fleet.max_running` and by the memory that is free; null where neither is set, and then
 * nothing is asked. The answer is to be worked out on the registry as it is at that moment, under its lock: what others
 * have reserved or started since the look counts. `agents`: all of the home, as they were seen.
 */
export async function roomFor(deps: Deps, agents: readonly Seen[]): Promise<((now: Snapshot) => Room) | null> {
  const { maxRunning, minFreeMemory } = deps.settings.config.fleet;
  if (maxRunning === null && minFreeMemory === null) return null;
  const seen = new Map(agents.map((one) => [one.record.id, one.record]));
  const free = minFreeMemory === null ? null : ((await deps.processes.freeMemory?.()) ?? null);
  const largest = Math.max(0, ...agents.map(({ sample }) => sample?.memory ?? 0)) || UNMEASURED;
  return (now) => {
    const running = now.agents.filter((record) => takesPlace(record, seen.get(record.id))).length;
    const starting = now.agents.filter(({ status }) => status === "starting").length;
    const byLimit = maxRunning === null ? Number.POSITIVE_INFINITY : maxRunning - running;
    // Those on their way up have not taken theirs yet.
    const byMemory =
      free === null || minFreeMemory === null ? Number.POSITIVE_INFINITY : Math.floor((free - minFreeMemory) / largest) - starting;
    const why =
      byLimit <= byMemory
        ? `${running} of ${maxRunning} agents run`
        : `${inGigabytes(free ?? 0)} of memory are free, ${inGigabytes(minFreeMemory ?? 0)} are to stay so, and one more would take ${inGigabytes(largest)}`;
    return { places: Math.max(0, Math.min(byLimit, byMemory)), running, why };
  };
}

/** Whether an agent is alive, by the registry and by a look at it: the look counts unless it was started or ended since. */
function takesPlace(record: AgentRecord, seen: AgentRecord | undefined): boolean {
  const isSame = seen !== undefined && record.process?.pid === seen.process?.pid && record.process?.start === seen.process?.start;
  const { status } = record.status !== "starting" && record.status !== "queued" && isSame ? seen : record;
  // One of which nothing can be found out may well run.
  return isAlive(status) || status === "unknown";
}

/** Throws `LIMIT_REACHED` if so many more cannot be alive now. */
export function refuseTooMany(deps: Deps, { places, running, why }: Room, asked: number): void {
  if (asked <= places) return;
  const limit = deps.settings.config.fleet.maxRunning ?? running;
  throw new FleetError("LIMIT_REACHED", `There is no room for ${asked} more: ${why}.`, {
    hint: "Stop or kill some first, or raise fleet.max_running.",
    data: { running, limit, asked },
  });
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
