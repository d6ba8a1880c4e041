import type { ProcessIdentity } from "../model/index.js";

/** One reversible step of a transaction, as data: enough to undo it from another process. */
export type Step =
  | { readonly kind: "record"; readonly agent: string }
  | {
      readonly kind: "worktree";
      readonly commonDir: string;
      readonly repo: string;
      readonly path: string;
      readonly agent: string;
      readonly branch: string;
      readonly madeBranchAt: string | null;
    }
  | { readonly kind: "session"; readonly agent: string }
  | { readonly kind: "file"; readonly path: string };

/** What an unfinished transaction of a dead process left to be undone. */
export interface Unfinished {
  readonly id: string;
  readonly maker: ProcessIdentity;
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
