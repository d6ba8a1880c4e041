import { join } from "node:path";
import { FleetError } from "../errors/index.js";
import { type AgentRecord, RECORD_VERSION, type Repository, type SavedWork, type TrashEntry, type WorktreeFacts } from "../model/index.js";
import { isDisposable } from "./baseline.js";
import type { Deps } from "./deps.js";

const NOTE = "saved.json";
const TREE = "tree";
const ADMIN = "admin";

/**
 * Saves a worktree whole before it goes: its tracked and untracked files as a commit under
 * `refs/fleet/trash/`, its folder, less what is disposable, moved as it is into the trash, and its admin
 * directory copied beside: the index, an operation under way, a submodule's commits live there.
 */
export async function saveWork(deps: Deps, repo: Repository, record: AgentRecord, facts: WorktreeFacts): Promise<SavedWork> {
  const { files } = deps.host;
  const worktree = { path: record.worktree, adminDir: record.adminDir };
  const folder = join(deps.paths.trash, record.id);
  // First of all: with it everything else that is saved is found again.
  await files.makeFolder(folder);
  const saved = await deps.git.save(repo, worktree, record.id);
  const tip = (await deps.git.branches(repo, [record.branch])).get(record.branch)?.tip ?? null;
  const entry: TrashEntry = {
    record,
    head: facts.head,
    branch: facts.branch,
    tip,
    ref: saved.ref,
    savedAt: new Date(deps.clock.now()).toISOString(),
  };
  await files.write(join(folder, NOTE), `${JSON.stringify({ version: RECORD_VERSION, ...entry })}\n`, 0o600, deps.paths.run);
  await files.removeTree(join(folder, ADMIN));
  await copyFolder(deps, record.adminDir, join(folder, ADMIN));
  const disposable = new Set(deps.settings.config.worktree.disposable);
  await deps.git.moveAway(repo, worktree, join(folder, TREE));
  for (const path of facts.ignored) if (isDisposable(path, disposable)) await files.removeTree(join(folder, TREE, path));
  return { folder: join(folder, TREE), ref: saved.ref, restore: `fleet restore ${record.id}` };
}

/** Everything in the trash of this home, newest first. */
export async function listTrash(deps: Deps): Promise<readonly TrashEntry[]> {
  const { files } = deps.host;
  const ids = (await files.list(deps.paths.trash)) ?? [];
  const texts = await files.readMany(ids.map((id) => join(deps.paths.trash, id, NOTE)));
  const entries: TrashEntry[] = [];
  for (const [i, id] of ids.entries()) {
    const entry = parseNote(texts[i] ?? null);
    // Until its folder is there it is still being saved.
    if (entry !== null && (await isSaved(deps, id))) entries.push(entry);
  }
  return entries.sort((a, b) => b.savedAt.localeCompare(a.savedAt));
}

function parseNote(text: string | null): TrashEntry | null {
  try {
    return text === null ? null : (JSON.parse(text) as TrashEntry);
  } catch {
    return null;
  }
}

/** Whether an agent's worktree lies in the trash, whole. */
export async function isSaved(deps: Deps, id: string): Promise<boolean> {
  return (await deps.host.files.stat(savedTree(deps, id))) !== null;
}

/** Where an agent's worktree lies in the trash. */
export function savedTree(deps: Deps, id: string): string {
  return join(deps.paths.trash, id, TREE);
}

/** Where the worktree's admin directory lies beside it. */
export function savedAdmin(deps: Deps, id: string): string {
  return join(deps.paths.trash, id, ADMIN);
}

/** Drops what was saved of a worktree that stays in its place after all. */
export async function dropHalfSaved(deps: Deps, repo: Repository, id: string): Promise<void> {
  if ((await deps.host.files.stat(join(deps.paths.trash, id))) === null) return;
  await deps.git.setFleetRef(repo, `trash/${id}`, null);
  await dropFolder(deps, id);
}

/** Cuts a saved folder's last tie to the repository. */
export async function looseTree(deps: Deps, id: string): Promise<void> {
  await deps.host.files.remove(join(savedTree(deps, id), ".git"));
}

/** The newest entry of a branch (of this repository, where the fleet has one) or of an id. */
export async function findTrash(deps: Deps, name: string): Promise<TrashEntry> {
  const entries = await listTrash(deps);
  const here = (entry: TrashEntry) => deps.repo === null || entry.record.commonDir === deps.repo.commonDir;
  const found = entries.find((entry) => entry.record.id === name) ?? entries.find((entry) => entry.record.branch === name && here(entry));
  if (found !== undefined) return found;
  throw new FleetError("AGENT_NOT_FOUND", `Nothing of "${name}" is in the trash.`, {
    hint:
      entries.length === 0
        ? "The trash is empty."
        : `There are ${entries
            .slice(0, 5)
            .map((entry) => entry.record.branch)
            .join(", ")}.`,
  });
}

/** Copies a folder's content with modes and times into a folder that may be there. */
export async function copyFolder(deps: Deps, from: string, to: string): Promise<void> {
  await deps.host.files.makeFolder(to);
  const { exitCode, stderr } = await deps.host.run(["cp", "-a", "--", `${from}/.`, to]);
  if (exitCode !== 0) throw new FleetError("DRIVER_FAILED", `${from} could not be copied to ${to}: ${stderr.trim()}`);
}

/** Lets go of what was saved. */
export async function dropTrash(deps: Deps, { record, ref }: TrashEntry, repo: Repository | null): Promise<void> {
  if (repo !== null) {
    if (ref !== null) await deps.git.setFleetRef(repo, ref.replace(/^refs\/fleet\//, ""), null);
    await deps.git.setFleetRef(repo, `trash/${record.id}-branch`, null);
  }
  await dropFolder(deps, record.id);
}

/** Renamed first: half of an entry never stands under its name. */
async function dropFolder(deps: Deps, id: string): Promise<void> {
  const { files } = deps.host;
  const folder = join(deps.paths.trash, id);
  if ((await files.stat(folder)) === null) return;
  const away = join(deps.paths.trash, `.tmp-${process.pid}-${id}`);
  await files.removeTree(away);
  await files.rename(folder, away);
  await files.removeTree(away);
}

/** Drops what is older than `trash.keep_days`. */
export async function tidyTrash(deps: Deps): Promise<void> {
  const oldest = deps.clock.now() - deps.settings.config.trash.keepDays * 24 * 3600 * 1000;
  for (const entry of await listTrash(deps)) {
    if (Date.parse(entry.savedAt) >= oldest) continue;
    await dropTrash(deps, entry, await deps.git.root(entry.record.repo));
  }
}
