import { join } from "node:path";
import type { Repository, Worktree, WorktreeFacts } from "../../model/index.js";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { hiddenChanges } from "./hidden-changes.js";
import { indexOddities } from "./index-file.js";
import { cutNewline } from "./links.js";
import { parseStatus } from "./parse-status.js";
import { leftBehind, tipsHeldByNone } from "./reflog.js";
import { listCommits } from "./rev-list.js";
import { inspectSubmodules } from "./submodules.js";
import { untouched } from "./untouched.js";
import { listWorktrees } from "./worktree-list.js";

/** Longest list of unreachable commits given. */
const MAX_COMMITS = 100;

/**
 * Everything that removing a worktree would lose. One scan, but for a small worktree in which nothing is but its commit's files; and a
 * walk where HEAD is on no branch or commits were left behind.
 */
export async function inspectWorktree(
  git: Git,
  repo: Repository,
  worktree: Pick<Worktree, "path" | "adminDir">,
  call?: Call,
): Promise<WorktreeFacts> {
  const args = [
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-ahead-behind",
    "--untracked-files=all",
    "--ignored=matching",
    "--no-renames",
    "--ignore-submodules=none",
  ];
  const plain = await untouched(git, repo.commonDir, worktree, call);
  if (plain !== null) {
    const { ignored, submodules } = await inspectSubmodules(git, worktree, [], call);
    return { modified: [], untracked: [], ignored, ...(await registrationFacts(git, repo, worktree, plain, call)), submodules };
  }
  const [{ stdout }, oddities] = await Promise.all([
    git.run(worktree.path, args, { kind: "scan" }, call),
    indexOddities(git, worktree.path, worktree.adminDir, call),
  ]);
  const status = parseStatus(stdout);
  if (status === null) throw senseless(args, stdout);
  const { head, branch, modified, untracked, ignored } = status;
  const hidden = await hiddenChanges(git, worktree, oddities.flagged, call);
  const inside = await inspectSubmodules(git, worktree, oddities.links, call);
  return {
    modified: [...new Set([...modified, ...hidden])],
    untracked,
    ignored: [...ignored, ...inside.ignored],
    ...(await registrationFacts(git, repo, worktree, { head, branch }, call)),
    submodules: inside.submodules,
  };
}

/** What a registration holds by itself whose folder is gone, or names it no more: HEAD, what is staged, an operation, submodules' repositories. */
export async function inspectRegistration(
  git: Git,
  repo: Repository,
  worktree: Pick<Worktree, "path" | "adminDir">,
  call?: Call,
): Promise<WorktreeFacts> {
  const { adminDir } = worktree;
  const env = { GIT_DIR: adminDir, GIT_WORK_TREE: adminDir };
  const symbolic = await git.run(adminDir, ["symbolic-ref", "-q", "HEAD"], { kind: "quick", env, accept: [0, 1] }, call);
  const commit = await git.run(
    adminDir,
    ["rev-parse", "-q", "--verify", "HEAD^{commit}"],
    { kind: "quick", env, accept: [0, 1, 128] },
    call,
  );
  const branch = symbolic.exitCode === 0 ? symbolic.stdout.trim().replace(/^refs\/heads\//, "") : null;
  const head = commit.exitCode === 0 ? commit.stdout.trim() : null;
  const diff = ["diff-index", "--cached", "-z", "--name-only", "--no-renames", head ?? EMPTY_TREE, "--"];
  const staged = (await git.run(adminDir, diff, { kind: "scan", env }, call)).stdout.split("\0").filter((path) => path !== "");
  const inside = await inspectSubmodules(git, worktree, [], call);
  return {
    modified: staged,
    untracked: [],
    ignored: [],
    ...(await registrationFacts(git, repo, worktree, { head, branch }, call)),
    submodules: inside.submodules,
  };
}

async function registrationFacts(
  git: Git,
  repo: Repository,
  worktree: Pick<Worktree, "path" | "adminDir">,
  { head, branch }: { readonly head: string | null; readonly branch: string | null },
  call?: Call,
): Promise<Pick<WorktreeFacts, "head" | "branch" | "operation" | "unreachable" | "locked" | "leftBehind">> {
  const { files } = git.host;
  const [operation, locked, left] = await Promise.all([
    operationUnderWay(files, worktree.adminDir),
    files.read(join(worktree.adminDir, "locked")),
    leftBehind(files, worktree.adminDir),
  ]);
  return {
    head,
    branch,
    operation,
    locked: locked === null ? null : cutNewline(locked),
    unreachable: head === null || branch !== null ? [] : await unreachableFrom(git, repo, worktree, head, call),
    leftBehind: await tipsHeldByNone(git, repo.commonDir, left, head === null ? [] : [head], call),
  };
}

/** Known to every git, whatever the repository holds. */
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** Files of the git directory that tell an operation; the first that is there. */
const OPERATIONS: readonly (readonly [file: string, operation: string])[] = [
  ["rebase-merge", "rebase"],
  ["rebase-apply/applying", "am"],
  ["rebase-apply", "rebase"],
  ["MERGE_HEAD", "merge"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
  ["BISECT_LOG", "bisect"],
];

async function operationUnderWay(files: HostFiles, adminDir: string): Promise<string | null> {
  for (const [file, operation] of OPERATIONS) {
    if ((await files.stat(join(adminDir, file))) !== null) return operation;
  }
  // Between two picks of a series neither head file is there; the list of what is left to do is.
  const todo = await files.read(join(adminDir, "sequencer", "todo"));
  if (todo === null) return null;
  return /^(revert|pick)\b/m.exec(todo)?.[1] === "revert" ? "revert" : "cherry-pick";
}

async function unreachableFrom(
  git: Git,
  repo: Repository,
  worktree: Pick<Worktree, "path" | "adminDir">,
  head: string,
  call?: Call,
): Promise<string[]> {
  const others = (await listWorktrees(git, repo, call)).flatMap((other) =>
    other.adminDir === worktree.adminDir || other.head === null ? [] : [other.head],
  );
  const range = ["--ignore-missing", head, "--not", "--branches", "--tags", "--remotes", ...new Set(others)];
  return listCommits(git, repo.commonDir, [`--max-count=${MAX_COMMITS}`, ...range], "", call);
}
