import { FleetError } from "../errors/index.js";
import { type AgentRecord, isEnded, type Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import { askSessions } from "./ask-sessions.js";
import type { Deps } from "./deps.js";
import { look, type Seen } from "./look.js";
import { isRegistered } from "./loss.js";
import { isUnstarted, readEntry } from "./queued/entries.js";

/** How long one command waits for another that ends, starts, removes or restores the same agent, milliseconds. */
const LOCK_MS = 60_000;

/**
 * Runs `work` while no other command ends, starts, removes or restores any of these agents. Locks are
 * taken in the order of their names, so that two commands on overlapping sets never wait for each other.
 */
export function holdAgents<T>(deps: Deps, ids: readonly string[], work: () => Promise<T>, call?: Call): Promise<T> {
  const sorted = [...new Set(ids)].sort();
  const hold = (at: number): Promise<T> => {
    const id = sorted[at];
    if (id === undefined) return work();
    return deps.locks.hold(`${deps.paths.run}/agent-${id}`, () => hold(at + 1), { timeoutMs: LOCK_MS }, call);
  };
  return hold(0);
}

/** Agents as they are once they are held: another command may have changed some of them while this one waited. */
export interface Held {
  readonly there: readonly Seen[];
  /** Removed meanwhile. */
  readonly gone: readonly AgentRecord[];
}

/** As {@link holdAgents}, with the agents as they are then. Those that nobody touched are not looked at again. */
export function holdSeen<T>(
  deps: Deps,
  seen: readonly Seen[],
  work: (held: Held) => Promise<T>,
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<T> {
  const ids = seen.map(({ record }) => record.id);
  return holdAgents(deps, ids, async () => work(await asTheyAre(deps, seen, warn, call)), call);
}

async function asTheyAre(deps: Deps, seen: readonly Seen[], warn: (warning: Warning) => void, call?: Call): Promise<Held> {
  const { agents } = await deps.store.read(call);
  const known = new Map(agents.map((record) => [record.id, record]));
  const there: Seen[] = [];
  const gone: AgentRecord[] = [];
  const changed: AgentRecord[] = [];
  for (const one of seen) {
    const now = known.get(one.record.id);
    // A registry that was lost meanwhile says nothing about the agent; its own mark does.
    if (now === undefined && !(await isThere(deps, one.record))) gone.push(one.record);
    else if (now === undefined || isUntouched(one.record, now)) there.push(one);
    // A worktree that was moved by hand is known by the look, not by the registry.
    else changed.push(now.adminDir === one.record.adminDir ? { ...now, worktree: one.record.worktree } : now);
  }
  if (changed.length > 0) there.push(...(await look(deps, changed, await askSessions(deps, warn, call), warn, call)));
  return { there, gone };
}

/** Whether an agent that the registry does not know is there all the same: its mark says so, or the queue. */
async function isThere(deps: Deps, record: AgentRecord): Promise<boolean> {
  return isUnstarted(record) ? (await readEntry(deps, record.id)) !== null : isRegistered(deps, record);
}

/** Whether nobody has stopped, started or brought back the agent since it was seen. */
function isUntouched(seen: AgentRecord, now: AgentRecord): boolean {
  if (seen.adminDir !== now.adminDir) return false;
  // What happens to one that was never started shows in nothing else.
  if (isUnstarted(seen) || isUnstarted(now)) return seen.status === now.status;
  if (isEnded(seen.status) && isEnded(now.status) && now.process === null) return true;
  return (
    seen.process?.pid === now.process?.pid && seen.process?.start === now.process?.start && isEnded(seen.status) === isEnded(now.status)
  );
}

/** What a command says that came second to the one that removed the agent. */
export function removedMeanwhile({ branch }: AgentRecord): FleetError<"AGENT_NOT_FOUND"> {
  return new FleetError("AGENT_NOT_FOUND", `The agent on "${branch}" was removed by another command meanwhile.`, {
    hint: "`fleet list` shows the agents.",
    data: { name: branch },
  });
}
