import { dirname, join } from "node:path";
import { FleetError } from "../errors/index.js";
import { type AgentRecord, RECORD_VERSION, type Repository, type SavedWork, type TrashEntry, type WorktreeFacts } from "../model/index.js";
import { isDisposable } from "./baseline.js";
import type { Deps } from "./deps.js";
import { mirrorText } from "./record.js";

const NOTE = "saved.json";
const TREE = "tree";
const ADMIN = "admin";
/** What in an admin directory ties it to its place or to a process that is gone: never taken over. */
const TIES = ["gitdir", "commondir", "index.lock", "HEAD.lock"];

/**
 * Saves a worktree whole before it goes: its tracked and untracked files as a commit under
 * `refs/fleet/trash/`, its folder, less what is disposable, moved as it is into the trash, and its admin
 * directory copied beside: the index, an operation under way, a submodule's commits live there.
 */
export async function saveWork(deps: Deps, repo: Repository, record: AgentRecord, facts: WorktreeFacts): Promise<SavedWork> {
  const { files } = deps.host;
  const worktree = { path: record.worktree, adminDir: record.adminDir };
  const folder = join(deps.paths.trash, record.id);
  const saved = await deps.git.save(repo, worktree, record.id);
  const tip = (await deps.git.branches(repo, [record.branch])).get(record.branch)?.tip ?? null;
  await files.makeFolder(folder);
  const entry: TrashEntry = {
    record,
    head: facts.head,
    branch: facts.branch,
    tip,
    ref: saved.ref,
    savedAt: new Date(deps.clock.now()).toISOString(),
  };
  await files.write(join(folder, NOTE), `${JSON.stringify({ version: RECORD_VERSION, ...entry })}\n`);
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
  const entries = texts.flatMap((text): TrashEntry[] => {
    try {
      return text === null ? [] : [JSON.parse(text) as TrashEntry];
    } catch {
      return [];
    }
  });
  return entries.sort((a, b) => b.savedAt.localeCompare(a.savedAt));
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

/**
 * Brings a saved worktree back: branch, folder with its modes, staged, unstaged, untracked and
 * ignored files as they were, and the record, stopped. Throws `BRANCH_IN_USE` where the branch is
 * checked out elsewhere by now, and changes nothing then.
 */
export async function restoreWork(deps: Deps, entry: TrashEntry): Promise<AgentRecord> {
  const { record } = entry;
  const { git, host } = deps;
  const repo = await git.root(record.repo);
  if (repo === null || repo.commonDir !== record.commonDir) {
    throw new FleetError("NOT_A_REPOSITORY", `The repository ${record.repo} is not there any more.`, {
      hint: `The files are kept in ${join(deps.paths.trash, record.id, TREE)}.`,
    });
  }
  const branch = entry.branch ?? record.branch;
  const facts = (await git.branches(repo, [branch])).get(branch);
  if (facts?.checkedOutAt !== null && facts !== undefined) {
    throw new FleetError("BRANCH_IN_USE", `The branch "${branch}" is checked out at ${facts.checkedOutAt}.`, {
      hint: "Switch that worktree to another branch first.",
      data: { branch, place: facts.checkedOutAt },
    });
  }
  if ((await host.files.stat(record.worktree)) !== null) {
    throw new FleetError("BRANCH_IN_USE", `${record.worktree} exists already.`, {
      hint: "Move it away first.",
      data: { branch: record.branch, place: record.worktree },
    });
  }
  const start = facts?.tip ?? (entry.branch === null ? entry.tip : entry.head) ?? record.base;
  const restored: AgentRecord = {
    ...record,
    process: null,
    maker: null,
    status: "stopped",
    statusSource: "session",
    statusSince: new Date(deps.clock.now()).toISOString(),
  };
  const spec = {
    key: record.id,
    path: record.worktree,
    branch,
    mode: facts?.tip == null ? ("create" as const) : ("use" as const),
    base: start,
    mark: (made: { readonly adminDir: string }) => mirrorText(deps.paths.home, { ...restored, adminDir: made.adminDir }),
  };
  for await (const result of git.addWorktrees(repo, [spec], { parallel: 1 })) {
    if (!result.ok) throw result.error;
    const complete = { ...restored, adminDir: result.worktree.adminDir };
    await putBack(deps, entry, complete);
    if (complete.credentials.length > 0) await git.exclude(repo, result.worktree, complete.credentials);
    await git.writeMark(complete.adminDir, mirrorText(deps.paths.home, complete));
    await deps.store.update((draft) => {
      draft.agents = [...draft.agents.filter((agent) => agent.id !== complete.id), complete];
      if (!draft.repositories.includes(complete.commonDir)) draft.repositories.push(complete.commonDir);
    });
    await dropTrash(deps, entry, repo);
    return complete;
  }
  throw new FleetError("DRIVER_FAILED", "git did not make the worktree again.");
}

/** Swaps the fresh checkout for the saved folder, and what git knew of it for what was saved. */
async function putBack(deps: Deps, { record }: TrashEntry, made: AgentRecord): Promise<void> {
  const { files } = deps.host;
  const saved = join(deps.paths.trash, record.id);
  const link = await files.read(join(made.worktree, ".git"));
  const fresh = join(dirname(made.worktree), `.fresh-${record.id}`);
  await files.rename(made.worktree, fresh);
  await moveFolder(deps, join(saved, TREE), made.worktree);
  await files.write(join(made.worktree, ".git"), link ?? `gitdir: ${made.adminDir}\n`, 0o644);
  for (const name of TIES) await files.remove(join(saved, ADMIN, name));
  await copyFolder(deps, join(saved, ADMIN), made.adminDir);
  await files.removeTree(fresh);
}

/** Copies a folder's content with modes and times into a folder that may be there. */
async function copyFolder(deps: Deps, from: string, to: string): Promise<void> {
  await deps.host.files.makeFolder(to);
  const { exitCode, stderr } = await deps.host.run(["cp", "-a", "--", `${from}/.`, to]);
  if (exitCode !== 0) throw new FleetError("DRIVER_FAILED", `${from} could not be copied to ${to}: ${stderr.trim()}`);
}

/** Also to another file system. */
async function moveFolder(deps: Deps, from: string, to: string): Promise<void> {
  const { exitCode, stderr } = await deps.host.run(["mv", "--", from, to]);
  if (exitCode !== 0) throw new FleetError("DRIVER_FAILED", `${from} could not be moved to ${to}: ${stderr.trim()}`);
}

/** Lets go of what was saved. */
export async function dropTrash(deps: Deps, { record, ref }: TrashEntry, repo: Repository | null): Promise<void> {
  if (repo !== null) {
    if (ref !== null) await deps.git.setFleetRef(repo, ref.replace(/^refs\/fleet\//, ""), null);
    await deps.git.setFleetRef(repo, `trash/${record.id}-branch`, null);
  }
  await deps.host.files.removeTree(join(deps.paths.trash, record.id));
}

/** Drops what is older than `trash.keep_days`. */
export async function tidyTrash(deps: Deps): Promise<void> {
  const oldest = deps.clock.now() - deps.settings.config.trash.keepDays * 24 * 3600 * 1000;
  for (const entry of await listTrash(deps)) {
    if (Date.parse(entry.savedAt) >= oldest) continue;
    await dropTrash(deps, entry, await deps.git.root(entry.record.repo));
  }
}
