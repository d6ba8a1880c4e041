import { join } from "node:path";
import type { Repository, Worktree, WorktreeFacts } from "../../model/index.js";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { parseStatus } from "./parse-status.js";
import { listWorktrees } from "./worktree-list.js";

/** Longest list of unreachable commits given. */
const MAX_COMMITS = 100;

/** Everything that removing a worktree would lose. One scan, and a walk where HEAD is on no branch. */
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
  const [{ stdout }, operation] = await Promise.all([
    git.run(worktree.path, args, { kind: "scan" }, call),
    operationUnderWay(git.host.files, worktree.adminDir),
  ]);
  const { head, branch, modified, untracked, ignored } = parseStatus(stdout);
  const unreachable = head === null || branch !== null ? [] : await unreachableFrom(git, repo, worktree, head, call);
  return { modified, untracked, ignored, operation, head, branch, unreachable };
}

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
  const args = [
    "rev-list",
    `--max-count=${MAX_COMMITS}`,
    "--ignore-missing",
    head,
    "--not",
    "--branches",
    "--tags",
    "--remotes",
    ...new Set(others),
  ];
  const { stdout } = await git.run(repo.commonDir, args, { kind: "scan" }, call);
  return stdout.split("\n").filter((line) => line !== "");
}
