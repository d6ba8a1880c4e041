import { relative } from "node:path";
import type { AgentRecord, KilledAgent, Repository, Warning } from "../model/index.js";
import type { Deps } from "./deps.js";

/**
 * Tells of branches that would have gone with their agents and are still there because a lock file of git's stands in
 * the way. Asks git only where there is such a file.
 */
export async function tellHeldBranches(
  deps: Deps,
  records: readonly AgentRecord[],
  killed: readonly KilledAgent[],
  onDemand: boolean,
  warn: (warning: Warning) => void,
): Promise<void> {
  const kept = new Set(killed.filter(({ branchKept }) => branchKept).map(({ id }) => id));
  for (const record of records.filter(({ id, createdBranch }) => kept.has(id) && (createdBranch || onDemand))) {
    const { branch, commonDir } = record;
    const repo = { commonDir, path: record.repo, bare: false };
    const lock = (await deps.git.lockFiles(commonDir, [branch])).find((file) =>
      ["packed-refs.lock", `refs/heads/${branch}.lock`].includes(relative(commonDir, file)),
    );
    if (lock === undefined || !(onDemand || (await wouldGo(deps, repo, branch)))) continue;
    warn({
      code: "BRANCH_LOCKED",
      branch,
      message:
        `The branch ${branch} is kept: git could not delete it while ${lock} was there. ` +
        "Once no git is at work in the repository any more, remove that file if it is still there, and delete the branch with `git branch -d`.",
    });
  }
}

/** Whether something else holds all of a branch's commits. */
async function wouldGo(deps: Deps, repo: Repository, branch: string): Promise<boolean> {
  const tip = (await deps.git.branches(repo, [branch])).get(branch)?.tip ?? null;
  return tip !== null && (await deps.git.isReachable(repo, tip, { except: branch }));
}
