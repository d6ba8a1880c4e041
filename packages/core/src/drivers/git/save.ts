import { isFleetError } from "../../errors/index.js";
import type { Repository, Worktree } from "../../model/index.js";
import type { Call, Saved } from "../../ports/index.js";
import type { Git } from "./client.js";
import { resolveCommit } from "./refs.js";
import { withScratchIndex } from "./scratch-index.js";

type Place = Pick<Worktree, "path" | "adminDir">;

/** Saving must not depend on whether the user has told git who they are. */
const WHO = { NAME: "AI Fleet", EMAIL: "fleet@localhost" };
const IDENTITY = {
  GIT_AUTHOR_NAME: WHO.NAME,
  GIT_AUTHOR_EMAIL: WHO.EMAIL,
  GIT_COMMITTER_NAME: WHO.NAME,
  GIT_COMMITTER_EMAIL: WHO.EMAIL,
};

/**
 * Saves tracked and untracked files, never ignored ones, as a commit under `refs/fleet/trash/<id>`: its
 * tree is the work tree, its first parent HEAD, its second (where git can write one) what was staged.
 * Works on copies of the index. Null where git cannot: the caller still has the folder itself.
 */
export async function saveWorktree(git: Git, repo: Repository, worktree: Place, id: string, call?: Call): Promise<Saved> {
  try {
    const head = await resolveCommit(git, worktree.path, "HEAD", call);
    const parents = head === null ? [] : [head];
    const staged = await stagedTree(git, worktree, call);
    const files = await workTree(git, worktree, call);
    const second = staged === null ? [] : [await commitTree(git, worktree, staged, parents, `staged in ${id}`, call)];
    const commit = await commitTree(git, worktree, files, [...parents, ...second], `saved ${id}`, call);
    const ref = `refs/fleet/trash/${id}`;
    await git.run(repo.commonDir, ["update-ref", ref, commit], {}, call);
    return { ref, commit };
  } catch (error) {
    if (isFleetError(error, "DRIVER_FAILED")) return { ref: null, commit: null };
    throw error;
  }
}

/** The index as a tree, null while it holds conflicts. */
function stagedTree(git: Git, worktree: Place, call?: Call): Promise<string | null> {
  return withScratchIndex(git.host, worktree.adminDir, async (file) => {
    const env = { GIT_INDEX_FILE: file };
    const { exitCode, stdout } = await git.run(worktree.path, ["write-tree"], { env, accept: [0, 128] }, call);
    return exitCode === 0 ? stdout.trim() : null;
  });
}

/** The work tree as a tree. Repositories nested in it cannot be part of one and are left out. */
function workTree(git: Git, worktree: Place, call?: Call): Promise<string> {
  return withScratchIndex(git.host, worktree.adminDir, async (file) => {
    const env = { GIT_INDEX_FILE: file };
    const list = ["ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard"];
    const { stdout } = await git.run(worktree.path, list, { kind: "scan", env }, call);
    const paths = [...new Set(stdout.split("\0"))].filter((path) => path !== "" && !path.endsWith("/"));
    const input = paths.map((path) => `${path}\0`).join("");
    await git.run(worktree.path, ["update-index", "-z", "--add", "--remove", "--stdin"], { env, input }, call);
    return (await git.run(worktree.path, ["write-tree"], { env }, call)).stdout.trim();
  });
}

/** `commit-tree` runs no hooks and is not asked to sign, whatever `commit.gpgSign` says. */
async function commitTree(
  git: Git,
  worktree: Place,
  tree: string,
  parents: readonly string[],
  message: string,
  call?: Call,
): Promise<string> {
  const args = ["commit-tree", "--no-gpg-sign", ...parents.flatMap((parent) => ["-p", parent]), "-m", message, tree];
  return (await git.run(worktree.path, args, { env: IDENTITY }, call)).stdout.trim();
}
