import type { Deps } from "../../engine/deps.js";
import type { CallOptions } from "../types.js";
import { findOne } from "./find.js";

/** What an agent changed since it started: committed, uncommitted and untracked. */
export async function diff(
  deps: Deps,
  name: string,
  options: { readonly stat?: boolean; readonly color?: boolean },
  call?: CallOptions,
): Promise<string> {
  const { record } = await findOne(deps, name, call);
  return deps.git.diff(
    { path: record.worktree, adminDir: record.adminDir },
    record.base,
    { stat: options.stat === true, color: options.color === true },
    call,
  );
}
