import { join } from "node:path";
import type { Unfinished } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** A lock file that nobody has open is looked at again after this time, milliseconds: git closes one before it renames it. */
const AGAIN_MS = 250;

/** What was begun, when and with which steps. */
type Begun = Pick<Unfinished, "begunAt" | "steps">;

/**
 * Removes lock files that git left in a repository when it was killed together with the command that ran it; git
 * itself never would, and refuse every further change. Only one from the time of what was cut off, which no
 * process has open and which stays as it is; where that cannot be told, it is left.
 */
export async function removeStaleLocks(deps: Deps, entries: readonly Begun[]): Promise<void> {
  const since = Math.min(...entries.map(({ begunAt }) => begunAt));
  await removeStale(deps, await lockFilesOf(deps, branchesByRepository(entries)), since);
}

/**
 * The same while what was begun is undone: a git that is ended between its making a lock and its noting that as one to be
 * removed leaves it. Only those of branches that are being made: of others another git may make use at any time. Whether one is gone.
 */
export async function removeLocksOfMade(deps: Deps, begun: Begun): Promise<boolean> {
  const steps = begun.steps.filter((step) => step.kind === "worktree" && step.madeBranchAt !== null);
  const places = branchesByRepository([{ ...begun, steps }]);
  const own = new Set([...places].flatMap(([commonDir, branches]) => branches.map((name) => join(commonDir, `refs/heads/${name}.lock`))));
  const found = (await lockFilesOf(deps, places)).filter((path) => own.has(path));
  return (await removeStale(deps, found, begun.begunAt)) > 0;
}

async function lockFilesOf(deps: Deps, places: ReadonlyMap<string, readonly string[]>): Promise<readonly string[]> {
  return (await Promise.all([...places].map(([commonDir, branches]) => deps.git.lockFiles(commonDir, branches)))).flat();
}

/** Answers with how many were removed. */
async function removeStale(deps: Deps, found: readonly string[], since: number): Promise<number> {
  const looked = await stampsOf(deps, found);
  const suspects = [...looked].filter(([, { modifiedAt }]) => modifiedAt >= since);
  if (suspects.length === 0) return 0;
  await deps.clock.sleep(AGAIN_MS);
  const paths = suspects.map(([path]) => path);
  const open = await deps.processes.openFiles(paths);
  if (open === null) return 0;
  // After that: a git that has ended meanwhile may have made room for another's lock.
  const again = await stampsOf(deps, paths);
  const stale = suspects.filter(([path, { modifiedAt, size }]) => {
    const now = again.get(path);
    return now?.modifiedAt === modifiedAt && now.size === size && !open.has(path);
  });
  for (const [path] of stale) await deps.host.files.remove(path);
  return stale.length;
}

/** Where the steps change a repository, with the branches they are about. */
function branchesByRepository(entries: readonly Begun[]): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>();
  for (const step of entries.flatMap(({ steps }) => steps)) {
    const about = step.kind === "worktree" ? step : "record" in step ? step.record : "entry" in step ? step.entry.record : null;
    if (about === null) continue;
    const branches = about.branch === null ? [] : [about.branch];
    places.set(about.commonDir, [...(places.get(about.commonDir) ?? []), ...branches]);
  }
  return places;
}

async function stampsOf(deps: Deps, paths: readonly string[]) {
  const stats = await Promise.all(paths.map(async (path) => ({ path, stat: await deps.host.files.stat(path).catch(() => null) })));
  return new Map(stats.flatMap(({ path, stat }) => (stat?.kind === "file" ? [[path, stat] as const] : [])));
}
