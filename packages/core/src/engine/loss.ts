import type { AgentRecord, WorktreeFacts } from "../model/index.js";
import type { Call } from "../ports/index.js";
import { preciousFiles } from "./baseline.js";
import type { Deps } from "./deps.js";
import { recordFromMark } from "./record.js";

/** What the removal of a worktree would lose. Empty: nothing. */
export interface Loss {
  /** One short sentence part each. */
  readonly reasons: readonly string[];
  readonly files: readonly string[];
  readonly facts: WorktreeFacts | null;
}

/** Looks what of an agent's work exists nowhere else. */
export async function lossOf(deps: Deps, record: AgentRecord, call?: Call): Promise<Loss> {
  // Gone, or something else lies in its place now: there is nothing of ours to lose, and nothing of it is touched.
  const link = await deps.git.readLink(record.worktree);
  if (link?.adminDir !== record.adminDir || !(await isRegistered(deps, record))) return { reasons: [], files: [], facts: null };
  const repo = { commonDir: record.commonDir, path: record.repo, bare: false };
  const facts = await deps.git.inspect(repo, { path: record.worktree, adminDir: record.adminDir }, call).catch(async (error: unknown) => {
    // Another kill took it away meanwhile.
    if ((await deps.git.readLink(record.worktree)) === null) return null;
    throw error;
  });
  if (facts === null) return { reasons: [], files: [], facts: null };
  const precious = await preciousFiles(deps, record, facts);
  const untracked = facts.untracked.filter((path) => !record.credentials.includes(path));
  const reasons: string[] = [];
  if (facts.modified.length > 0) reasons.push(count(facts.modified.length, "uncommitted file"));
  if (untracked.length > 0) reasons.push(count(untracked.length, "untracked file"));
  if (precious.length > 0)
    reasons.push(count(precious.length, "ignored file that setup did not make", "ignored files that setup did not make"));
  if (facts.operation !== null) reasons.push(`a ${facts.operation} under way`);
  if (facts.unreachable.length > 0) reasons.push(`${count(facts.unreachable.length, "commit")} on no branch`);
  return { reasons, files: [...facts.modified, ...untracked, ...precious], facts };
}

/** Whether the registration at the agent's place is still its own: git gives a free name to the next worktree. */
export async function isRegistered(deps: Deps, record: AgentRecord): Promise<boolean> {
  const mark = record.adminDir === "" ? null : await deps.git.readMark(record.adminDir);
  return mark !== null && recordFromMark(deps.paths.home, mark)?.id === record.id;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
