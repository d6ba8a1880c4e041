import { isFleetError } from "../errors/index.js";
import type { Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { deliverNext, queues } from "./queue.js";
import { startQueued } from "./queued/start.js";
import { reconcile } from "./reconcile.js";
import { scopeOf } from "./scope.js";
import { hasWork, whileAlone } from "./wake-courier.js";
import { looks } from "./watch.js";

/** How long an agent is left alone after a prompt was given or refused: its status has to follow, milliseconds. */
const PAUSE_MS = 1500;

/** Brings what is queued where it is to go, prompts and agents, and ends when nothing is left to be brought. */
export async function carry(given: Deps, warn: (warning: Warning) => void, call?: Call): Promise<void> {
  const deps: Deps = { ...given, startCourier: null };
  await Promise.all([carryPrompts(deps, warn, call), startQueued(deps, warn, call)]);
}

/** Gives queued prompts to agents as they become idle, and ends when nothing is queued for a living one. One at a time does it. */
async function carryPrompts(deps: Deps, warn: (warning: Warning) => void, call?: Call): Promise<void> {
  // What was queued while this one was about to leave saw it at work and started no other: so it looks once more.
  while (await whileAlone(deps, () => round(deps, warn, call))) {
    if ((await queues(deps)).size === 0) return;
    const { agents } = await reconcile(deps, scopeOf(deps), warn, call);
    if (!(await hasWork(deps, agents))) return;
  }
}

async function round(deps: Deps, warn: (warning: Warning) => void, call?: Call): Promise<void> {
  const leftAlone = new Map<string, number>();
  for await (const { agents } of looks(deps, scopeOf(deps), warn, call)) {
    const waiting = await queues(deps);
    if (!(await hasWork(deps, agents))) return;
    const now = deps.clock.now();
    const ready = agents.filter(
      ({ record }) => record.status === "idle" && waiting.has(record.id) && now >= (leftAlone.get(record.id) ?? 0),
    );
    await Promise.all(
      ready.map(async (seen) => {
        await deliverNext(deps, seen, call).catch((error: unknown) => {
          if (isFleetError(error, "INTERRUPTED")) throw error;
        });
        leftAlone.set(seen.record.id, deps.clock.now() + PAUSE_MS);
      }),
    );
  }
}
