import { dirname, join, resolve } from "node:path";
import type { Deps } from "./deps.js";
import { givenUpAmong, isProject, wakeDeleter } from "./given-up.js";

/** Names of what is written, or is being deleted, under a name that does not count; each holds its maker's pid. */
const PASSING = [/^\.tmp-(\d+)-/, /^aifleet-(?:new|gone)-(\d+)-/, /^\.aifleet-gone-(\d+)-/];

/**
 * Removes what killed commands left under names that do not count: temporary files, folders half
 * deleted, locks. Cheap where there is nothing: a few folders are listed.
 */
export async function sweep(deps: Deps, repositories: readonly string[]): Promise<void> {
  const { files } = deps.host;
  const { home, run, journal, trash } = deps.paths;
  const { root } = deps.settings.config.worktree;
  const under = (await files.list(root)) ?? [];
  // Of every project: to tell this one's by its name would take longer (a digest) than to look into all.
  const projects = under.filter(isProject).map((name) => join(root, name));
  const places = [home, join(home, "cache"), run, journal, trash, ...projects, ...repositories];
  const listings = await Promise.all(places.map((place) => files.list(place).catch(() => null)));
  for (const [i, place] of places.entries()) {
    const names = listings[i] ?? [];
    // Only tidying: where nothing can be removed it is left for another time.
    await deps.locks.sweep(place, names).catch(() => undefined);
    const found = names.flatMap((name) =>
      PASSING.flatMap((pattern) => pattern.exec(name)?.[1] ?? []).map((pid) => ({ name, pid: Number(pid) })),
    );
    if (found.length === 0) continue;
    const alive = await deps.processes.identify(found.map(({ pid }) => pid));
    // What cannot be deleted (another user's files) must not keep every command from its work.
    for (const { name, pid } of found) {
      const path = join(place, name);
      if (!alive.has(pid) && !(await isAwaited(deps, path))) await files.removeTree(path).catch(() => undefined);
    }
  }
  if (givenUpAmong(under).length > 0) await wakeDeleter(deps).catch(() => undefined);
}

/** Whether a folder that was taken out of its place is still registered there: whether it may go was not decided yet, and its removal is in the journal. */
async function isAwaited(deps: Deps, folder: string): Promise<boolean> {
  const link = await deps.git.readLink(folder).catch(() => null);
  if (link === null) return false;
  const back = await deps.host.files.read(join(link.adminDir, "gitdir")).catch(() => null);
  if (back === null) return false;
  // Another worktree may have got the name since, and lie in its place.
  const place = dirname(resolve(link.adminDir, back.replace(/\r?\n$/, "")));
  return (await deps.git.readLink(place).catch(() => null))?.adminDir !== link.adminDir;
}
