import { join } from "node:path";
import type { Deps } from "./deps.js";

/** Names of what is written, or is being deleted, under a name that does not count; each holds its maker's pid. */
const PASSING = [/^\.tmp-(\d+)-/, /^aifleet-(?:new|gone)-(\d+)-/, /^\.aifleet-gone-(\d+)-/];

/**
 * Removes what killed commands left under names that do not count: temporary files, folders half
 * deleted, locks. Cheap where there is nothing: a few folders are listed.
 */
export async function sweep(deps: Deps, repositories: readonly string[]): Promise<void> {
  const { files } = deps.host;
  const { home, run, journal, trash } = deps.paths;
  const places = [home, join(home, "cache"), run, journal, trash, ...(await worktreeFolders(deps)), ...repositories];
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
    for (const { name, pid } of found) if (!alive.has(pid)) await files.removeTree(join(place, name)).catch(() => undefined);
  }
}

/** Of every project: to tell this one's by its name would take longer (a digest) than to look into all. */
async function worktreeFolders(deps: Deps): Promise<readonly string[]> {
  const { root } = deps.settings.config.worktree;
  return ((await deps.host.files.list(root)) ?? []).map((name) => join(root, name));
}
