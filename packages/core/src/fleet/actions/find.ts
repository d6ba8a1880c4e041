import type { Deps } from "../../engine/deps.js";
import { askSessions, look, type Seen } from "../../engine/look.js";
import { reconcile } from "../../engine/reconcile.js";
import { scopeOf } from "../../engine/scope.js";
import { pick, pickOne } from "../../engine/targets.js";
import type { AgentRecord, Target } from "../../model/index.js";
import type { CallOptions, ListedAgent } from "../types.js";
import { fill } from "./call.js";
import { listed } from "./list.js";

/** The agents a target names, as they are now. */
export async function find(deps: Deps, target: Target, call?: CallOptions): Promise<readonly Seen[]> {
  const full = fill(call);
  return pick((await reconcile(deps, scopeOf(deps), full.warn, full)).agents, target);
}

/** The one agent of a branch or id. An id is found in any repository. */
export async function findOne(deps: Deps, name: string, call?: CallOptions): Promise<Seen> {
  const full = fill(call);
  return pickOne((await reconcile(deps, scopeOf(deps), full.warn, full)).agents, name);
}

/** Records that were just made or changed, as listings show them. */
export async function describe(deps: Deps, records: readonly AgentRecord[], call?: CallOptions): Promise<ListedAgent[]> {
  if (records.length === 0) return [];
  const full = fill(call);
  const sessions = await askSessions(deps, full.warn);
  return (await look(deps, records, sessions)).map((seen) => listed(seen));
}
