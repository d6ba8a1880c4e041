import { join } from "node:path";
import { FleetError } from "../../errors/index.js";
import type { Repository } from "../../model/index.js";
import type { Git } from "./client.js";

/** More patterns than this cost more than reading all refs. */
export const MAX_PATTERNS = 300;

/** Whether the branch has a file of its own: true shows that it is there, false shows nothing (it may be packed). */
export async function hasFile(git: Git, repo: Repository, branch: string): Promise<boolean> {
  return (await git.host.files.stat(join(repo.commonDir, "refs", "heads", branch)))?.kind === "file";
}

/** Where those of the branches stand that have files of their own. */
export async function fileTips(git: Git, repo: Repository, branches: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const texts = await git.host.files.readMany(branches.map((branch) => join(repo.commonDir, "refs", "heads", branch)));
  return new Map(
    branches.flatMap((branch, i) => {
      // One that only leads to another branch is for git.
      const tip = /^([0-9a-f]{40}|[0-9a-f]{64})\n$/.exec(texts[i] ?? "")?.[1];
      return tip === undefined ? [] : [[branch, tip] as const];
    }),
  );
}

/** Throws where a branch that git said it had deleted is still there. */
export async function requireGone(git: Git, repo: Repository, branch: string): Promise<void> {
  if (!(await hasFile(git, repo, branch))) return;
  // Made again meanwhile, or never deleted: either way it is there.
  throw new FleetError("DRIVER_FAILED", `git reported that the branch ${branch} was deleted, but it is still there.`, {
    hint: "`command -v git` shows which program it is.",
    data: { tool: "git", branch },
  });
}

/** Throws where one of the branches that git said it had made is not there. */
export async function requireMade(git: Git, repo: Repository, branches: readonly string[]): Promise<void> {
  const seen = await Promise.all(branches.map((branch) => hasFile(git, repo, branch)));
  const unseen = branches.filter((_, at) => !seen[at]);
  if (unseen.length === 0) return;
  // Kept in another way than as files, or packed by another git meanwhile.
  const refs = unseen.length > MAX_PATTERNS ? ["refs/heads"] : unseen.map((branch) => `refs/heads/${branch}`);
  const { stdout } = await git.run(repo.commonDir, ["for-each-ref", "--format=%(refname)", ...refs], { kind: "quick" });
  const there = new Set(stdout.split("\n"));
  const branch = unseen.find((name) => !there.has(`refs/heads/${name}`));
  if (branch === undefined) return;
  throw new FleetError("DRIVER_FAILED", `git reported that the branch ${branch} was made, but it is not there.`, {
    hint: "`command -v git` shows which program it is.",
    data: { tool: "git", branch },
  });
}
