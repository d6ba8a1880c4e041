import { isFleetError } from "../../errors/index.js";
import type { Repository, Worktree } from "../../model/index.js";
import type { Call, Saved } from "../../ports/index.js";
import type { Git } from "./client.js";
import { hiddenChanges, unflag } from "./hidden-changes.js";
import { indexOddities } from "./index-file.js";
import { namesAdminDir } from "./links.js";
import { ownCommits } from "./own-commits.js";
import { retrying } from "./repository-lock.js";
import { withScratchIndex } from "./scratch-index.js";
import { stagedTree } from "./staged-tree.js";

/** Saving must not depend on whether the user has told git who they are. */
const WHO = { NAME: "AI Fleet", EMAIL: "fleet@localhost" };
const IDENTITY = {
  GIT_AUTHOR_NAME: WHO.NAME,
  GIT_AUTHOR_EMAIL: WHO.EMAIL,
  GIT_COMMITTER_NAME: WHO.NAME,
  GIT_COMMITTER_EMAIL: WHO.EMAIL,
};

/** Where git is run for a worktree: in its folder, or on the registration alone where the folder is not its own any more. */
export interface Place extends Pick<Worktree, "path" | "adminDir"> {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly linked: boolean;
}

/**
 * Saves tracked and untracked files, never ignored ones, as a commit under `refs/fleet/trash/<id>`: its
 * tree is the work tree, its parents HEAD, what was staged, and every commit that only the worktree's own
 * files name (reflog, an operation under way), so that no `git gc` takes what a restoral needs.
 * Works on copies of the index. Null where git cannot: the caller still has the folder itself.
 */
export async function saveWorktree(
  git: Git,
  repo: Repository,
  worktree: Pick<Worktree, "path" | "adminDir">,
  id: string,
  call?: Call,
): Promise<Saved> {
  const linked = await namesAdminDir(git.host.files, worktree.path, worktree.adminDir);
  const { path, adminDir } = worktree;
  const place: Place = linked
    ? { path, adminDir, linked, folder: path, env: {} }
    : { path, adminDir, linked, folder: adminDir, env: { GIT_DIR: adminDir, GIT_WORK_TREE: adminDir } };
  const keep = async (tree: string, parents: readonly string[]): Promise<Saved> => {
    const commit = await commitTree(git, place, tree, parents, `saved ${id}`, call);
    const ref = `refs/fleet/trash/${id}`;
    await git.run(repo.commonDir, ["update-ref", ref, commit], {}, call);
    return { ref, commit };
  };
  try {
    const head = await commitAt(git, place, "HEAD^{commit}", call);
    const heads = head === null ? [] : [head];
    const parents = [...heads, ...(await ownCommits(git, repo.commonDir, adminDir, heads, call))];
    const everything = async (): Promise<Saved> => {
      const staged = await stagedTree(git, place, call);
      const files = linked ? await workTree(git, place, call) : staged;
      return await keep(files, [
        ...heads,
        await commitTree(git, place, staged, heads, `staged in ${id}`, call),
        ...parents.slice(heads.length),
      ]);
    };
    try {
      // A meeting with the user's own gc must not cost the files their place in what is saved.
      return await retrying(everything, call);
    } catch (error) {
      if (!isFleetError(error, "DRIVER_FAILED")) throw error;
      // Not the files then (a filter that fails, a broken index): the commits all the same.
      const tree = head === null ? null : await commitAt(git, place, "HEAD^{tree}", call);
      return tree === null ? { ref: null, commit: null } : await keep(tree, parents);
    }
  } catch (error) {
    if (isFleetError(error, "DRIVER_FAILED")) return { ref: null, commit: null };
    throw error;
  }
}

async function commitAt(git: Git, { folder, env }: Place, revision: string, call?: Call): Promise<string | null> {
  const args = ["rev-parse", "--verify", "--quiet", revision];
  const { exitCode, stdout } = await git.run(folder, args, { kind: "quick", env, accept: [0, 1, 128] }, call);
  return exitCode === 0 ? stdout.trim() : null;
}

/** The work tree as a tree. Repositories nested in it cannot be part of one and are left out. */
function workTree(git: Git, place: Place, call?: Call): Promise<string> {
  return withScratchIndex(git.host, place.adminDir, async (file) => {
    const env = { GIT_INDEX_FILE: file };
    const { flagged } = await indexOddities(git, place.folder, place.adminDir, call);
    const hidden = await hiddenChanges(git, place, flagged, call);
    if (hidden.length > 0) await unflag(git, place.folder, hidden, env, call);
    const list = ["ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard"];
    const { stdout } = await git.run(place.folder, list, { kind: "scan", env }, call);
    const paths = [...new Set(stdout.split("\0"))].filter((path) => path !== "" && !path.endsWith("/"));
    const input = paths.map((path) => `${path}\0`).join("");
    await git.run(place.folder, ["update-index", "-z", "--add", "--remove", "--stdin"], { env, input }, call);
    return (await git.run(place.folder, ["write-tree"], { env }, call)).stdout.trim();
  });
}

/** `commit-tree` runs no hooks and is not asked to sign, whatever `commit.gpgSign` says. */
async function commitTree(
  git: Git,
  { folder, env }: Place,
  tree: string,
  parents: readonly string[],
  message: string,
  call?: Call,
): Promise<string> {
  const args = ["commit-tree", "--no-gpg-sign", ...parents.flatMap((parent) => ["-p", parent]), "-m", message, tree];
  return (await git.run(folder, args, { env: { ...env, ...IDENTITY } }, call)).stdout.trim();
}
