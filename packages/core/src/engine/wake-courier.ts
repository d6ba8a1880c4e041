import { isEnded } from "../model/index.js";
import { alone } from "./alone.js";
import type { Deps } from "./deps.js";
import type { Seen } from "./look.js";
import { projectName } from "./names.js";
import { queues } from "./queue.js";

/** Starts a courier where prompts are queued for living agents and none is at work. Costs the listing of a folder. */
export async function wakeCourier(deps: Deps, agents: readonly Seen[]): Promise<void> {
  if (deps.startCourier === null || !(await hasWork(deps, agents))) return;
  const isFree = await whileAlone(deps, async () => {});
  if (isFree) await deps.startCourier({ home: deps.paths.home, repo: deps.repo?.path ?? null });
}

/** Whether something is queued for one that lives. */
export async function hasWork(deps: Deps, agents: readonly Seen[]): Promise<boolean> {
  const waiting = await queues(deps);
  return waiting.size > 0 && agents.some((seen) => isServed(seen, waiting));
}

function isServed({ record }: Seen, waiting: ReadonlySet<string>): boolean {
  return waiting.has(record.id) && !isEnded(record.status);
}

/** Does it where no courier of this repository is at work; says whether it did. */
export function whileAlone(deps: Deps, work: () => Promise<void>): Promise<boolean> {
  return alone(deps, `courier${deps.repo === null ? "" : `-${projectName(deps.repo)}`}`, work);
}
