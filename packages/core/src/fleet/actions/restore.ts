import type { Deps } from "../../engine/deps.js";
import { findTrash, listTrash, restoreWork } from "../../engine/trash.js";
import type { TrashEntry } from "../../model/index.js";
import type { CallOptions, ListedAgent } from "../types.js";
import { describe } from "./find.js";

/** Brings back what a forced kill saved, by branch or id. */
export async function restore(deps: Deps, name: string, call?: CallOptions): Promise<ListedAgent> {
  const record = await restoreWork(deps, await findTrash(deps, name));
  const [agent] = await describe(deps, [record], call);
  return agent as ListedAgent;
}

/** What is in the trash, newest first. */
export function trash(deps: Deps): Promise<readonly TrashEntry[]> {
  return listTrash(deps);
}
