import { join } from "node:path";
import { FleetError } from "../errors/index.js";
import type { Repository, TrashEntry } from "../model/index.js";
import type { Deps } from "./deps.js";
import { folderOf, isSaved, writeNote } from "./trash.js";

/**
 * Lets go of what was saved, refs first: as long as its folder is there it is found again and dropped
 * again, so that a drop that is cut off is ended by the next command.
 */
export async function dropTrash(deps: Deps, { record }: TrashEntry, repo: Repository | null): Promise<void> {
  if (repo !== null) await dropRefs(deps, repo, record.id);
  await dropFolder(deps, record.id);
}

/** The repository an entry's refs lie in, null if it is not there any more. */
export async function repoOf(deps: Deps, { record }: TrashEntry): Promise<Repository | null> {
  if ((await deps.host.files.stat(record.commonDir)) === null) return null;
  return { commonDir: record.commonDir, path: record.repo, bare: false };
}

async function dropRefs(deps: Deps, repo: Repository, id: string): Promise<void> {
  for (const name of [`trash/${id}`, `trash/${id}-branch`]) await deps.git.setFleetRef(repo, name, null);
}

/** Drops what was saved of a worktree that stays in its place after all. */
export async function dropHalfSaved(deps: Deps, repo: Repository, id: string): Promise<void> {
  if ((await deps.host.files.stat(folderOf(deps, id))) === null) return;
  await dropRefs(deps, repo, id);
  await dropFolder(deps, id);
}

/** Lets go of the folder of a removal that kept nothing; where a ref does keep something, sees to it that it is found by its note. */
export async function dropIfEmpty(deps: Deps, repo: Repository, { record }: Pick<TrashEntry, "record">): Promise<string | null> {
  const { files } = deps.host;
  const { id } = record;
  if ((await files.stat(folderOf(deps, id))) === null) return null;
  const refs = await deps.git.fleetRefs(repo);
  const ref = [`refs/fleet/trash/${id}`, `refs/fleet/trash/${id}-branch`].find((name) => refs.has(name)) ?? null;
  if (await isSaved(deps, id)) return ref;
  if (ref === null) await dropFolder(deps, id);
  else if ((await files.stat(join(folderOf(deps, id), "saved.json"))) === null)
    await writeNote(deps, repo, record, { head: null, branch: null, ref });
  return ref;
}

/** Renamed first: half of an entry never stands under its name. */
async function dropFolder(deps: Deps, id: string): Promise<void> {
  const { files } = deps.host;
  const folder = folderOf(deps, id);
  if ((await files.stat(folder)) === null) return;
  const away = join(deps.paths.trash, `.tmp-${process.pid}-${id}`);
  await files.removeTree(away);
  await files.rename(folder, away);
  try {
    await files.removeTree(away);
  } catch (error) {
    const left = join(deps.paths.trash, `.aifleet-left-${id}`);
    await files.rename(away, left);
    throw new FleetError("PERMISSION_DENIED", `Some files could not be deleted; they are left in ${left}.`, {
      hint: `They may belong to another user: sudo rm -rf ${left}`,
      cause: error,
    });
  }
}
