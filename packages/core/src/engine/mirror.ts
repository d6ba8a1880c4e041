import type { AgentRecord } from "../model/index.js";
import type { Deps } from "./deps.js";
import { mirrorText } from "./record.js";

/** Mirrors a record beside its worktree's registration, where that is still there: what was removed by hand is not made again. */
export async function writeMirror(deps: Deps, record: AgentRecord): Promise<void> {
  const isThere = async () => record.adminDir !== "" && (await deps.host.files.stat(record.adminDir)) !== null;
  if (!(await isThere())) return;
  try {
    await deps.git.writeMark(record.adminDir, mirrorText(deps.paths.home, record));
  } catch (error) {
    // Another command took the worktree away meanwhile.
    if (await isThere()) throw error;
  }
}

/** Writes changed records to the registry, at once, and to their worktrees. */
export async function saveRecords(deps: Deps, records: readonly AgentRecord[]): Promise<void> {
  if (records.length === 0) return;
  const changed = new Map(records.map((record) => [record.id, record]));
  await deps.store.update((draft) => {
    draft.agents = draft.agents.map((agent) => changed.get(agent.id) ?? agent);
  });
  for (const record of records) await writeMirror(deps, record);
}
