import type { Unfinished } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** A lock file that nobody has open is looked at again after this time, milliseconds: git closes one before it renames it. */
const AGAIN_MS = 250;

/**
 * Removes lock files that git left in a repository when it was killed together with the command that ran it; git
 * itself never would, and refuse every further change. Only one from the time of what was cut off, which no
 * process has open and which stays as it is; where that cannot be told, it is left.
 */
export async function removeStaleLocks(deps: Deps, entries: readonly Unfinished[]): Promise<void> {
  const since = Math.min(...entries.map(({ begunAt }) => begunAt));
  const found = await Promise.all(
    [...branchesByRepository(entries)].map(([commonDir, branches]) => deps.git.lockFiles(commonDir, branches)),
  );
  const looked = await stampsOf(deps, found.flat());
  const suspects = [...looked].filter(([, { modifiedAt }]) => modifiedAt >= since);
  if (suspects.length === 0) return;
  await deps.clock.sleep(AGAIN_MS);
  const paths = suspects.map(([path]) => path);
  const open = await deps.processes.openFiles(paths);
  if (open === null) return;
  // After that: a git that has ended meanwhile may have made room for another's lock.
  const again = await stampsOf(deps, paths);
  for (const [path, { modifiedAt, size }] of suspects) {
    const now = again.get(path);
    if (now?.modifiedAt === modifiedAt && now.size === size && !open.has(path)) await deps.host.files.remove(path);
  }
}

/** Where the steps change a repository, with the branches they are about. */
function branchesByRepository(entries: readonly Unfinished[]): ReadonlyMap<string, readonly string[]> {
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
