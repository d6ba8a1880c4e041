import { dirname, join } from "node:path";
import type { AgentRecord, Repository, TrashEntry } from "../model/index.js";
import type { Step } from "../ports/index.js";
import { removeBare } from "./bare-folder.js";
import type { Deps } from "./deps.js";
import { dropTrash } from "./drop.js";
import { mirrorText, recordFromMark } from "./record.js";
import { copyFolder, folderOf, isSaved, savedAdmin, savedTree } from "./trash.js";

export type RestoralStep = Extract<Step, { kind: "restoral" }>;

/** What in an admin directory ties it to its place or to a process that is gone: never taken over. */
const TIES = ["gitdir", "commondir", "index.lock", "HEAD.lock"];

/**
 * Brings a restoral that was cut off to an end, also from another process. While the saved folder lies
 * in the trash it is undone; once the folder is back in its place the rest is done.
 */
export async function settleRestoral(deps: Deps, { entry, madeBranchAt, checkout }: RestoralStep): Promise<void> {
  const { record } = entry;
  const { git } = deps;
  const repo = { commonDir: record.commonDir, path: record.repo, bare: false };
  const marks = await git.readMarks(record.commonDir);
  const made = marks.find((mark) => recordFromMark(deps.paths.home, mark.text)?.id === record.id);
  // A checkout by git may be half done: it is made again from what is still in the trash.
  const again = checkout === true && (await deps.host.files.stat(folderOf(deps, record.id))) !== null;
  if (!again && !(await isSaved(deps, record.id))) {
    if (made !== undefined) await finishRestoral(deps, repo, entry, made.adminDir);
    return;
  }
  if (made !== undefined) await git.removeWorktree(repo, { path: made.worktreePath, adminDir: made.adminDir });
  else await removeBare(deps, record.commonDir, record.worktree);
  const branch = entry.branch ?? record.branch;
  const facts = madeBranchAt === null ? undefined : (await git.branches(repo, [branch])).get(branch);
  if (madeBranchAt !== null && facts?.tip === madeBranchAt && facts.checkedOutAt === null)
    await git.deleteBranch(repo, branch, madeBranchAt);
  await deps.store.update((draft) => {
    draft.agents = draft.agents.filter((agent) => agent.id !== record.id);
  });
}

/** Swaps the fresh checkout for the saved folder. The one rename out of the trash decides whether it is back. */
export async function putBack(deps: Deps, { id, worktree }: AgentRecord, adminDir: string): Promise<void> {
  const { files } = deps.host;
  const beside = (what: string) => join(dirname(worktree), `.aifleet-gone-${process.pid}-${what}-${id}`);
  const saved = savedTree(deps, id);
  await files.rename(worktree, beside("fresh"));
  try {
    await files.rename(saved, worktree);
  } catch {
    // Another file system. The copy names its admin directory before it is in place, so that it can be taken away again.
    await copyFolder(deps, saved, beside("part"));
    await linkTo(deps, beside("part"), adminDir);
    await files.rename(beside("part"), worktree);
    await files.rename(saved, `${saved}-gone`);
  }
  await files.removeTree(beside("fresh"));
}

/** All that is left to do once the folder is back; may be done again. */
export async function finishRestoral(deps: Deps, repo: Repository, entry: TrashEntry, adminDir: string): Promise<AgentRecord> {
  const { files } = deps.host;
  const complete = asStopped(deps, entry.record, adminDir);
  await linkTo(deps, complete.worktree, adminDir);
  const admin = savedAdmin(deps, complete.id);
  if ((await files.stat(admin)) !== null) {
    for (const name of TIES) await files.remove(join(admin, name));
    await copyFolder(deps, admin, adminDir);
  }
  const worktree = { path: complete.worktree, adminDir };
  if (complete.credentials.length > 0) await deps.git.exclude(repo, worktree, complete.credentials);
  await deps.git.writeMark(adminDir, mirrorText(deps.paths.home, complete));
  await deps.store.update((draft) => {
    draft.agents = [...draft.agents.filter((agent) => agent.id !== complete.id), complete];
    if (!draft.repositories.includes(complete.commonDir)) draft.repositories.push(complete.commonDir);
  });
  await dropTrash(deps, entry, repo);
  return complete;
}

function linkTo(deps: Deps, folder: string, adminDir: string): Promise<void> {
  return deps.host.files.write(join(folder, ".git"), `gitdir: ${adminDir}\n`, 0o644, dirname(folder));
}

/** The record of an agent that is back. */
export function asStopped(deps: Deps, record: AgentRecord, adminDir: string): AgentRecord {
  const statusSince = new Date(deps.clock.now()).toISOString();
  return { ...record, adminDir, process: null, maker: null, status: "stopped", statusSource: "session", statusSince };
}
