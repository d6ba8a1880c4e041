import type { Deps } from "../../engine/deps.js";
import type { Seen } from "../../engine/look.js";
import { startQueued } from "../../engine/queued/start.js";
import { isSingle, pick } from "../../engine/targets.js";
import { looks } from "../../engine/watch.js";
import { FleetError } from "../../errors/index.js";
import { isEnded, type Target } from "../../model/index.js";
import type { CallOptions, ListedAgent, WaitFor, WaitOptions } from "../types.js";
import { fill } from "./call.js";
import { scopeFor } from "./find.js";
import { listed } from "./list.js";

/**
 * Waits until agents are where they were wanted. `onEnd: "reject"`: an agent that ends although
 * something else was waited for rejects with `AGENT_DIED`; otherwise an ended agent counts as there.
 */
export async function wait(
  deps: Deps,
  target: Target,
  options: WaitOptions & { readonly onEnd?: "reject" | "count" },
  call?: CallOptions,
): Promise<ListedAgent[]> {
  const full = fill(call);
  const goal = options.for ?? "idle";
  const deadline = timer(options.timeout, call?.signal);
  const over = new AbortController();
  // Where no other process starts what is queued, waiting for it would have no end.
  const carried = deps.startCourier === null ? startQueued(deps, full.warn, { signal: over.signal }).catch(() => undefined) : undefined;
  let last: readonly Seen[] = [];
  let ids: ReadonlySet<string> | null = null;
  try {
    const scope = await scopeFor(deps, target, { ...call, signal: deadline.signal });
    for await (const { agents } of looks(deps, scope, full.warn, { signal: deadline.signal })) {
      // Those named at the start are waited for, not those that come later.
      const chosen: readonly Seen[] = ids === null ? pick(agents, target) : agents.filter(({ record }) => ids?.has(record.id));
      const gone = ids === null ? 0 : ids.size - chosen.length;
      ids ??= new Set(chosen.map(({ record }) => record.id));
      last = chosen;
      for (const seen of chosen) if (options.onEnd === "reject") refuseEnd(seen, goal);
      const there = chosen.filter((seen) => isThere(seen, goal));
      if (gone > 0 && isSingle(target)) throw new FleetError("AGENT_NOT_FOUND", `"${target}" was removed while it was waited for.`);
      if (options.any === true ? there.length > 0 || chosen.length === 0 : there.length === chosen.length) {
        return (options.any === true ? there : chosen).map(listed1);
      }
    }
  } catch (error) {
    if (!deadline.passed() || call?.signal?.aborted === true) throw error;
    const missing = last.filter((seen) => !isThere(seen, goal)).map(({ record }) => `${record.branch} (${record.status})`);
    throw new FleetError("TIMEOUT", `Not ${goal} within ${(options.timeout ?? 0) / 1000} s: ${missing.slice(0, 10).join(", ")}.`, {
      hint: "`fleet list` shows what they do; --timeout waits longer.",
      data: { waiting: last.filter((seen) => !isThere(seen, goal)).map(({ record }) => record.branch) },
    });
  } finally {
    deadline.clear();
    over.abort();
    await carried;
  }
  return last.map(listed1);
}

const listed1 = (seen: Seen) => listed(seen);

function isThere({ record }: Seen, goal: WaitFor): boolean {
  if (goal === "ended") return isEnded(record.status);
  // What has ended will never be idle or waiting: there is nothing left to wait for.
  return record.status === goal || isEnded(record.status);
}

function refuseEnd({ record }: Seen, goal: WaitFor): void {
  if (goal === "ended" || !isEnded(record.status) || record.status === goal) return;
  throw new FleetError("AGENT_DIED", `${record.branch} is ${record.status}, and will not be ${goal} any more.`, {
    hint: `\`fleet logs ${record.branch}\` shows its last words.`,
    data: { exitCode: record.exitCode, output: "" },
  });
}

/** The caller's signal with a time limit of our own. */
function timer(timeout: number | undefined, signal: AbortSignal | undefined) {
  const own = new AbortController();
  const handle = timeout === undefined ? undefined : setTimeout(() => own.abort(), timeout);
  return {
    signal: signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]),
    passed: () => own.signal.aborted,
    clear: () => clearTimeout(handle),
  };
}
