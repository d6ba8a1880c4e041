/** A git repository on a host. */
export interface Repository {
  /** Real path of the common git directory: two folders of one repository share it. */
  readonly commonDir: string;
  /** The main worktree's folder, or the bare repository's own. */
  readonly path: string;
  readonly bare: boolean;
}

/** One entry of `git worktree list`. */
export interface Worktree {
  readonly path: string;
  /** Its directory under the common git directory; the common git directory itself for the main worktree. */
  readonly adminDir: string;
  /** Commit checked out, null while unborn. */
  readonly head: string | null;
  /** Branch without `refs/heads/`, null when detached. */
  readonly branch: string | null;
  readonly main: boolean;
  /** Reason it is locked, null if it is not. */
  readonly locked: string | null;
  /** False when the folder is gone or no longer names this registration back. */
  readonly present: boolean;
}

/** What is known of one branch name in a repository. */
export interface BranchFacts {
  readonly name: string;
  /** Tip of the local branch, null if there is none. */
  readonly tip: string | null;
  /** Remote branches of that name. */
  readonly remotes: readonly { readonly remote: string; readonly ref: string; readonly tip: string }[];
  /** Folder of the worktree that has it checked out (also mid-rebase), null if none. */
  readonly checkedOutAt: string | null;
  /** A branch that is a folder of this name, or has this name as a folder; null if none. */
  readonly blockedBy: string | null;
}

/** What keeps a worktree from being removed without a second thought. */
export interface WorktreeFacts {
  /** Tracked files that differ from HEAD or the index, relative paths. */
  readonly modified: readonly string[];
  readonly untracked: readonly string[];
  /** Ignored files and folders, relative paths as git collapses them (folders end in `/`). */
  readonly ignored: readonly string[];
  /** Operation under way: `rebase`, `merge`, `cherry-pick`, `revert`, `bisect`, `am`; null if none. */
  readonly operation: string | null;
  readonly head: string | null;
  readonly branch: string | null;
  /** Commits reachable from this worktree's HEAD and from no branch, tag, remote branch or other worktree, newest first, at most 100. */
  readonly unreachable: readonly string[];
  /** Reason given to `git worktree lock`, null if it is not locked. */
  readonly locked: string | null;
  /** Submodules that hold commits no remote has. */
  readonly submodules: readonly SubmoduleLoss[];
  /** Tips of commits that a reset, or leaving a detached HEAD, left to the reflog alone, which goes with the worktree. */
  readonly leftBehind: readonly string[];
}

/** A submodule whose repository goes with the worktree. */
export interface SubmoduleLoss {
  readonly path: string;
  /** How many commits no remote branch holds. */
  readonly commits: number;
}

/** What has happened in a worktree since its base. */
export interface WorktreeChanges {
  /** Lines added and removed against the base, committed, uncommitted and untracked. */
  readonly added: number;
  readonly removed: number;
  readonly files: number;
  /** Commits on HEAD that the base does not have. */
  readonly ahead: number;
  /** Commits the upstream-most tip of the base's branch has that HEAD does not. */
  readonly behind: number;
  readonly dirty: boolean;
}
