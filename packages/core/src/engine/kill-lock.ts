import type { Deps } from "./deps.js";

/** Held while an agent's worktree goes, comes back, or is dropped for good. */
export function killLock(deps: Deps, id: string): string {
  return `${deps.paths.run}/kill-${id}`;
}
