import { join } from "node:path";
import { FleetError } from "../../../errors/index.js";
import type { Repository } from "../../../model/index.js";
import type { Call } from "../../../ports/index.js";
import type { Git } from "../client.js";
import { moreSettings } from "../environment.js";
import { failureOf } from "../full-disk.js";
import { nameEachOther } from "../links.js";
import { copyTo } from "./copies.js";
import { branchAt, type Registered } from "./registered.js";
import { type AddSettings, mayHavePostCheckout } from "./settings.js";

/** As many processes as there are processors, for a checkout that is worth their start. */
const MANY_WORKERS = moreSettings([
  ["checkout.workers", "0"],
  ["checkout.thresholdForParallelism", "2000"],
]);

/**
 * What fills registered worktrees with their files, each by itself. Of several at one commit git checks out the first and the others
 * are copies of it, made before anybody else comes to know of any; where that cannot be, git checks out each.
 */
export function worktreeFiller(
  git: Git,
  repo: Repository,
  all: readonly Registered[],
  settings: AddSettings,
  call?: Call,
): (made: Registered) => Promise<void> {
  const groups = new Map<string, Registered[]>();
  for (const made of all) {
    if (made.spec.adminDir !== undefined || !settings.alike) continue;
    const group = groups.get(made.commit);
    if (group === undefined) groups.set(made.commit, [made]);
    else group.push(made);
  }
  const copies = new Map<string, Promise<ReadonlySet<Registered>>>();
  // Where no other checkout runs beside it.
  const isAlone = all.length === 1 || (groups.size === 1 && groups.get(all[0]?.commit ?? "")?.length === all.length);
  const workers = settings.manyWorkers && isAlone ? MANY_WORKERS : {};
  return async (made) => {
    if (made.spec.adminDir !== undefined) return switchWorktree(git, made, call);
    const [first = made, ...others] = groups.get(made.commit) ?? [];
    const isFirst = first === made;
    if (others.length > 0) {
      const copied = copies.get(made.commit) ?? checkOut(git, first, workers, call).then(() => copyTo(git, first, others, call));
      copies.set(made.commit, copied);
      // The first is done when nobody reads it any more.
      const whole = isFirst ? await copied : await copied.catch((): ReadonlySet<Registered> => new Set());
      if (!isFirst && !whole.has(made)) await checkOut(git, made, {}, call);
    } else await checkOut(git, made, workers, call);
    await finish(git, repo, made, settings, call);
  };
}

/** Has git check a worktree out. */
async function checkOut(git: Git, { worktree, spec }: Registered, settings: Record<string, string>, call?: Call): Promise<void> {
  // Not quiet: its progress, on stderr, is what tells a long checkout from a stuck one.
  const reset = ["reset", "--hard", "--no-recurse-submodules", "--no-quiet"];
  await git.run(worktree.path, reset, { env: { ...spec.env, ...settings }, brief: true }, call);
}

/** Throws if a worktree is not whole; runs the post-checkout hook as `git worktree add` would. */
async function finish(git: Git, repo: Repository, made: Registered, settings: AddSettings, call?: Call): Promise<void> {
  const { path, adminDir } = made.worktree;
  const { files } = git.host;
  if (!(await nameEachOther(files, path, adminDir)) || (await files.stat(join(adminDir, "index"))) === null) {
    throw new FleetError("DRIVER_FAILED", `git reported success, but the worktree at ${path} is not whole.`, {
      hint: "`command -v git` shows which program it is.",
      data: { tool: "git" },
    });
  }
  if (!(await mayHavePostCheckout(git, repo, settings, path))) return;
  // A hook's exit code says nothing of the checkout, which is done: git itself only passes it on. 127 and 126: it could not be started.
  const none = "0".repeat(made.commit.length);
  const accept = Array.from({ length: 256 }, (_, code) => code);
  const { env = {} } = made.spec;
  await git.run(path, ["hook", "run", "--ignore-missing", "post-checkout", "--", none, made.commit, "1"], { accept, env }, call);
}

/**
 * Switches a worktree that is there to its branch, whose tip it comes to stand at. Git moves HEAD last, so that HEAD tells whether
 * it is done; its exit code may be that of a post-checkout hook. It overwrites no file that is not as git knows it.
 */
async function switchWorktree(git: Git, { spec, worktree }: Registered, call?: Call): Promise<void> {
  const accept = Array.from({ length: 256 }, (_, code) => code);
  const args = ["switch", "--no-guess", "--no-recurse-submodules", "--progress", spec.branch];
  const outcome = await git.run(worktree.path, args, { accept, env: spec.env ?? {}, brief: true }, call);
  if ((await branchAt(git, worktree.path)) !== spec.branch) throw await failureOf(git.host, args, outcome, worktree.path);
  // Where it stood until now is no commit that somebody has left.
  await git.host.files.remove(join(worktree.adminDir, "logs", "HEAD"));
}
