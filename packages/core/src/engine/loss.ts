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
  /** Null where there is nothing of the agent's to remove. */
  readonly facts: WorktreeFacts | null;
  /** Whether the folder names the registration. If not, only the registration is the agent's, and goes. */
  readonly linked: boolean;
}

const NOTHING: Loss = { reasons: [], files: [], facts: null, linked: false };

/** Looks what of an agent's work exists nowhere else. */
export async function lossOf(deps: Deps, record: AgentRecord, call?: Call): Promise<Loss> {
  // Its registration is gone, or another's by now: there is nothing of ours to lose, and nothing of it is touched.
  if (!(await isRegistered(deps, record))) return NOTHING;
  const repo = { commonDir: record.commonDir, path: record.repo, bare: false };
  const place = { path: record.worktree, adminDir: record.adminDir };
  const linked = await isLinked(deps, record);
  const look = () => (linked ? deps.git.inspect(repo, place, call) : deps.git.inspectRegistration(repo, place, call));
  const facts = await look().catch(async (error: unknown) => {
    // Another kill took it away meanwhile.
    if (linked ? (await deps.git.readLink(record.worktree)) === null : !(await isRegistered(deps, record))) return null;
    throw error;
  });
  if (facts === null) return NOTHING;
  const precious = linked ? await preciousFiles(deps, record, facts) : [];
  const untracked = facts.untracked.filter((path) => !record.credentials.includes(path));
  const reasons: string[] = [];
  if (facts.modified.length > 0) reasons.push(count(facts.modified.length, "uncommitted file"));
  if (untracked.length > 0) reasons.push(count(untracked.length, "untracked file"));
  if (precious.length > 0)
    reasons.push(count(precious.length, "ignored file that setup did not make", "ignored files that setup did not make"));
  if (facts.operation !== null) reasons.push(`a ${facts.operation} under way`);
  if (facts.unreachable.length > 0) reasons.push(`${count(facts.unreachable.length, "commit")} on no branch`);
  for (const { path, commits } of facts.submodules) reasons.push(`${count(commits, "commit")} in the submodule ${path} that no remote has`);
  if (facts.locked !== null) reasons.push(`locked with git worktree lock${facts.locked === "" ? "" : ` (${facts.locked})`}`);
  return { reasons, files: [...facts.modified, ...untracked, ...precious], facts, linked };
}

/** Whether the agent's folder names its registration. */
export async function isLinked(deps: Deps, { worktree, adminDir }: AgentRecord): Promise<boolean> {
  return adminDir !== "" && (await deps.git.readLink(worktree))?.adminDir === adminDir;
}

/** Whether the registration at the agent's place is still its own: git gives a free name to the next worktree. */
export async function isRegistered(deps: Deps, record: AgentRecord): Promise<boolean> {
  const mark = record.adminDir === "" ? null : await deps.git.readMark(record.adminDir);
  return mark !== null && recordFromMark(deps.paths.home, mark)?.id === record.id;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
