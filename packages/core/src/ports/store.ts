import type { AgentRecord } from "../model/index.js";
import type { Call } from "./call.js";

/** What the registry holds. Advisory: sessions and worktrees are the truth. */
export interface Snapshot {
  readonly agents: readonly AgentRecord[];
  /** Common git directories of repositories that have or had agents. */
  readonly repositories: readonly string[];
}

/** A snapshot that may be changed in place inside {@link Store.update}. */
export interface Draft {
  agents: AgentRecord[];
  repositories: string[];
}

/**
 * The registry.
 *
 * Promises: `update` is atomic between processes and short (never awaits anything of the caller's);
 * what cannot be parsed is kept aside and read as empty with a word in `problems`; a newer version is
 * refused with `STATE_UNREADABLE` and never overwritten; nothing is written when nothing changed.
 */
export interface Store {
  read(call?: Call): Promise<Snapshot & { readonly problems: readonly string[] }>;
  /** Throws `LOCKED` when one holder keeps the lock for 10 seconds, or many have it in turn for two minutes. */
  update<T>(change: (draft: Draft) => T, call?: Call): Promise<T>;
}

/** How a lock was come by. */
export interface LockTurn {
  /** Another held it when it was asked for. */
  readonly waited: boolean;
}

/** A lock between processes on a path. A holder that was killed is taken over at once. */
export interface Locks {
  /**
   * Runs `work` while holding the lock; tells it whether somebody else had to let go of it first. Throws `LOCKED` when one
   * holder has kept it for `timeoutMs`, or many in turn for twelve times as long.
   */
  hold<T>(path: string, work: (turn: LockTurn) => Promise<T>, options?: { readonly timeoutMs?: number }, call?: Call): Promise<T>;
  /** Removes what killed holders left in a folder, given the names in it: locks, and halves of some. Free where there are none. */
  sweep(folder: string, names: readonly string[]): Promise<void>;
}
