import type { Repository } from "../../model/index.js";
import type { Deps } from "../deps.js";
import { transact } from "../transact.js";
import { unmake } from "../unmake.js";
import type { Warm } from "./marks.js";

/** Removes a worktree of the pool in which nobody has worked, unless an agent takes it over at this moment. If it is cut off, the next command goes on. */
export function removeWarm(deps: Deps, repo: Repository, { warm }: Warm): Promise<void> {
  return transact(deps, async (undo) => {
    const places = { commonDir: repo.commonDir, repo: repo.path, path: warm.worktree };
    const step = { kind: "worktree", ...places, agent: warm.id, branch: null, madeBranchAt: null } as const;
    await undo.did(step, () => unmake(deps, step, false));
  });
}
