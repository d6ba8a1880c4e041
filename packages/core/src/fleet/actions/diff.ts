import type { Deps } from "../../engine/deps.js";
import type { CallOptions } from "../types.js";
import { findOne } from "./find.js";
import { requireStarted } from "./require.js";

/** What an agent changed since it started: committed, uncommitted and untracked. */
export async function diff(
  deps: Deps,
  name: string,
  options: { readonly stat?: boolean; readonly color?: boolean },
  call?: CallOptions,
): Promise<string> {
  const seen = await findOne(deps, name, call);
  requireStarted(seen, "worktree");
  const { record } = seen;
  return deps.git.diff(
    { path: record.worktree, adminDir: record.adminDir },
    record.base,
    { stat: options.stat === true, color: options.color === true },
    call,
  );
}
