import { FleetError, isFleetError, throwIfAborted, toFleetError } from "../../../errors/index.js";
import type { Repository } from "../../../model/index.js";
import type { Call, WorktreeSpec } from "../../../ports/index.js";
import { requireMade } from "../branch-file.js";
import { branchFacts } from "../branches.js";
import type { Git } from "../client.js";
import { retrying } from "../repository-lock.js";

/** A branch to be made, and where. */
export interface BranchToMake {
  readonly spec: WorktreeSpec;
  readonly commit: string;
}

/**
 * Makes the branches of many specs: those that track nothing in one ref transaction. It is all or
 * nothing, so when it fails they are tried one by one, to learn which of them cannot be made and why.
 * Each that was made is put into `made` at once; the result holds the error of each that was not. A git that
 * failed in a way of its own (it hung, it was killed) may have made it all the same: such a branch is in both.
 * A git that makes a branch is never interrupted, so that it is always known whether it was made.
 */
export async function makeBranches(
  git: Git,
  repo: Repository,
  wanted: readonly BranchToMake[],
  made: Set<WorktreeSpec>,
  call?: Call,
): Promise<Map<WorktreeSpec, Error>> {
  const failed = new Map<WorktreeSpec, Error>();
  const plain = wanted.filter(({ spec }) => spec.mode === "create");
  const fail = (branch: BranchToMake, error: FleetError) => {
    failed.set(branch.spec, error);
    if (!isRefusal(error)) made.add(branch.spec);
  };
  const one = async (branch: BranchToMake, make: () => Promise<unknown>) => {
    throwIfAborted(call?.signal);
    try {
      await retrying(make, call);
      made.add(branch.spec);
    } catch (error) {
      fail(branch, toFleetError(error));
      throwIfAborted(call?.signal);
      failed.set(branch.spec, await explain(git, repo, branch.spec.branch, toFleetError(error), call).catch(() => toFleetError(error)));
    }
  };
  if (plain.length > 1) {
    try {
      await createRefs(git, repo, plain);
      for (const { spec } of plain.splice(0)) made.add(spec);
    } catch (error) {
      // One of them stands in the way of all: found out below.
      if (!isRefusal(toFleetError(error))) for (const branch of plain.splice(0)) fail(branch, toFleetError(error));
    }
  }
  for (const branch of plain) await one(branch, () => createRefs(git, repo, [branch]));
  for (const branch of wanted.filter(({ spec }) => spec.mode === "track")) {
    const args = ["branch", "--quiet", "--track", "--end-of-options", branch.spec.branch, branch.spec.base];
    await one(branch, async () => {
      await git.run(repo.commonDir, args);
      await requireMade(git, repo, [branch.spec.branch]);
    });
  }
  return failed;
}

/** Whether git itself said that a name is in the way: then it has made nothing. */
function isRefusal(error: FleetError): boolean {
  return isFleetError(error, "DRIVER_FAILED") && /^(fatal|error): .* exists/m.test(String(error.data.stderr ?? ""));
}

async function createRefs(git: Git, repo: Repository, branches: readonly BranchToMake[]): Promise<void> {
  const input = branches.map(({ spec, commit }) => `create refs/heads/${spec.branch}\0${commit}\0`).join("");
  await git.run(repo.commonDir, ["update-ref", "-m", "branch: Created by fleet", "-z", "--stdin"], { input, brief: true });
  const names = branches.map(({ spec }) => spec.branch);
  await requireMade(git, repo, names);
}

/** Git's word on a branch that could not be made, put as what stands in its way. */
async function explain(git: Git, repo: Repository, branch: string, error: FleetError, call?: Call): Promise<Error> {
  if (!isRefusal(error)) return error;
  const facts = (await branchFacts(git, repo, [branch], call)).get(branch);
  if (facts !== undefined && facts.blockedBy !== null) {
    const message = `The branch ${branch} cannot be made because the branch ${facts.blockedBy} exists.`;
    return new FleetError("BRANCH_IN_USE", message, {
      hint: "Git keeps branches as files: one name cannot be a folder of another. Choose another name.",
      data: { branch, place: facts.blockedBy },
      cause: error,
    });
  }
  if (facts !== undefined && facts.tip !== null) {
    return new FleetError("BRANCH_EXISTS", `The branch ${branch} exists already.`, { data: { branch }, cause: error });
  }
  return error;
}
