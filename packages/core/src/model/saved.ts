import type { AgentRecord } from "./agent.js";

/** Where a forced kill saved the work. */
export interface SavedWork {
  /** The worktree's folder as it was, less what is disposable; null where only commits had to be kept. */
  readonly folder: string | null;
  /** Tracked and untracked files as a commit, or the commits that were kept. */
  readonly ref: string | null;
  /** Command that brings branch, files and record back. */
  readonly restore: string;
}

/** What is noted beside a saved worktree's folder. */
export interface TrashEntry {
  readonly record: AgentRecord;
  /** Commit that was checked out. */
  readonly head: string | null;
  /** Branch that was checked out, null if none. */
  readonly branch: string | null;
  /** Tip of the agent's own branch, which a rebase or a detached HEAD leaves behind; null if there was none. */
  readonly tip: string | null;
  readonly ref: string | null;
  /** ISO 8601, UTC. */
  readonly savedAt: string;
}

/** What is in the trash, as it is listed. */
export interface SavedEntry extends TrashEntry {
  /** The worktree's folder, null where only commits were kept. */
  readonly folder: string | null;
  /** Bytes it takes on the disk, null where they were not asked for or could not be counted in time. */
  readonly size: number | null;
}
