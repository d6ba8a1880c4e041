import type { SavedWork } from "./saved.js";

/** How agents are to be killed. */
export interface KillOptions {
  /** Remove what holds unsaved work, too; it is all saved first. @default false */
  readonly force?: boolean | undefined;
  /** Delete the branch even where only it holds its commits (they are kept under `refs/fleet/trash/`). @default false */
  readonly deleteBranch?: boolean | undefined;
  /** Leave worktree and branch to the user; end and forget the agent. @default false */
  readonly keepWorktree?: boolean | undefined;
}

/** An agent that is gone. */
export interface KilledAgent {
  readonly branch: string;
  readonly id: string;
  readonly saved: SavedWork | null;
  readonly branchKept: boolean;
}
