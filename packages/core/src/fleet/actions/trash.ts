import type { Deps } from "../../engine/deps.js";
import { dropEntry } from "../../engine/drop-entry.js";
import { matchesGlob } from "../../engine/glob.js";
import { recover } from "../../engine/recover.js";
import { isGlob, isSingle } from "../../engine/targets.js";
import { findTrash, isHere, listTrash, relocated } from "../../engine/trash.js";
import { toFleetError } from "../../errors/index.js";
import type { SavedEntry } from "../../model/index.js";
import type { CallOptions, DropResult, FailedAgent, TrashOptions } from "../types.js";
import { fill } from "./call.js";

/** How long sizes are counted, milliseconds. */
const COUNT_MS = 3000;
const DAY_MS = 24 * 3600 * 1000;

/** What is in the trash, newest first. */
export async function trash(deps: Deps, options: TrashOptions, call?: CallOptions): Promise<readonly SavedEntry[]> {
  // What a killed command was saving, restoring or dropping is settled first.
  await recover(deps, fill(call).warn);
  const all = await Promise.all((await listTrash(deps)).map((entry) => relocated(deps, entry)));
  const here = all.filter((entry) => options.allRepos === true || isHere(deps, entry));
  const named = await select(deps, here, options);
  const oldest = options.olderThan === undefined ? null : deps.clock.now() - options.olderThan * DAY_MS;
  // What has no readable date is older than nothing.
  const entries = named.filter(({ savedAt }) => oldest === null || Date.parse(savedAt) < oldest);
  return options.sizes === true ? withSizes(deps, entries, call) : entries;
}

/** Lets go for good of what was saved. Each on its own; one by name that cannot be dropped is thrown. */
export async function dropTrash(deps: Deps, options: TrashOptions, call?: CallOptions): Promise<DropResult> {
  const entries = await trash(deps, { ...options, sizes: false }, call);
  const dropped: SavedEntry[] = [];
  const refused: FailedAgent[] = [];
  for (const entry of entries) {
    call?.signal?.throwIfAborted();
    try {
      if (await dropEntry(deps, entry)) dropped.push(entry);
    } catch (error) {
      refused.push({ branch: entry.record.branch, error: toFleetError(error) });
    }
  }
  const [only] = refused;
  if (options.which !== undefined && isSingle(options.which) && only !== undefined && dropped.length === 0) throw only.error;
  return { dropped, refused };
}

/** Entries by branch, id or glob. Throws `AGENT_NOT_FOUND` for a name that stands for none, before anything is done. */
async function select(deps: Deps, entries: readonly SavedEntry[], { which }: TrashOptions): Promise<readonly SavedEntry[]> {
  if (which === undefined) return entries;
  const picked = new Set<SavedEntry>();
  for (const name of typeof which === "string" ? [which] : which) {
    const exact = entries.filter(({ record }) => record.branch === name || record.id === name);
    const found = exact.length > 0 || !isGlob(name) ? exact : entries.filter(({ record }) => matchesGlob(name, record.branch));
    // An id is good anywhere; of any other name it is said what there is.
    const all = found.length > 0 ? found : [await findTrash(deps, name)];
    for (const entry of all) picked.add(entry);
  }
  return [...picked];
}

async function withSizes(deps: Deps, entries: readonly SavedEntry[], call?: CallOptions): Promise<readonly SavedEntry[]> {
  const folders = entries.flatMap(({ folder }) => folder ?? []);
  if (folders.length === 0) return entries;
  const counted = await deps.host.run(["du", "-sk", "--", ...folders], { timeoutMs: COUNT_MS }, call).catch(() => null);
  call?.signal?.throwIfAborted();
  const sizes = new Map(
    (counted?.stdout ?? "").split("\n").flatMap((line) => {
      const [, kilobytes, folder] = /^(\d+)\t(.+)$/.exec(line) ?? [];
      return folder === undefined ? [] : [[folder, Number(kilobytes) * 1024] as const];
    }),
  );
  return entries.map((entry) => ({ ...entry, size: entry.folder === null ? null : (sizes.get(entry.folder) ?? null) }));
}
