/**
 * A worktree that is kept ready for an agent: checked out, on no branch, set up, and nobody's yet. All that is known of it stands in its
 * mark; an agent that takes it over puts its own record there.
 */
export interface WarmWorktree {
  /** As an agent's: unique everywhere, and what its setup's processes carry as `AIFLEET_ID`. */
  readonly id: string;
  /** Folder of the main worktree, or of the bare repository. */
  readonly repo: string;
  readonly commonDir: string;
  readonly worktree: string;
  readonly adminDir: string;
  /** Commit it was set up at. */
  readonly base: string;
  /** Hash over all that decides what setup makes: commands, their environment, the credential files. */
  readonly setup: string;
  /** Relative paths of the credential copies placed in it. */
  readonly credentials: readonly string[];
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** False while it is being made, and while it is being removed. */
  readonly ready: boolean;
}

/**
 * What a warm worktree is good for.
 *
 * - `ready`: an agent may have it
 * - `making`: it is being set up, or removed
 * - `stale`: setup, credentials or lock files have changed since; the next filling replaces it
 * - `dirty`: somebody has worked in it; it is left alone
 * - `gone`: its folder was removed or moved by hand
 */
export type WarmState = "ready" | "making" | "stale" | "dirty" | "gone";

/** A warm worktree as `pool status` shows it. */
export interface WarmInfo {
  readonly id: string;
  readonly worktree: string;
  readonly base: string;
  readonly createdAt: string;
  readonly state: WarmState;
  /** Why it is stale, dirty or gone; null otherwise. */
  readonly reason: string | null;
}
