import { dirname, join } from "node:path";
import type { AgentRecord, Repository } from "../model/index.js";
import type { Step } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { dropHalfSaved, dropIfEmpty } from "./drop.js";
import { isLinked, isRegistered } from "./loss.js";
import { isSaved, looseTree } from "./trash.js";

export type RemovalStep = Extract<Step, { kind: "removal" }>;

/**
 * Brings a removal that was cut off to an end, also from another process. One moment counts: of a worktree that is saved, when it
 * leaves its place; of any other, when its registration goes, before which it is asked a last time whether somebody has written there. Before
 * it nothing has been done to the agent: what was saved so far is dropped, and a folder that had left its place is put back. After it
 * the rest is done. Answers whether the agent is gone.
 */
export async function settleRemoval(deps: Deps, { record, deleteBranch, unlinked }: RemovalStep): Promise<boolean> {
  const repo = { commonDir: record.commonDir, path: record.repo, bare: false };
  const saved = await isSaved(deps, record.id);
  if (!saved) await putBack(deps, record);
  const linked = await isLinked(deps, record);
  if (!saved && (linked || unlinked === true) && (await isRegistered(deps, record))) {
    await dropHalfSaved(deps, repo, record.id);
    return false;
  }
  // One that is handed over to the user stands in its place without our mark: it is none of ours any more.
  if (saved || !linked) {
    await unregister(deps, repo, record);
    if (saved) await looseTree(deps, record.id);
    await settleBranches(deps, repo, [record], deleteBranch);
    await dropIfEmpty(deps, repo, { record });
  }
  await deps.store.update((draft) => {
    draft.agents = draft.agents.filter((agent) => agent.id !== record.id);
  });
  return true;
}

/** Puts a worktree back that had been taken out of its place and was still registered. */
async function putBack(deps: Deps, record: AgentRecord): Promise<void> {
  const { files } = deps.host;
  const parent = dirname(record.worktree);
  const away = ((await files.list(parent).catch(() => null)) ?? []).filter((name) => /^\.aifleet-gone-\d+-/.test(name));
  for (const name of away) {
    const folder = join(parent, name);
    if ((await deps.git.readLink(folder))?.adminDir !== record.adminDir || !(await isRegistered(deps, record))) continue;
    if ((await files.stat(record.worktree)) === null) await files.rename(folder, record.worktree);
  }
}

/** Only what is still the agent's: git gives a free name to the next worktree. */
async function unregister(deps: Deps, repo: Repository, record: AgentRecord): Promise<void> {
  if (record.adminDir === "") return;
  const isGone = (await deps.host.files.stat(record.adminDir)) === null;
  if (isGone || (await isRegistered(deps, record)))
    await deps.git.removeWorktree(repo, { path: record.worktree, adminDir: record.adminDir });
}

/**
 * Deletes the branches of agents that are gone where that loses nothing, or on demand with their tips kept.
 * All in one go, so that two that hold each other's commits are not both deleted for the other's sake.
 * Answers with the ids of the agents whose branch is still there.
 */
export async function settleBranches(
  deps: Deps,
  repo: Repository,
  records: readonly AgentRecord[],
  onDemand: boolean,
): Promise<ReadonlySet<string>> {
  const ends = records
    .filter((record) => record.createdBranch || onDemand)
    .map((record) => ({ name: record.branch, keepTip: onDemand ? `trash/${record.id}-branch` : null }));
  const gone = ends.length === 0 ? new Set<string>() : await deps.git.deleteBranches(repo, ends);
  return new Set(records.filter(({ branch }) => !gone.has(branch)).map(({ id }) => id));
}
