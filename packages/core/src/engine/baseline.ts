import { join } from "node:path";
import type { AgentRecord, Repository, WorktreeFacts } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** Lists the ignored paths that were there when setup ended: not the agent's work. Lies beside the mark. */
const BASELINE = "fleet-setup-files";

/** Notes which ignored files the setup made. */
export async function writeBaseline(deps: Deps, repo: Repository, record: AgentRecord, call?: Call): Promise<void> {
  const facts = await deps.git.inspect(repo, { path: record.worktree, adminDir: record.adminDir }, call);
  await deps.host.files.write(join(record.adminDir, BASELINE), facts.ignored.join("\0"));
}

/**
 * The ignored files that are somebody's work: not a credential copy of ours, not there when setup
 * ended, not of a kind that can be made again (`worktree.disposable`).
 */
export async function preciousFiles(deps: Deps, record: AgentRecord, facts: WorktreeFacts): Promise<readonly string[]> {
  const baseline = new Set(((await deps.host.files.read(join(record.adminDir, BASELINE))) ?? "").split("\0"));
  const credentials = new Set(record.credentials);
  const disposable = new Set(deps.settings.config.worktree.disposable);
  return facts.ignored.filter((path) => !credentials.has(path) && !baseline.has(path) && !isDisposable(path, disposable));
}

/** Whether any folder or file name on the way is one that can be made again. */
export function isDisposable(path: string, disposable: ReadonlySet<string>): boolean {
  return path.split("/").some((part) => disposable.has(part));
}
