import { FleetError } from "../errors/index.js";
import type { AgentRecord, Repository, SavedEntry } from "../model/index.js";
import type { Deps } from "./deps.js";
import { mirrorText } from "./record.js";
import { asStopped, finishRestoral, putBack } from "./restoral.js";
import { transact } from "./transact.js";
import { folderOf, savedTree } from "./trash.js";

/**
 * Brings a saved worktree back: branch, folder with its modes, staged, unstaged, untracked and
 * ignored files as they were, and the record, stopped; where only commits were kept, branch and record, the
 * folder checked out anew. Whatever stands in the way is named (`AGENT_EXISTS`, `BRANCH_EXISTS`,
 * `BRANCH_IN_USE`), and nothing changed then.
 */
export async function restoreWork(deps: Deps, entry: SavedEntry): Promise<AgentRecord> {
  const { record } = entry;
  const { git } = deps;
  const repo = await repositoryOf(deps, entry);
  const branch = entry.branch ?? record.branch;
  const found = await git.branches(repo, [...new Set([branch, record.branch])]);
  const tip = found.get(branch)?.tip ?? null;
  await refuseConflicts(deps, entry, branch, { tip, checkedOutAt: found.get(branch)?.checkedOutAt ?? null });
  const start = tip ?? (entry.branch === null ? entry.tip : entry.head) ?? record.base;
  if ((await git.resolve(repo.commonDir, start)) === null) {
    throw new FleetError("REF_NOT_FOUND", `The commit ${start} that ${record.branch} stood on is not in the repository any more.`, {
      hint: `What was saved is in ${folderOf(deps, record.id)}.`,
      data: { ref: start },
    });
  }
  const spec = {
    key: record.id,
    path: record.worktree,
    branch,
    mode: tip === null ? ("create" as const) : ("use" as const),
    base: start,
    mark: (made: { readonly adminDir: string }) => mirrorText(deps.paths.home, asStopped(deps, record, made.adminDir)),
  };
  const checkout = entry.folder === null ? { checkout: true } : {};
  return transact(deps, (undo) =>
    undo.did({ kind: "restoral", entry, madeBranchAt: tip === null ? start : null, ...checkout }, async () => {
      // Its own branch, deleted on demand while it stood on another one.
      if (branch !== record.branch && entry.tip !== null && found.get(record.branch)?.tip == null && (await isKept(deps, repo, record)))
        await git.makeBranch(repo, record.branch, entry.tip);
      for await (const result of git.addWorktrees(repo, [spec], { parallel: 1 })) {
        if (!result.ok) throw result.error;
        if (entry.folder !== null) await putBack(deps, record, result.worktree.adminDir);
        return finishRestoral(deps, repo, entry, result.worktree.adminDir);
      }
      throw new FleetError("DRIVER_FAILED", "git did not make the worktree again.");
    }),
  );
}

async function repositoryOf(deps: Deps, { record }: SavedEntry): Promise<Repository> {
  const repo = await deps.git.root(record.repo);
  if (repo !== null && repo.commonDir === record.commonDir) return repo;
  throw new FleetError("NOT_A_REPOSITORY", `The repository ${record.repo} is not there any more.`, {
    hint: `If it was moved, run this inside it. The files are kept in ${savedTree(deps, record.id)}.`,
  });
}

async function isKept(deps: Deps, repo: Repository, { id }: AgentRecord): Promise<boolean> {
  return (await deps.git.fleetRefs(repo)).has(`refs/fleet/trash/${id}-branch`);
}

async function refuseConflicts(
  deps: Deps,
  { record, ...entry }: SavedEntry,
  branch: string,
  now: { readonly tip: string | null; readonly checkedOutAt: string | null },
): Promise<void> {
  const { agents } = await deps.store.read();
  const other = agents.find((agent) => agent.commonDir === record.commonDir && agent.branch === record.branch);
  if (other !== undefined) {
    throw new FleetError("AGENT_EXISTS", `There is an agent on "${record.branch}" already.`, {
      hint: `Kill it first, or move its branch: git branch -m ${record.branch} NEW-NAME.`,
      data: { branch: record.branch, id: other.id },
    });
  }
  if (now.checkedOutAt !== null) {
    throw new FleetError("BRANCH_IN_USE", `The branch "${branch}" is checked out at ${now.checkedOutAt}.`, {
      hint: "Switch that worktree to another branch first.",
      data: { branch, place: now.checkedOutAt },
    });
  }
  // What is staged and changed was so against the commit it stood on.
  if (entry.branch !== null && entry.head !== null && now.tip !== null && now.tip !== entry.head) {
    throw new FleetError(
      "BRANCH_EXISTS",
      `The branch "${branch}" has moved since: it stood on ${short(entry.head)}, now on ${short(now.tip)}.`,
      {
        hint: `Give that one another name first (git branch -m ${branch} NEW-NAME): it is made again where it stood.`,
        data: { branch },
      },
    );
  }
  if ((await deps.host.files.stat(record.worktree)) !== null) {
    throw new FleetError("BRANCH_IN_USE", `${record.worktree} exists already.`, {
      hint: "Move it away first.",
      data: { branch: record.branch, place: record.worktree },
    });
  }
}

function short(commit: string): string {
  return commit.slice(0, 10);
}
