import type { Deps } from "../engine/deps.js";
import type { Warning } from "../model/index.js";
import type { BatchOutcome } from "./actions/batch.js";
import { describeMade } from "./actions/find.js";
import { Agent } from "./agent.js";
import type { Fleet } from "./fleet.js";
import type { CallOptions, FailedAgent } from "./types.js";

/** What one `fanout` or `multi` made. */
export interface Batch {
  readonly id: string;
  /** Those that came up, and those that are queued. */
  readonly agents: readonly Agent[];
  /** Those that did not; nothing of them is left. */
  readonly failed: readonly FailedAgent[];
  readonly warnings: readonly Warning[];
}

/** What came of a batch, with a handle on each agent of it. */
export async function batchOf(
  fleet: Fleet,
  deps: Deps,
  { id, raised, failed }: BatchOutcome,
  warnings: readonly Warning[],
  call: CallOptions,
): Promise<Batch> {
  const infos = await describeMade(deps, raised, call);
  return { id, agents: infos.map((info) => new Agent(fleet, info)), failed, warnings };
}
