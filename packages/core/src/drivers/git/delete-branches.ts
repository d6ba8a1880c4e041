import { join } from "node:path";
import type { Repository } from "../../model/index.js";
import type { BranchEnd, Call, Locks } from "../../ports/index.js";
import { fileTips, requireGone } from "./branch-file.js";
import { branchTips, heldBranches } from "./branches.js";
import type { Git } from "./client.js";
import { removeBranchSection, requireOid } from "./refs.js";
import { holdRepository } from "./repository-lock.js";
import { listCommits } from "./rev-list.js";

/** A branch that may go, as it stands. */
interface Standing extends BranchEnd {
  readonly tip: string;
}

/**
 * Deletes several branches in one transaction, none of which would take the only name of a commit
 * with it: what holds a branch's commits must be outside the list, or its tip is kept under a ref of
 * ours. Answers with the names that are gone.
 */
export async function deleteBranches(
  git: Git,
  locks: Locks,
  repo: Repository,
  branches: readonly BranchEnd[],
  call?: Call,
): Promise<ReadonlySet<string>> {
  const names = branches.map(({ name }) => name);
  // What a file says is looked at once more by git, which deletes a branch only if it still stands there.
  const written = await fileTips(git, repo, names);
  const unwritten = names.filter((name) => !written.has(name));
  const tips = new Map([...written, ...(await branchTips(git, repo, unwritten, call))]);
  const held = await heldBranches(git, repo, call);
  const gone = new Set(names.filter((name) => !tips.has(name)));
  const standing = branches.flatMap((branch): Standing[] => {
    const tip = tips.get(branch.name);
    return tip === undefined || held.has(branch.name) ? [] : [{ ...branch, tip }];
  });
  if (standing.length === 0) return gone;
  // One command at a time: of two branches with the same commits each would else be the other's reason to go.
  await holdRepository(locks, repo, async () => {
    const only = await heldByNoOther(git, repo, standing, call);
    const going = standing.filter(({ tip, keepTip }) => !only.has(tip) || keepTip !== null);
    if (going.length === 0) return;
    if (await inOneGo(git, repo, going, only, call)) for (const { name } of going) gone.add(name);
    // One that moved on since stops them all: then each is judged by itself.
    else for (const branch of going) if (await inOneGo(git, repo, [branch], only, call)) gone.add(branch.name);
  });

  const config = (await git.host.files.read(join(repo.commonDir, "config"))) ?? "";
  if (config.includes("[branch ")) for (const name of gone) await removeBranchSection(git, locks, repo, name, call);
  return gone;
}

/** Those of the tips that no branch outside the list, no tag and no remote branch reaches. */
async function heldByNoOther(git: Git, repo: Repository, branches: readonly Standing[], call?: Call): Promise<ReadonlySet<string>> {
  if (branches.length === 0) return new Set();
  const input = `${[...new Set(branches.map(({ tip }) => requireOid(tip)))].join("\n")}\n`;
  const others = [...branches.map(({ name }) => `--exclude=${name}`), "--branches", "--tags", "--remotes"];
  return new Set(await listCommits(git, repo.commonDir, ["--stdin", "--not", ...others], input, call));
}

/** False if git would not: a branch had moved. */
async function inOneGo(
  git: Git,
  repo: Repository,
  branches: readonly Standing[],
  only: ReadonlySet<string>,
  call?: Call,
): Promise<boolean> {
  const commands = branches.flatMap(({ name, tip, keepTip }) => [
    ...(only.has(tip) && keepTip !== null ? [`update refs/fleet/${keepTip}\0${tip}\0\0`] : []),
    `delete refs/heads/${name}\0${tip}\0`,
  ]);
  const { exitCode } = await git.run(
    repo.commonDir,
    ["update-ref", "-z", "--stdin"],
    { input: commands.join(""), accept: [0, 1, 128], brief: true },
    call,
  );
  if (exitCode !== 0) return false;
  for (const { name } of branches) await requireGone(git, repo, name);
  return true;
}
