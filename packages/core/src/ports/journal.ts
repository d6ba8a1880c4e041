import type { AgentRecord, ProcessIdentity, TrashEntry } from "../model/index.js";

/** One step of a transaction, as data: enough to undo it, or where it cannot be undone to finish it, from another process. */
export type Step =
  | { readonly kind: "record"; readonly agent: string }
  | {
      readonly kind: "worktree";
      readonly commonDir: string;
      readonly repo: string;
      readonly path: string;
      readonly agent: string;
      /** Null: on no branch, for the pool; `agent` is the warm worktree's id. */
      readonly branch: string | null;
      readonly madeBranchAt: string | null;
      /** Where a worktree of the pool stood that the agent takes over; left out where one is made. */
      readonly warmAt?: string;
    }
  | { readonly kind: "session"; readonly agent: string }
  | { readonly kind: "file"; readonly path: string }
  /** The programs of these agents are ended, and their records say stopped then. */
  | { readonly kind: "stop"; readonly agents: readonly string[] }
  /**
   * An agent's worktree goes, saved first where it holds work; then its branch, where that loses nothing, and its record.
   * `unlinked`: only the registration goes, as the folder did not name it.
   */
  | { readonly kind: "removal"; readonly record: AgentRecord; readonly deleteBranch: boolean; readonly unlinked?: boolean }
  /**
   * What a removal saved comes back. `madeBranchAt`: where the branch is made anew, null if it is there.
   * `checkout`: only commits were kept, and git makes the folder from them.
   */
  | { readonly kind: "restoral"; readonly entry: TrashEntry; readonly madeBranchAt: string | null; readonly checkout?: boolean }
  /** What a removal saved is let go of for good. */
  | { readonly kind: "drop"; readonly entry: TrashEntry };

/** What an unfinished transaction of a dead process left to be undone. */
export interface Unfinished {
  readonly id: string;
  readonly maker: ProcessIdentity;
  /** Value of `AIFLEET_RUN` in the environment of the commands its maker ran, null where it had none. */
  readonly run: string | null;
  /** When it began, epoch milliseconds. */
  readonly begunAt: number;
  readonly steps: readonly Step[];
}

/** A transaction being written down. Each step is on disk before it happens. */
export interface JournalEntry {
  did(step: Step): Promise<void>;
  /** The transaction is whole, or wholly undone: forget it. */
  close(): Promise<void>;
}

/** Notes of transactions under way, so that the next command can unwind what a killed one began. */
export interface Journal {
  begin(maker: ProcessIdentity): Promise<JournalEntry>;
  /** Every transaction on disk, those of live makers included: the caller asks the ProcessDriver. */
  pending(): Promise<readonly Unfinished[]>;
  forget(id: string): Promise<void>;
}
