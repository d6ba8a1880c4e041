import { askSessions } from "../../engine/ask-sessions.js";
import type { Made } from "../../engine/bring-up.js";
import type { Deps } from "../../engine/deps.js";
import { look, type Seen } from "../../engine/look.js";
import { lookAtOne } from "../../engine/one.js";
import { withReasons } from "../../engine/queued/why.js";
import { type Closeness, observe, type Reconciled, reconcile, type Scope } from "../../engine/reconcile.js";
import { scopeOf } from "../../engine/scope.js";
import { isSingle, namesKnown, pick, pickOne } from "../../engine/targets.js";
import type { AgentRecord, Target } from "../../model/index.js";
import type { CallOptions, ListedAgent } from "../types.js";
import { fill } from "./call.js";
import { listed } from "./list.js";
import { requireSessions } from "./require.js";

/** The agents a target names, as they are now. */
export async function find(deps: Deps, target: Target, call?: CallOptions, closeness?: Closeness): Promise<readonly Seen[]> {
  return pick((await lookFor(deps, target, call, closeness)).agents, target);
}

/** The one agent of a branch or id. */
export async function findOne(deps: Deps, name: string, call?: CallOptions): Promise<Seen> {
  return pickOne((await lookFor(deps, name, call)).agents, name);
}

/** Where a target's agents are: an id is good anywhere, all else means this fleet's repository. Throws where the sessions cannot be asked for. */
export async function scopeFor(deps: Deps, target: Target, call?: CallOptions): Promise<Scope> {
  const { scope, sessions } = await lookFor(deps, target, call);
  requireSessions(sessions);
  return scope;
}

async function lookFor(
  deps: Deps,
  target: Target,
  call?: CallOptions,
  closeness?: Closeness,
): Promise<Reconciled & { readonly scope: Scope }> {
  const full = fill(call);
  const scope = scopeOf(deps);
  const one = isSingle(target) ? await lookAtOne(deps, scope, target, full.warn, full) : null;
  if (one !== null) return { ...one, scope: one.agents[0]?.record.commonDir === scope.commonDir ? scope : { commonDir: null } };
  const here = await reconcile(deps, scope, full.warn, full, closeness);
  if (scope.commonDir === null || namesKnown(here.agents, target)) return { ...here, scope };
  const everywhere = await reconcile(deps, { commonDir: null }, full.warn, full, closeness);
  // A branch of another repository is not meant, only an id is.
  const ids = new Set(typeof target === "string" ? [target] : (target as readonly string[]));
  const added = everywhere.agents.filter(({ record }) => ids.has(record.id) && record.commonDir !== scope.commonDir);
  return added.length === 0 ? { ...here, scope } : { ...here, agents: [...here.agents, ...added], scope: { commonDir: null } };
}

/** Records that were just changed, as listings show them. */
export function describe(deps: Deps, records: readonly AgentRecord[], call?: CallOptions): Promise<ListedAgent[]> {
  return describeMade(
    deps,
    records.map((record) => ({ record, session: null })),
    call,
  );
}

/** Agents that were just made, as listings show them. Their sessions are asked for only where not all are known as they are now. */
export async function describeMade(deps: Deps, made: readonly Made[], call?: CallOptions): Promise<ListedAgent[]> {
  if (made.length === 0) return [];
  const { warn } = fill(call);
  const known = new Map(made.flatMap(({ record, session }) => (session === null ? [] : [[record.id, session] as const])));
  const isKnown = made.every(({ record, session }) => session !== null || record.status === "queued");
  const sessions = isKnown ? known : await askSessions(deps, warn);
  const records = made.map(({ record }) => record);
  const seen = await withReasons(deps, await look(deps, records, sessions, warn));
  await observe(deps, seen);
  return seen.map((one) => listed(one));
}
