import { basename, dirname, join, resolve } from "node:path";
import type { AgentRecord, Warning } from "../model/index.js";
import type { Mark } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { writeMirror } from "./mirror.js";
import { type MarkText, readMarkText } from "./record.js";

/** A mark with what it says, in the repository it was found in. */
export interface Marked {
  readonly commonDir: string;
  readonly mark: Mark;
  readonly says: MarkText;
}

/** The marks of a repository, null where it cannot be read now (moved, not mounted): nothing is concluded then. */
export async function readMarked(deps: Deps, commonDir: string): Promise<readonly Marked[] | null> {
  let marks: readonly Mark[];
  try {
    marks = await deps.git.readMarks(commonDir);
  } catch {
    return null;
  }
  const before = understood.get(deps.git)?.get(commonDir);
  const now = new Map(
    marks.map((mark) => {
      const known = before?.get(mark.adminDir);
      return [mark.adminDir, known?.text === mark.text ? known : { text: mark.text, says: readMarkText(deps.paths.home, mark.text) }];
    }),
  );
  const places = understood.get(deps.git) ?? new Map();
  understood.set(deps.git, places.set(commonDir, now));
  return marks.flatMap((mark) => ({ commonDir, mark, says: (now.get(mark.adminDir) as Understood).says }));
}

/** A mark's text with what it says: of a hundred marks that are read again hardly one has changed. */
interface Understood {
  readonly text: string;
  readonly says: MarkText;
}

/** By driver, repository and admin directory: what was read last. */
const understood = new WeakMap<object, Map<string, ReadonlyMap<string, Understood>>>();

/** Our own marks by agent. A copy of one in another worktree's registration, or in a copy of the repository, is none. */
export function ownMarks(marked: Iterable<Marked>): ReadonlyMap<string, Marked> {
  const own = new Map<string, Marked>();
  for (const entry of marked) {
    if (entry.says.kind !== "ours") continue;
    const { record } = entry.says;
    if (basename(record.adminDir) !== basename(entry.mark.adminDir)) continue;
    if (own.get(record.id)?.mark.present !== true) own.set(record.id, entry);
  }
  return own;
}

/** The record that a mark of ours holds, with its places as they are now: worktree and repository may have been moved. */
export function recordOf({ commonDir, mark, says }: Marked): AgentRecord | null {
  if (says.kind !== "ours") return null;
  const { record } = says;
  const worktree = mark.present ? mark.worktreePath : record.worktree;
  const isMoved = commonDir !== record.commonDir && basename(commonDir) === ".git";
  return { ...record, commonDir, adminDir: mark.adminDir, worktree, repo: isMoved ? dirname(commonDir) : record.repo };
}

/** What the registry says of an agent that the mark says otherwise is wrong, but for what changes while it lives. */
export function corrected(registered: AgentRecord, marked: AgentRecord): AgentRecord {
  const { credentials, conversation, process, maker, status, statusSource, statusSince, exitCode } = registered;
  const record = { ...marked, credentials, conversation, process, maker, status, statusSource, statusSince, exitCode };
  return isSame(record, registered) ? registered : record;
}

function isSame(a: AgentRecord, b: AgentRecord): boolean {
  const fields = Object.keys(a) as (keyof AgentRecord)[];
  return fields.length === Object.keys(b).length && fields.every((field) => a[field] === b[field]);
}

/**
 * Whose an agent's registration is where no mark of its own was found: nobody's any more, or still its own
 * with a mark that was lost or damaged, which is then written anew; "foreign" where another home lives in it.
 */
export async function withoutMark(
  deps: Deps,
  record: AgentRecord,
  there: Marked | undefined,
  warn: (warning: Warning) => void,
): Promise<"own" | "foreign" | "gone"> {
  if (there?.says.kind === "ours" || there?.says.kind === "warm") return "gone";
  if ((await deps.git.readLink(record.worktree))?.adminDir !== record.adminDir) return "gone";
  // A home that was moved is still the same; one that was copied is another.
  if (there?.says.kind === "foreign" && (await deps.host.files.stat(there.says.home)) !== null) return "foreign";
  // Without any word of ours it may be a worktree of the user's own that took the place: left as it is.
  if (there === undefined && !(await isAsRegistered(deps, record))) return "own";
  // One that is being handed over to the user has left the registry first.
  if (!(await deps.store.read()).agents.some(({ id }) => id === record.id)) return "gone";
  await writeMirror(deps, record);
  warn({
    code: "MARK_HEALED",
    branch: record.branch,
    message: `The mark of ${record.branch} in ${record.adminDir} was lost or broken; it was written anew.`,
  });
  return "own";
}

/** How long after its reservation an agent's worktree is registered at the latest, milliseconds. */
const REGISTERED_MS = 60_000;

/** Whether a registration without a mark is the very one that was made for the agent: from back then, on its branch, of its folder. */
async function isAsRegistered(deps: Deps, { adminDir, branch, worktree, createdAt }: AgentRecord): Promise<boolean> {
  const { files } = deps.host;
  const [back, head] = await files.readMany([join(adminDir, "gitdir"), join(adminDir, "HEAD")]);
  // Written once, when the worktree is registered.
  const made = await files.stat(join(adminDir, "commondir"));
  return (
    back != null &&
    dirname(resolve(adminDir, back.trimEnd())) === worktree &&
    head?.trimEnd() === `ref: refs/heads/${branch}` &&
    made !== null &&
    Math.abs(made.modifiedAt - Date.parse(createdAt)) < REGISTERED_MS
  );
}
