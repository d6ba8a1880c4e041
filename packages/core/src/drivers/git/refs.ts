import { join } from "node:path";
import { FleetError } from "../../errors/index.js";
import type { Repository } from "../../model/index.js";
import type { Call, Locks } from "../../ports/index.js";
import { requireGone, requireMade } from "./branch-file.js";
import { checkBranchName } from "./branch-name.js";
import { heldBranches } from "./branches.js";
import type { Git } from "./client.js";
import { isRace } from "./failure.js";
import { holdRepository, retrying } from "./repository-lock.js";
import { resolveCommit } from "./resolve.js";
import { countCommits } from "./rev-list.js";

/** Puts a ref of `refs/fleet/` on a commit, or removes it. */
export async function setFleetRef(git: Git, repo: Repository, name: string, commit: string | null, call?: Call): Promise<void> {
  const ref = `refs/fleet/${name.replace(/^refs\/fleet\//, "")}`;
  const args = commit === null ? ["update-ref", "-d", ref] : ["update-ref", ref, commit];
  await git.run(repo.commonDir, args, {}, call);
  if (commit !== null || (await git.host.files.stat(join(repo.commonDir, ref))) === null) return;
  throw new FleetError("DRIVER_FAILED", `git reported that ${ref} was deleted, but it is still there.`, {
    hint: "`command -v git` shows which program it is.",
    data: { tool: "git" },
  });
}

/** Every ref under `refs/fleet/`. */
export async function fleetRefs(git: Git, repo: Repository, call?: Call): Promise<Map<string, string>> {
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/fleet"];
  const { stdout } = await git.run(repo.commonDir, args, { kind: "quick" }, call);
  return new Map(
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]),
  );
}

/** Whether a commit can be reached from a branch other than `except`, a tag or a remote branch. */
export async function isReachable(git: Git, repo: Repository, commit: string, except: string | undefined, call?: Call): Promise<boolean> {
  const without = except === undefined ? [] : [`--exclude=${except}`];
  const args = ["--max-count=1", requireOid(commit), "--not", ...without, "--branches", "--tags", "--remotes"];
  return (await countCommits(git, repo.commonDir, args, "", call)) === 0;
}

/** Makes a branch at a commit; fine if it stands there already. */
export async function makeBranch(git: Git, repo: Repository, name: string, commit: string, call?: Call): Promise<void> {
  checkBranchName(name);
  const args = ["update-ref", `refs/heads/${name}`, requireOid(commit), ""];
  const { exitCode, stderr } = await git.run(repo.commonDir, args, { accept: [0, 1, 128] }, call);
  if (exitCode === 0) return requireMade(git, repo, [name]);
  const now = await resolveCommit(git, repo.commonDir, `refs/heads/${name}`, call);
  if (now === null) throw new FleetError("DRIVER_FAILED", `git could not make the branch ${name}: ${stderr.trim()}`);
  if (now !== commit)
    throw new FleetError("BRANCH_EXISTS", `The branch "${name}" exists and stands elsewhere.`, { data: { branch: name } });
}

/** Deletes a branch that still stands at `tip`, with its settings. */
export async function deleteBranch(git: Git, locks: Locks, repo: Repository, name: string, tip: string, call?: Call): Promise<void> {
  const place = (await heldBranches(git, repo, call)).get(name);
  if (place !== undefined) {
    throw new FleetError("BRANCH_IN_USE", `The branch ${name} is checked out at ${place}.`, { data: { branch: name, place } });
  }
  const args = ["update-ref", "-d", `refs/heads/${name}`, requireOid(tip)];
  const { exitCode, stderr } = await git.run(repo.commonDir, args, { accept: [0, 1, 128] }, call);
  if (exitCode !== 0) {
    const now = await resolveCommit(git, repo.commonDir, `refs/heads/${name}`, call);
    if (now !== null) {
      const moved = now !== tip;
      throw new FleetError(
        "DRIVER_FAILED",
        moved ? `The branch ${name} has moved on and was kept.` : `git could not delete ${name}: ${stderr.trim()}`,
        {
          data: { branch: name, expected: tip, found: now },
        },
      );
    }
  }
  if (exitCode === 0) await requireGone(git, repo, name);
  await removeBranchSection(git, locks, repo, name, call);
}

/** Removes `[branch "<name>"]` from the repository's settings, if it is there. */
export async function removeBranchSection(git: Git, locks: Locks, repo: Repository, name: string, call?: Call): Promise<void> {
  const text = (await git.host.files.read(join(repo.commonDir, "config"))) ?? "";
  if (!text.includes(`[branch "${name.replace(/["\\]/g, "\\$&")}"]`)) return;
  await holdRepository(
    locks,
    repo,
    () =>
      retrying(async () => {
        // 128: another process removed it first.
        const args = ["config", "--local", "--remove-section", `branch.${name}`];
        const { exitCode, stderr } = await git.run(repo.commonDir, args, { accept: [0, 128, 255] }, call);
        if (exitCode !== 0 && isRace(stderr)) throw new FleetError("DRIVER_FAILED", stderr.trim(), { data: { stderr } });
      }, call),
    call,
  );
}

/** An object id as it is: what is none must not reach git, where it could be read as an option or another name. */
export function requireOid(text: string): string {
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text)) return text;
  throw new FleetError("REF_NOT_FOUND", `${JSON.stringify(text)} is no commit id.`);
}
