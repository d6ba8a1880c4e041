import { FleetError } from "../errors/index.js";
import type { AgentRecord, TrashEntry } from "../model/index.js";
import type { Deps } from "./deps.js";
import { mirrorText } from "./record.js";
import { asStopped, finishRestoral, putBack } from "./restoral.js";
import { transact } from "./transact.js";
import { savedTree } from "./trash.js";

/**
 * Brings a saved worktree back: branch, folder with its modes, staged, unstaged, untracked and
 * ignored files as they were, and the record, stopped. Throws `BRANCH_IN_USE` where the branch is
 * checked out elsewhere by now, and changes nothing then.
 */
export async function restoreWork(deps: Deps, entry: TrashEntry): Promise<AgentRecord> {
  const { record } = entry;
  const { git, host } = deps;
  const repo = await git.root(record.repo);
  if (repo === null || repo.commonDir !== record.commonDir) {
    throw new FleetError("NOT_A_REPOSITORY", `The repository ${record.repo} is not there any more.`, {
      hint: `The files are kept in ${savedTree(deps, record.id)}.`,
    });
  }
  const branch = entry.branch ?? record.branch;
  const facts = (await git.branches(repo, [branch])).get(branch);
  if (facts?.checkedOutAt !== null && facts !== undefined) {
    throw new FleetError("BRANCH_IN_USE", `The branch "${branch}" is checked out at ${facts.checkedOutAt}.`, {
      hint: "Switch that worktree to another branch first.",
      data: { branch, place: facts.checkedOutAt },
    });
  }
  if ((await host.files.stat(record.worktree)) !== null) {
    throw new FleetError("BRANCH_IN_USE", `${record.worktree} exists already.`, {
      hint: "Move it away first.",
      data: { branch: record.branch, place: record.worktree },
    });
  }
  const start = facts?.tip ?? (entry.branch === null ? entry.tip : entry.head) ?? record.base;
  const isNew = facts?.tip == null;
  const spec = {
    key: record.id,
    path: record.worktree,
    branch,
    mode: isNew ? ("create" as const) : ("use" as const),
    base: start,
    mark: (made: { readonly adminDir: string }) => mirrorText(deps.paths.home, asStopped(deps, record, made.adminDir)),
  };
  return transact(deps, (undo) =>
    undo.did({ kind: "restoral", entry, madeBranchAt: isNew ? start : null }, async () => {
      for await (const result of git.addWorktrees(repo, [spec], { parallel: 1 })) {
        if (!result.ok) throw result.error;
        await putBack(deps, record, result.worktree.adminDir);
        return finishRestoral(deps, repo, entry, result.worktree.adminDir);
      }
      throw new FleetError("DRIVER_FAILED", "git did not make the worktree again.");
    }),
  );
}
