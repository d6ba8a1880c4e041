import { join } from "node:path";
import { diskFailure, FleetError } from "../errors/index.js";
import {
  type AgentRecord,
  isAgentRecord,
  RECORD_VERSION,
  type Repository,
  type SavedEntry,
  type SavedWork,
  type TrashEntry,
  type WorktreeFacts,
} from "../model/index.js";
import { isDisposable } from "./baseline.js";
import type { Deps } from "./deps.js";
import { isRegistered } from "./loss.js";
import { projectName } from "./names.js";

const NOTE = "saved.json";
const TREE = "tree";
const ADMIN = "admin";

/**
 * Saves a worktree whole before it goes: its tracked and untracked files as a commit under
 * `refs/fleet/trash/`, its folder, less what is disposable, moved as it is into the trash, and its admin
 * directory copied beside: the index, an operation under way, a submodule's commits live there.
 */
export async function saveWork(
  deps: Deps,
  repo: Repository,
  record: AgentRecord,
  { facts, linked }: { readonly facts: WorktreeFacts; readonly linked: boolean },
): Promise<SavedWork> {
  const { files } = deps.host;
  const worktree = { path: record.worktree, adminDir: record.adminDir };
  const folder = folderOf(deps, record.id);
  const ref = await saveCommits(deps, repo, record, facts);
  await deps.git.moveAway(repo, worktree, join(folder, TREE));
  const restore = restoreCommand(record);
  if (!linked) return { folder: null, ref, restore };
  const disposable = new Set(deps.settings.config.worktree.disposable);
  for (const path of facts.ignored) {
    // What cannot be deleted (files of another user) stays with the rest.
    if (isDisposable(path, disposable)) await files.removeTree(join(folder, TREE, path)).catch(() => undefined);
  }
  return { folder: join(folder, TREE), ref, restore };
}

/** Keeps what git can of a worktree that goes, and its admin directory, with a note that finds it again. Answers with the ref. */
export async function saveCommits(deps: Deps, repo: Repository, record: AgentRecord, facts: WorktreeFacts): Promise<string | null> {
  // First of all: with it everything else that is saved is found again.
  await deps.host.files.makeFolder(folderOf(deps, record.id));
  const { ref } = await deps.git.save(repo, { path: record.worktree, adminDir: record.adminDir }, record.id);
  if (ref === null && facts.unreachable.length > 0) {
    throw new FleetError(
      "DRIVER_FAILED",
      `git could not keep the commits of ${record.branch} that are on no branch; nothing was removed.`,
      {
        hint: "Put a branch on them first: git branch NAME inside the worktree.",
      },
    );
  }
  await writeNote(deps, repo, record, { head: facts.head, branch: facts.branch, ref });
  await deps.host.files.removeTree(savedAdmin(deps, record.id));
  await copyFolder(deps, record.adminDir, savedAdmin(deps, record.id));
  // The copy took the mode of what was copied.
  await deps.host.files.setMode(savedAdmin(deps, record.id), 0o700);
  return ref;
}

/** Notes what was, or is about to be, kept of an agent. */
export async function writeNote(
  deps: Deps,
  repo: Repository,
  record: AgentRecord,
  kept: Pick<TrashEntry, "head" | "branch" | "ref">,
): Promise<void> {
  const tip = (await deps.git.branches(repo, [record.branch])).get(record.branch)?.tip ?? null;
  const entry: TrashEntry = { record, ...kept, tip, savedAt: new Date(deps.clock.now()).toISOString() };
  await deps.host.files.makeFolder(folderOf(deps, record.id));
  const text = `${JSON.stringify({ version: RECORD_VERSION, ...entry })}\n`;
  // Written beside it: the trash may lie on another disk than the rest of the home.
  await deps.host.files.write(join(folderOf(deps, record.id), NOTE), text, 0o600, deps.paths.trash);
}

export function restoreCommand({ id }: AgentRecord): string {
  return `fleet restore ${id}`;
}

/** Everything in the trash of this home, newest first. */
export async function listTrash(deps: Deps): Promise<readonly SavedEntry[]> {
  const { files } = deps.host;
  const ids = (await files.list(deps.paths.trash)) ?? [];
  const texts = await files.readMany(ids.map((id) => join(deps.paths.trash, id, NOTE)));
  const entries: SavedEntry[] = [];
  for (const [i, id] of ids.entries()) {
    const entry = parseNote(texts[i] ?? null, id);
    if (entry === null) continue;
    const saved = await isSaved(deps, id);
    // Without a folder it is commits alone, or still being saved: then the agent is still there.
    if (saved || !(await isRegistered(deps, entry.record)))
      entries.push({ ...entry, folder: saved ? savedTree(deps, id) : null, size: null });
  }
  return entries.sort((a, b) => b.savedAt.localeCompare(a.savedAt));
}

/** Null for what is no whole note of this very folder: nothing is ever removed or restored on its account. */
function parseNote(text: string | null, id: string): TrashEntry | null {
  try {
    const entry = text === null ? null : (JSON.parse(text) as TrashEntry);
    return entry !== null && isAgentRecord(entry.record) && entry.record.id === id && isWhole(entry) ? entry : null;
  } catch {
    return null;
  }
}

function isWhole({ head, branch, tip, ref, savedAt }: TrashEntry): boolean {
  const isCommit = (value: unknown) => value === null || (typeof value === "string" && /^[0-9a-f]{4,64}$/.test(value));
  const isTextOrNull = (value: unknown) => value === null || typeof value === "string";
  return isCommit(head) && isCommit(tip) && isTextOrNull(branch) && isTextOrNull(ref) && !Number.isNaN(Date.parse(savedAt));
}

/** Folders in the trash that are there and whose notes are not: what lies in them can only be taken out by hand. */
export async function unnotedTrash(deps: Deps): Promise<readonly string[]> {
  const { files } = deps.host;
  const ids = ((await files.list(deps.paths.trash)) ?? []).filter((id) => !id.startsWith("."));
  const texts = await files.readMany(ids.map((id) => join(deps.paths.trash, id, NOTE)));
  const unnoted = ids.filter((id, i) => parseNote(texts[i] ?? null, id) === null);
  const saved = await Promise.all(unnoted.map((id) => isSaved(deps, id)));
  return unnoted.filter((_, i) => saved[i]).map((id) => savedTree(deps, id));
}

/** Whether an agent's worktree lies in the trash, whole. */
export async function isSaved(deps: Deps, id: string): Promise<boolean> {
  return (await deps.host.files.stat(savedTree(deps, id))) !== null;
}

export function folderOf(deps: Deps, id: string): string {
  return join(deps.paths.trash, id);
}

/** Where an agent's worktree lies in the trash. */
export function savedTree(deps: Deps, id: string): string {
  return join(folderOf(deps, id), TREE);
}

/** Where the worktree's admin directory lies beside it. */
export function savedAdmin(deps: Deps, id: string): string {
  return join(folderOf(deps, id), ADMIN);
}

/** Cuts a saved folder's last tie to the repository. */
export async function looseTree(deps: Deps, id: string): Promise<void> {
  await deps.host.files.remove(join(savedTree(deps, id), ".git"));
}

/** The newest entry of a branch (of this repository, where the fleet has one) or of an id. `isBack`: an agent of that name is there. */
export async function findTrash(deps: Deps, name: string, isBack = false): Promise<SavedEntry> {
  const entries = await Promise.all((await listTrash(deps)).map((entry) => relocated(deps, entry)));
  const found =
    entries.find((entry) => entry.record.id === name) ?? entries.find((entry) => entry.record.branch === name && isHere(deps, entry));
  if (found !== undefined) return found;
  const names = [...new Set(entries.filter((entry) => isHere(deps, entry)).map(({ record }) => record.branch))];
  const unnoted = await unnotedTrash(deps);
  throw new FleetError("AGENT_NOT_FOUND", `Nothing of "${name}" is in the trash.`, {
    hint: isBack
      ? "An agent of that name is there: `fleet list` shows it."
      : unnoted.length > 0
        ? `The notes of what lies in ${unnoted.slice(0, 3).join(", ")} cannot be read: look there.`
        : entries.length === 0
          ? "The trash is empty."
          : names.length === 0
            ? "`fleet trash list --all-repos` shows what is saved of other repositories."
            : `There is ${names.slice(0, 5).join(", ")}.`,
    data: { name },
  });
}

/** Whether an entry belongs to the repository that this fleet was opened on. */
export function isHere(deps: Deps, entry: TrashEntry): boolean {
  return deps.repo === null || entry.record.commonDir === deps.repo.commonDir;
}

/** The entry as one of this fleet's repository, if that was moved here since and still holds what was saved. */
export async function relocated<T extends TrashEntry>(deps: Deps, entry: T): Promise<T> {
  const { record } = entry;
  if (deps.repo === null || isHere(deps, entry) || (await deps.host.files.stat(record.commonDir)) !== null) return entry;
  if (!(await deps.git.fleetRefs(deps.repo)).has(entry.ref ?? `refs/fleet/trash/${record.id}`)) return entry;
  const { path, commonDir } = deps.repo;
  return { ...entry, record: { ...record, repo: path, commonDir, project: projectName(deps.repo), adminDir: "" } };
}

/** Copies a folder's content with modes and times into a folder that may be there. */
export async function copyFolder(deps: Deps, from: string, to: string): Promise<void> {
  await deps.host.files.makeFolder(to);
  const { exitCode, stderr } = await deps.host.run(["cp", "-a", "--", `${from}/.`, to]);
  if (exitCode === 0) return;
  const doing = `${from} could not be copied to ${to}`;
  throw diskFailure(stderr, doing) ?? new FleetError("DRIVER_FAILED", `${doing}: ${stderr.trim()}`);
}
