import { basename, dirname, join } from "node:path";
import { FleetError, throwIfAborted, toFleetError } from "../../../errors/index.js";
import { mapAtOnce, type Repository, type Worktree } from "../../../model/index.js";
import type { Call, Locks, WorktreeSpec } from "../../../ports/index.js";
import { heldBranches } from "../branches.js";
import type { Git } from "../client.js";
import { nameEachOther } from "../links.js";
import { type BranchToMake, makeBranches } from "./make-branches.js";
import { registerByGit } from "./register-by-git.js";
import { registerByHand } from "./register-by-hand.js";
import { AT_ONCE, type Registered, restOf, undoBranch, undoWorktree, withRest } from "./registered.js";
import type { AddSettings } from "./settings.js";
import { startPoints } from "./start-points.js";

export interface Registration {
  readonly done: readonly Registered[];
  readonly failed: readonly { readonly spec: WorktreeSpec; readonly error: Error }[];
}

/**
 * Branches and registrations of many worktrees, their folders still empty but for `.git`. Runs under
 * the repository's lock. If it is interrupted, everything it made is unmade before it rejects.
 */
export async function registerAll(
  git: Git,
  locks: Locks,
  repo: Repository,
  specs: readonly WorktreeSpec[],
  settings: AddSettings,
  call?: Call,
): Promise<Registration> {
  // Each in its place, so that who asked first is first however long each takes.
  const places: (Registered | undefined)[] = specs.map(() => undefined);
  const doneSoFar = () => places.filter((place) => place !== undefined);
  const failed: { spec: WorktreeSpec; error: Error }[] = [];
  const branches: BranchToMake[] = [];
  const made = new Set<WorktreeSpec>();
  const fail = (spec: WorktreeSpec, error: unknown) => failed.push({ spec, error: toFleetError(error) });
  try {
    await clearRemains(git, repo);
    const held = new Map(await heldBranches(git, repo, call));
    const commits = await startPoints(git, repo, specs, call);
    for (const [i, spec] of specs.entries()) {
      const commit = commits[i];
      const place = spec.mode === "detach" ? undefined : held.get(spec.branch);
      if (place !== undefined) fail(spec, inUse(spec.branch, place));
      else if (commit === undefined || commit instanceof Error) fail(spec, commit);
      else if (spec.adminDir === undefined && (await git.host.files.stat(spec.path)) !== null) fail(spec, occupied(spec.path));
      else {
        held.set(spec.branch, spec.path);
        branches.push({ spec, commit });
      }
    }
    const toMake = branches.filter(({ spec }) => spec.mode !== "use" && spec.mode !== "detach");
    const unmade = await makeBranches(git, repo, toMake, made, call);
    const parents = new Map<string, string>();
    const register = settings.plain ? registerByHand : registerByGit;
    const registerOne = async ({ spec, commit }: BranchToMake, at: number) => {
      throwIfAborted(call?.signal);
      try {
        const error = unmade.get(spec);
        if (error !== undefined) throw error;
        const path = join(await realParent(git, parents, dirname(spec.path)), basename(spec.path));
        const branch = spec.mode === "detach" ? null : spec.branch;
        const seed = { path, head: commit, branch, main: false, locked: null, present: true };
        const worktree = await (spec.adminDir === undefined ? register(git, repo, spec, seed) : registered(git, spec, seed));
        places[at] = { spec, commit, worktree };
      } catch (error) {
        const left = made.delete(spec) ? await restOf(() => undoBranch(git, locks, repo, spec, commit)) : null;
        fail(spec, left === null ? error : withRest(error, left));
      }
    };
    // Several `git worktree add`s at once fail on each other.
    await mapAtOnce(branches, settings.plain ? AT_ONCE : 1, registerOne);
    return { done: doneSoFar(), failed };
  } catch (error) {
    const left: (Error | null)[] = [];
    for (const registered of doneSoFar()) left.push(await restOf(() => undoWorktree(git, locks, repo, registered)));
    for (const { spec, commit } of branches) if (made.has(spec)) left.push(await restOf(() => undoBranch(git, locks, repo, spec, commit)));
    const rest = left.find((one) => one !== null);
    throw rest === undefined || rest === null ? error : withRest(error, rest);
  }
}

/** The parent folder, made if it is missing (0700), with links resolved: registrations hold real paths. */
async function realParent(git: Git, known: Map<string, string>, folder: string): Promise<string> {
  const before = known.get(folder);
  if (before !== undefined) return before;
  await git.host.files.makeFolder(folder, 0o700);
  const real = (await git.host.files.realPath(folder)) ?? folder;
  known.set(folder, real);
  return real;
}

/** One that is registered already, and is to be switched to the branch. */
async function registered(git: Git, { adminDir = "" }: WorktreeSpec, seed: Omit<Worktree, "adminDir">): Promise<Worktree> {
  if (await nameEachOther(git.host.files, seed.path, adminDir)) return { ...seed, adminDir };
  throw new FleetError("DRIVER_FAILED", `${seed.path} is not the worktree that was registered there any more.`);
}

function inUse(branch: string, place: string): FleetError {
  return new FleetError("BRANCH_IN_USE", `The branch ${branch} is checked out at ${place}.`, {
    hint: "A branch can be checked out in one worktree at a time.",
    data: { branch, place },
  });
}

function occupied(path: string): FleetError {
  return new FleetError("DRIVER_FAILED", `The folder ${path} exists already.`, {
    hint: "Move it away, or remove it if nothing in it is needed.",
  });
}

/** What a killed process left half made or half deleted. Half made ones arise only under the lock we hold now; to delete what is being deleted does no harm. */
async function clearRemains(git: Git, repo: Repository): Promise<void> {
  for (const name of (await git.host.files.list(repo.commonDir)) ?? []) {
    if (/^aifleet-(new|gone)-(\d+-)?[0-9a-z]{12,20}$/.test(name)) await git.host.files.removeTree(join(repo.commonDir, name));
  }
}
