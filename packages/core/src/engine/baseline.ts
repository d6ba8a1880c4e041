import { join } from "node:path";
import { FleetError } from "../errors/index.js";
import type { AgentRecord, Repository, WorktreeFacts } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** What setup left in a worktree: not the agent's work. Lies beside the mark. */
const BASELINE = "fleet-setup-files.json";

interface Baseline {
  /** Ignored files that were there, those inside ignored folders one by one. */
  readonly ignored: readonly string[];
  /** Size and time of each tracked file it changed and each untracked one it made. */
  readonly changed: Readonly<Record<string, string>>;
}

const NOTHING: Baseline = { ignored: [], changed: {} };

type Place = Pick<AgentRecord, "worktree" | "adminDir" | "credentials">;

/** Notes what the setup made and changed; answers with what it saw. */
export async function writeBaseline(
  deps: Deps,
  repo: Repository,
  record: Pick<AgentRecord, "worktree" | "adminDir">,
  call?: Call,
): Promise<WorktreeFacts> {
  const facts = await deps.git.inspect(repo, { path: record.worktree, adminDir: record.adminDir }, call);
  const disposable = new Set(deps.settings.config.worktree.disposable);
  const ignored = await expand(
    deps,
    record.worktree,
    facts.ignored.filter((path) => !isDisposable(path, disposable)),
  );
  const changed: Record<string, string> = {};
  for (const path of [...facts.modified, ...facts.untracked]) changed[path] = await stampOf(deps, record.worktree, path);
  const baseline: Baseline = { ignored, changed };
  await deps.host.files.write(join(record.adminDir, BASELINE), `${JSON.stringify(baseline)}\n`, 0o600, repo.commonDir);
  return facts;
}

/**
 * The ignored files that are somebody's work: not a credential copy of ours, not there when setup
 * ended, not of a kind that can be made again (`worktree.disposable`).
 */
export async function preciousFiles(deps: Deps, place: Place, facts: WorktreeFacts): Promise<readonly string[]> {
  const baseline = await readBaseline(deps, place.adminDir);
  const known = new Set([...place.credentials, ...baseline.ignored]);
  const disposable = new Set(deps.settings.config.worktree.disposable);
  const found = facts.ignored.filter((path) => !isDisposable(path, disposable));
  // A folder of which something is known is looked into; any other is somebody's as a whole.
  const isKnown = (path: string) => path.endsWith("/") && [...known].some((file) => file.startsWith(path));
  const inside = await expand(deps, place.worktree, found.filter(isKnown));
  return [...found.filter((path) => !isKnown(path)), ...inside].filter((path) => !known.has(path) && !isDisposable(path, disposable));
}

/** What has been done in a worktree since setup ended, as file names and short phrases. Empty: it is as it was made. */
export async function workSinceSetup(deps: Deps, record: Place & Pick<AgentRecord, "base">, facts: WorktreeFacts): Promise<string[]> {
  const { changed } = await readBaseline(deps, record.adminDir);
  const work: string[] = [];
  for (const path of [...facts.modified, ...facts.untracked]) {
    if (record.credentials.includes(path)) continue;
    if (changed[path] === undefined || changed[path] !== (await stampOf(deps, record.worktree, path))) work.push(path);
  }
  work.push(...(await preciousFiles(deps, record, facts)));
  if (facts.operation !== null) work.push(`a ${facts.operation} under way`);
  if (facts.head !== null && facts.head !== record.base) work.push("new commits");
  return work;
}

/** Whether any folder or file name on the way is one that can be made again. */
export function isDisposable(path: string, disposable: ReadonlySet<string>): boolean {
  return path.split("/").some((part) => disposable.has(part));
}

async function readBaseline(deps: Deps, adminDir: string): Promise<Baseline> {
  const text = await deps.host.files.read(join(adminDir, BASELINE));
  try {
    return text === null ? NOTHING : (JSON.parse(text) as Baseline);
  } catch {
    // Nothing is known to be setup's then: more is refused, nothing is lost.
    return NOTHING;
  }
}

/** Paths as they are, each folder (with its `/` at the end) replaced by the files in it. */
async function expand(deps: Deps, worktree: string, paths: readonly string[]): Promise<readonly string[]> {
  const folders = paths.filter((path) => path.endsWith("/")).map((path) => `./${path.slice(0, -1)}`);
  const plain = paths.filter((path) => !path.endsWith("/"));
  if (folders.length === 0) return plain;
  const { exitCode, stdout, stderr } = await deps.host.run(["find", ...folders, "!", "-type", "d", "-print0"], { cwd: worktree });
  if (exitCode !== 0) throw new FleetError("DRIVER_FAILED", `The ignored folders of ${worktree} could not be read: ${stderr.trim()}`);
  const inside = stdout.split("\0").filter((path) => path !== "");
  return [...plain, ...inside.map((path) => path.slice(2))];
}

async function stampOf(deps: Deps, worktree: string, path: string): Promise<string> {
  const stat = await deps.host.files.stat(join(worktree, path));
  return stat === null ? "gone" : `${stat.size} ${stat.modifiedAt}`;
}
