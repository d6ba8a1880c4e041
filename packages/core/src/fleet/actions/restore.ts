import { holdAgents } from "../../engine/agent-lock.js";
import type { Deps } from "../../engine/deps.js";
import { tidyTrash } from "../../engine/drop-entry.js";
import { reconcile } from "../../engine/reconcile.js";
import { restoreWork } from "../../engine/restore.js";
import { scopeOf } from "../../engine/scope.js";
import { findTrash } from "../../engine/trash.js";
import type { CallOptions, ListedAgent } from "../types.js";
import { fill } from "./call.js";
import { describe } from "./find.js";

/** Brings back what a forced kill saved, by branch or id. */
export async function restore(deps: Deps, name: string, call?: CallOptions): Promise<ListedAgent> {
  const full = fill(call);
  // A forced kill that was cut off is finished first.
  const { agents } = await reconcile(deps, scopeOf(deps), full.warn, full);
  const isBack = agents.some(({ record }) => record.id === name || record.branch === name);
  const { record: saved } = await findTrash(deps, name, isBack);
  const record = await holdAgents(deps, [saved.id], async () => restoreWork(deps, await findTrash(deps, saved.id)), full);
  await tidyTrash(deps);
  const [agent] = await describe(deps, [record], call);
  return agent as ListedAgent;
}
