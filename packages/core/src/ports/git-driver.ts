import type { BranchFacts, Repository, Worktree, WorktreeChanges, WorktreeFacts } from "../model/index.js";
import type { Call } from "./call.js";

/** One worktree to be made. */
export interface WorktreeSpec {
  /** Returned with the result. */
  readonly key: string;
  /** Folder to make; its parent is made as needed, the folder itself must not exist. */
  readonly path: string;
  readonly branch: string;
  /** `create`: make the branch at `base`. `use`: it exists. `track`: make it from the remote ref, tracking it. `detach`: on no branch, `branch` is empty. */
  readonly mode: "create" | "use" | "track" | "detach";
  /** Commit to start at (`create`, `detach`), or the remote ref in full (`track`). Not used by `use`. */
  readonly base: string;
  /**
   * A detached worktree that is registered there and lies at `path`: it is switched to the branch instead of one being made, as
   * `git switch` does it. Files that git does not track stay. Where that fails it is left as it was, on no branch; `mark` is not written.
   */
  readonly adminDir?: string;
  /** Text of the mark to be written before the checkout is filled, so that a crash leaves no anonymous worktree. */
  readonly mark?: (worktree: Worktree) => string;
  /** Added to the environment of the checkout's filters and hooks, so that what they leave running can be told. */
  readonly env?: Readonly<Record<string, string>>;
}

export type WorktreeResult =
  | { readonly key: string; readonly ok: true; readonly worktree: Worktree }
  | { readonly key: string; readonly ok: false; readonly error: Error };

/** A mark of ours in a worktree's admin directory. */
export interface Mark {
  /** The admin directory it lies in. */
  readonly adminDir: string;
  /** Folder that the registration names, present or not. */
  readonly worktreePath: string;
  /** Whether the folder is there and names this admin directory back. */
  readonly present: boolean;
  readonly text: string;
}

/** Where a saved worktree can be found again. */
export interface Saved {
  /** Full ref of the saved commit (its tree is the work tree with untracked files), null where git could not save. */
  readonly ref: string | null;
  readonly commit: string | null;
}

/** A branch that is to go. */
export interface BranchEnd {
  readonly name: string;
  /** Ref under `refs/fleet/` that keeps the tip where nothing else holds it; null: it stays then. */
  readonly keepTip: string | null;
}

/** What is asked while worktrees are removed. */
export interface RemoveOptions {
  readonly changed?: (folders: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly giveUp?: (folders: readonly string[]) => Promise<readonly string[]>;
}

/**
 * Repositories, branches and worktrees.
 *
 * Promises: a driver that cannot find out throws, it never answers "none". Branch, ref and path
 * texts reach git as data, whatever they look like. Nothing here ever forces a dirty tree. Calls on
 * one repository from many processes at the same time are safe. `GIT_*` variables of the caller have
 * no influence. Hooks of the repository run as git runs them.
 */
export interface GitDriver {
  /** Throws `TOOL_MISSING` or `TOOL_OLD` (git >= 2.36). Returns the version. */
  version(call?: Call): Promise<string>;
  /** The repository a folder belongs to (any folder of it or of its worktrees), null if none. */
  root(folder: string, call?: Call): Promise<Repository | null>;
  /** The commit a revision names, seen from `folder` (so that HEAD is that worktree's), null if none. */
  resolve(folder: string, revision: string, call?: Call): Promise<string | null>;
  /** Whether the worktree that holds `folder` has uncommitted or untracked files. False for a bare repository. */
  isDirty(folder: string, call?: Call): Promise<boolean>;
  /** Throws `INVALID_BRANCH` with the reason unless git takes the text as a branch name. Starts no process. */
  checkBranchName(name: string): void;
  /** Facts on several names at once. */
  branches(repo: Repository, names: readonly string[], call?: Call): Promise<ReadonlyMap<string, BranchFacts>>;
  /** Names of all local branches, for completion. */
  listBranches(repo: Repository, call?: Call): Promise<readonly string[]>;
  worktrees(repo: Repository, call?: Call): Promise<readonly Worktree[]>;
  /**
   * Makes worktrees, many at once as the normal case; yields each as it is ready, in any order.
   * A failed one leaves neither folder nor registration nor a branch it made; where that cannot be had
   * (a disk that has become read-only) its error's `data.left` says so. Verified by outcome
   * (registration, HEAD, files), not by git's word. `parallel`: how many checkouts at a time.
   */
  addWorktrees(
    repo: Repository,
    specs: readonly WorktreeSpec[],
    options: { readonly parallel: number },
    call?: Call,
  ): AsyncIterable<WorktreeResult>;
  /**
   * Unregisters the worktree and deletes its folder. Judges nothing: callers have inspected it.
   * Checks that folder and registration name each other; touches nothing of a folder that does not
   * name the registration (a foreign repository may lie there), and removes the registration alone then.
   */
  removeWorktree(repo: Repository, worktree: Pick<Worktree, "path" | "adminDir">, call?: Call): Promise<void>;
  /**
   * Several at once, as removeWorktree does one; what fails of one does not keep the others. Answers with the errors by admin directory.
   * `changed` is asked when all have left their places, and given where they lie now, and their admin directories: one that it names
   * is put back whole, its error `WORKTREE_DIRTY`. `giveUp` is given the folders that are nobody's any more, and answers with those that are
   * to be deleted right here; for the others it has seen to it that they are.
   */
  removeWorktrees(
    repo: Repository,
    worktrees: readonly Pick<Worktree, "path" | "adminDir">[],
    options?: RemoveOptions,
    call?: Call,
  ): Promise<ReadonlyMap<string, Error>>;
  /** As removeWorktree, but the folder is kept: moved to `to`. Its `.git` file goes, so that it stands alone. */
  moveAway(repo: Repository, worktree: Pick<Worktree, "path" | "adminDir">, to: string, call?: Call): Promise<void>;
  inspect(repo: Repository, worktree: Pick<Worktree, "path" | "adminDir">, call?: Call): Promise<WorktreeFacts>;
  /** What a registration alone holds, where its folder is gone or does not name it: as `inspect`, `modified` being what is staged. */
  inspectRegistration(repo: Repository, worktree: Pick<Worktree, "path" | "adminDir">, call?: Call): Promise<WorktreeFacts>;
  /** Saves tracked and untracked (never ignored) files and HEAD under `refs/fleet/trash/<id>`, touching neither index nor files. */
  save(repo: Repository, worktree: Pick<Worktree, "path" | "adminDir">, id: string, call?: Call): Promise<Saved>;
  /** Puts a ref on a commit (or removes it, `commit` null) in the fleet's own namespace `refs/fleet/`. */
  setFleetRef(repo: Repository, name: string, commit: string | null, call?: Call): Promise<void>;
  /** Every ref under `refs/fleet/`, full name -> object. */
  fleetRefs(repo: Repository, call?: Call): Promise<ReadonlyMap<string, string>>;
  /** Whether a commit can be reached from a branch other than `except`, a tag or a remote branch. */
  isReachable(repo: Repository, commit: string, options: { readonly except?: string }, call?: Call): Promise<boolean>;
  /** Makes a local branch at a commit, without a checkout. Throws `BRANCH_EXISTS` where there is one that stands elsewhere. */
  makeBranch(repo: Repository, name: string, commit: string, call?: Call): Promise<void>;
  /** Deletes a local branch if it still stands at `tip`, with its `branch.*` config section; fine if it is gone. Throws if it has moved. */
  deleteBranch(repo: Repository, name: string, tip: string, call?: Call): Promise<void>;
  /**
   * Deletes several branches at once, with their `branch.*` config sections. Stays: one that is checked out,
   * and one whose commits no branch outside the list, no tag and no remote branch holds, unless `keepTip`
   * names a ref for them. Answers with the names that are not there any more.
   */
  deleteBranches(repo: Repository, branches: readonly BranchEnd[], call?: Call): Promise<ReadonlySet<string>>;
  changes(worktree: Pick<Worktree, "path" | "adminDir">, base: string, call?: Call): Promise<WorktreeChanges>;
  /** Paths that differ between two commits, in whatever way; which of them are submodules. */
  changedPaths(
    repo: Repository,
    from: string,
    to: string,
    call?: Call,
  ): Promise<readonly { readonly path: string; readonly submodule: boolean }[]>;
  /** The diff against `base`, uncommitted and untracked files included, the index untouched. */
  diff(
    worktree: Pick<Worktree, "path" | "adminDir">,
    base: string,
    options: { readonly stat: boolean; readonly color: boolean },
    call?: Call,
  ): Promise<string>;
  /** Which of the relative paths git ignores in that worktree. */
  ignored(worktreePath: string, paths: readonly string[], call?: Call): Promise<ReadonlySet<string>>;
  /** Adds lines to the worktree's own exclude so that `git add -A` never takes these paths. */
  exclude(repo: Repository, worktree: Pick<Worktree, "path" | "adminDir">, paths: readonly string[], call?: Call): Promise<void>;
  /**
   * git's own lock files that stand in a repository's administration now: of its settings, of its packed refs,
   * of these branches and of what the fleet keeps. File reads only.
   */
  lockFiles(commonDir: string, branches: readonly string[]): Promise<readonly string[]>;
  /** Every mark in the repository's admin directories. File reads only, no process. */
  readMarks(commonDir: string): Promise<readonly Mark[]>;
  /** The mark in one admin directory, null if there is none. */
  readMark(adminDir: string): Promise<string | null>;
  /** Writes (whole, 0600) or, with null, removes the mark. */
  writeMark(adminDir: string, text: string | null): Promise<void>;
  /** The admin directory and common git directory a worktree folder names in its `.git` file, null if it is no linked worktree. No process. */
  readLink(worktreePath: string): Promise<{ readonly adminDir: string; readonly commonDir: string } | null>;
}
