import { alone } from "../alone.js";
import type { Deps } from "../deps.js";
import type { Entry, QueuedAgents } from "./entries.js";

/** Starts a process that starts what is queued, where something is and none is at work. Free where nothing is. */
export async function wakeStarter(deps: Deps, queued: QueuedAgents): Promise<void> {
  if (deps.startCourier === null || waitingIn(queued).length === 0) return;
  const isFree = await whileStarter(deps, async () => {});
  if (isFree) await deps.startCourier({ home: deps.paths.home, repo: deps.repo?.path ?? null });
}

/** Does it where nobody else starts queued agents of this home; says whether it did. */
export function whileStarter(deps: Deps, work: () => Promise<void>): Promise<boolean> {
  return alone(deps, "starter", work);
}

/** The agents that wait for a place, first come first. */
export function waitingIn({ entries }: QueuedAgents): readonly Entry[] {
  return [...entries.values()].filter(({ record }) => record.status === "queued");
}
