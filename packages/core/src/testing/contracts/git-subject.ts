import assert from "node:assert/strict";
import { type ErrorCode, isFleetError } from "../../errors/index.js";
import type { Repository } from "../../model/index.js";
import type { GitDriver, WorktreeResult, WorktreeSpec } from "../../ports/index.js";

/** What a person does to a repository without the driver. */
export interface GitWorkbench {
  /** A repository with one commit of these files on branch `main`; the main worktree's folder. */
  makeRepo(files?: Readonly<Record<string, string>>): Promise<string>;
  /** A path at which nothing is, nor its parent. */
  newPath(): string;
  writeFile(folder: string, path: string, text: string): Promise<void>;
  /** Null if it is not there. */
  readFile(folder: string, path: string): Promise<string | null>;
  /** Deletes a folder by hand. */
  removeFolder(folder: string): Promise<void>;
  /** Commits everything in a worktree that is not ignored; the new commit. */
  commit(folder: string, message: string): Promise<string>;
  /** Detaches a worktree's HEAD from its branch. */
  detach(folder: string): Promise<void>;
}

/** What the git driver's contract is run on: a driver and a workbench for one world. */
export interface GitSubject {
  readonly git: GitDriver;
  readonly bench: GitWorkbench;
}

export async function repositoryOf(git: GitDriver, folder: string): Promise<Repository> {
  const repo = await git.root(folder);
  assert.ok(repo, `${folder} belongs to a repository`);
  return repo;
}

export async function addAll(
  git: GitDriver,
  repo: Repository,
  specs: readonly WorktreeSpec[],
  signal?: AbortSignal,
): Promise<WorktreeResult[]> {
  const results: WorktreeResult[] = [];
  for await (const result of git.addWorktrees(repo, specs, { parallel: 2 }, { signal })) results.push(result);
  return results;
}

/** A repository, and one worktree of it on a new branch. */
export async function withWorktree({ git, bench }: GitSubject, branch = "work", files?: Readonly<Record<string, string>>) {
  const folder = await bench.makeRepo(files);
  const repo = await repositoryOf(git, folder);
  const base = (await git.resolve(folder, "HEAD")) ?? "";
  const [result] = await addAll(git, repo, [{ key: branch, path: bench.newPath(), branch, mode: "create", base }]);
  if (result?.ok !== true) throw result?.error ?? new Error("addWorktrees yielded nothing");
  return { folder, repo, base, tree: result.worktree };
}

export const rejectsWith = (code: ErrorCode, work: Promise<unknown>): Promise<void> =>
  assert.rejects(work, (error) => isFleetError(error, code));
