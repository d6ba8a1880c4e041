import { basename, dirname, join } from "node:path";
import type { WorktreeFacts } from "../model/index.js";
import type { Call } from "../ports/index.js";
import { alone } from "./alone.js";
import type { Deps } from "./deps.js";
import { shortHash } from "./names.js";

/*
 * Folders of removed worktrees that are too large to be deleted while somebody waits. They lie right under `worktree.root`, under a name of
 * their own, and a process in the background deletes them. A folder gets such a name in one step, after its registration is gone: from then on it
 * is nobody's, and whoever comes by may delete it.
 */

const GIVEN_UP = /^\.aifleet-delete-/;
const LEFT = ".aifleet-left-";

/** Files that are deleted at once; more than these take longer than it takes to start a process. */
const FEW = 10_000;
/** What an entry of an index takes at least, bytes. */
const ENTRY = 72;

/** A worktree that is about to go. */
export interface Going {
  readonly path: string;
  readonly adminDir: string;
  readonly facts: WorktreeFacts | null;
}

/** Whether worktrees hold more than is looked through and deleted in an instant. Costs little however much it is. */
export async function isMuch(deps: Deps, going: readonly Going[]): Promise<boolean> {
  const { files } = deps.host;
  let count = 0;
  for (const { adminDir } of going) count += ((await files.stat(join(adminDir, "index")).catch(() => null))?.size ?? 0) / ENTRY;
  for (const { path, facts } of going) {
    for (const ignored of facts?.ignored ?? []) {
      count += 1;
      // Of a folder that is ignored only its name is known.
      const folders = ignored.endsWith("/") ? [join(path, ignored)] : [];
      for (let folder = folders.pop(); folder !== undefined && count <= FEW; folder = folders.pop()) {
        const names = (await files.list(folder).catch(() => null)) ?? [];
        count += names.length;
        for (const name of names)
          if ((await files.stat(join(folder, name)).catch(() => null))?.kind === "folder") folders.push(join(folder, name));
      }
    }
  }
  return count > FEW;
}

/**
 * Leaves folders whose worktrees are gone to the background: each is renamed, and a process started that deletes them. Answers with those that
 * cannot be left to it, which lie elsewhere or on another disk; all of them where no process can be started, as on a full disk.
 */
export async function giveUp(deps: Deps, folders: readonly string[]): Promise<readonly string[]> {
  const root = deps.settings.config.worktree.root;
  const rest: string[] = [];
  const given: string[] = [];
  for (const folder of folders) {
    const name = basename(folder).replace(/^\.aifleet-gone-\d+-/, "");
    const place = join(root, `.aifleet-delete-${name}`);
    const isOurs = dirname(dirname(folder)) === root && name !== basename(folder);
    if (isOurs && (await deps.host.files.rename(folder, place).then(yes, no))) given.push(place);
    else rest.push(folder);
  }
  const started = given.length === 0 || (await wakeDeleter(deps).then(yes, no));
  return started ? rest : [...rest, ...given];
}

const yes = () => true;
const no = () => false;

/** Names among those under `worktree.root` that stand for folders to be deleted. */
export function givenUpAmong(names: readonly string[]): readonly string[] {
  return names.filter((name) => GIVEN_UP.test(name));
}

/** Whether a name under `worktree.root` may be a project's folder. */
export function isProject(name: string): boolean {
  return !GIVEN_UP.test(name) && !name.startsWith(LEFT);
}

/** Whether a name is that of a removed worktree's folder on its way out. */
export function isRemains(name: string): boolean {
  return GIVEN_UP.test(name) || name.startsWith(LEFT) || name.startsWith(".aifleet-gone-");
}

/** Whether what goes by that name could not be deleted. */
export function isLeft(name: string): boolean {
  return name.startsWith(LEFT);
}

/** Starts a process that deletes what was given up, unless one is at it. Where none can be started it is done here. */
export async function wakeDeleter(deps: Deps): Promise<void> {
  if (deps.startDeleter === null) return deleteGivenUp(deps);
  if (!(await alone(deps, lockOf(deps), async () => {}))) return;
  const { ignoreProjectConfig } = deps;
  await deps.startDeleter({ home: deps.paths.home, repo: deps.repo?.path ?? null, ignoreProjectConfig });
}

/** Whether a process is deleting right now. */
export async function isDeleting(deps: Deps): Promise<boolean> {
  return !(await alone(deps, lockOf(deps), async () => {}));
}

/** Deletes what was given up. Leaves at once where another process does it, and looks once more before it leaves. */
export async function deleteGivenUp(deps: Deps, call?: Call): Promise<void> {
  const { root } = deps.settings.config.worktree;
  const there = async () => givenUpAmong((await deps.host.files.list(root)) ?? []);
  const stuck = new Set<string>();
  const work = async () => {
    for (const name of await there()) if (!stuck.has(name) && !(await deleteOne(deps, root, name, call))) stuck.add(name);
  };
  while (await alone(deps, lockOf(deps), work)) if ((await there()).every((name) => stuck.has(name))) return;
}

/** False where the disk takes no change. What alone cannot be deleted (another user's files) gets a name that says so, and is told by `fleet doctor`. */
async function deleteOne(deps: Deps, root: string, name: string, call?: Call): Promise<boolean> {
  const { files } = deps.host;
  const path = join(root, name);
  // Four times as fast as Node.
  const { exitCode } = await deps.host.run(["rm", "-rf", "--", path], {}, call);
  if (exitCode === 0) return true;
  return files.removeTree(path).then(yes, () => files.rename(path, join(root, name.replace(GIVEN_UP, LEFT))).then(yes, no));
}

function lockOf(deps: Deps): string {
  return `deleter-${shortHash(deps.settings.config.worktree.root)}`;
}
