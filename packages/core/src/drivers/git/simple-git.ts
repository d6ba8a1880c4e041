import type { ToolChecks } from "../../host/index.js";
import type { GitDriver, Host, Locks } from "../../ports/index.js";
import { addWorktrees } from "./add/add-worktrees.js";
import { checkBranchName } from "./branch-name.js";
import { branchFacts, listBranches } from "./branches.js";
import { changedPaths } from "./changed-paths.js";
import { changesSince, diffSince } from "./changes.js";
import { checkedGit, type GitCommand, type GitRunner, gitClient } from "./client.js";
import { deleteBranches } from "./delete-branches.js";
import { isDirty } from "./dirty.js";
import { exclude } from "./exclude.js";
import { ignoredPaths } from "./ignored.js";
import { inspectRegistration, inspectWorktree } from "./inspect.js";
import { readLink } from "./links.js";
import { lockFiles } from "./lock-files.js";
import { markReader, readMark, writeMark } from "./marks.js";
import { deleteBranch, fleetRefs, isReachable, makeBranch, setFleetRef } from "./refs.js";
import { moveAway, removeWorktree, removeWorktrees } from "./remove.js";
import { resolveCommit } from "./resolve.js";
import { findRoot } from "./root.js";
import { saveWorktree } from "./save.js";
import { gitVersion } from "./version.js";
import { listWorktrees } from "./worktree-list.js";

export interface SimpleGitDriverOptions {
  readonly host: Host;
  readonly locks: Locks;
  /** Milliseconds without progress after which a git command is given up. @default 300_000 */
  readonly timeoutMs?: number;
  /** Told of every git command once it has ended. */
  readonly onCommand?: (command: GitCommand) => void;
  /** What git is run through on this machine. @default simple-git, but for what is brief */
  readonly runner?: GitRunner;
  /** Makes sure once that git is new enough. @default it is taken to be */
  readonly tools?: ToolChecks;
}

/** Git repositories through simple-git (git's own command line on hosts that are not this machine). */
export function simpleGitDriver(options: SimpleGitDriverOptions): GitDriver {
  const { host, locks, tools } = options;
  const plain = gitClient(host, options.timeoutMs ?? 300_000, options.onCommand, options.runner);
  const ready = async () => tools?.check("git", () => gitVersion(plain));
  const git = checkedGit(plain, ready);
  return {
    version: (call) => gitVersion(plain, call),
    async root(folder, call) {
      // The usual repository is found without git: whether git is fit for it must not depend on that.
      await ready();
      return findRoot(git, folder, call);
    },
    resolve: (folder, revision, call) => resolveCommit(git, folder, revision, call),
    isDirty: (folder, call) => isDirty(git, folder, call),
    checkBranchName,
    branches: (repo, names, call) => branchFacts(git, repo, names, call),
    listBranches: (repo, call) => listBranches(git, repo, call),
    worktrees: (repo, call) => listWorktrees(git, repo, call),
    addWorktrees: (repo, specs, { parallel }, call) => addWorktrees(git, locks, repo, specs, parallel, call),
    removeWorktree: (repo, worktree, call) => removeWorktree(host, locks, repo, worktree, call),
    removeWorktrees: (repo, worktrees, options, call) => removeWorktrees(host, locks, repo, worktrees, options, call),
    moveAway: (repo, worktree, to, call) => moveAway(host, locks, repo, worktree, to, call),
    inspect: (repo, worktree, call) => inspectWorktree(git, repo, worktree, call),
    inspectRegistration: (repo, worktree, call) => inspectRegistration(git, repo, worktree, call),
    save: (repo, worktree, id, call) => saveWorktree(git, repo, worktree, id, call),
    setFleetRef: (repo, name, commit, call) => setFleetRef(git, repo, name, commit, call),
    fleetRefs: (repo, call) => fleetRefs(git, repo, call),
    isReachable: (repo, commit, { except }, call) => isReachable(git, repo, commit, except, call),
    makeBranch: (repo, name, commit, call) => makeBranch(git, repo, name, commit, call),
    deleteBranch: (repo, name, tip, call) => deleteBranch(git, locks, repo, name, tip, call),
    deleteBranches: (repo, branches, call) => deleteBranches(git, locks, repo, branches, call),
    changes: (worktree, base, call) => changesSince(git, worktree, base, call),
    changedPaths: (repo, from, to, call) => changedPaths(git, repo, from, to, call),
    diff: (worktree, base, shape, call) => diffSince(git, worktree, base, shape, call),
    ignored: (folder, paths, call) => ignoredPaths(git, folder, paths, call),
    exclude: (repo, worktree, paths, call) => exclude(git, locks, repo, worktree, paths, call),
    lockFiles: (commonDir, branches) => lockFiles(host.files, commonDir, branches),
    readMarks: markReader(host.files),
    readMark: (adminDir) => readMark(host.files, adminDir),
    writeMark: (adminDir, text) => writeMark(host.files, adminDir, text),
    readLink: (folder) => readLink(host.files, folder),
  };
}
