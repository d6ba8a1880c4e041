import { FleetError, isFleetError, throwIfAborted, toFleetError } from "../errors/index.js";
import type { AgentRecord, KillOptions, WorktreeFacts } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import type { Seen } from "./look.js";
import { type Loss, lossOf } from "./loss.js";
import { mapPool } from "./pool.js";
import type { Moment } from "./stillness.js";

/** An agent with what its removal would lose, and why it is refused, null if it is not. */
export interface Judged {
  readonly seen: Seen;
  readonly loss: Loss;
  readonly refusal: FleetError | null;
}

const NOTHING: Loss = { reasons: [], files: [], facts: null, linked: false };
const UNREADABLE: WorktreeFacts = {
  modified: [],
  untracked: [],
  ignored: [],
  operation: null,
  head: null,
  branch: null,
  unreachable: [],
  locked: null,
  submodules: [],
  leftBehind: [],
};

/** Whether an agent may be removed. Changes nothing. */
export async function judge(deps: Deps, seen: Seen, options: KillOptions, call?: Call): Promise<Judged> {
  const { record } = seen;
  if (record.status === "starting") {
    const refusal = new FleetError("LOCKED", `${record.branch} is still being started by another command.`, {
      hint: "Wait until it is up, or interrupt that command.",
    });
    return { seen, loss: NOTHING, refusal };
  }
  if (options.keepWorktree === true) return { seen, loss: NOTHING, refusal: null };
  try {
    const loss = await lossFor(deps, record, options, call);
    const refusal = loss.reasons.length > 0 && options.force !== true ? dirty(record.branch, loss) : null;
    return { seen, loss, refusal };
  } catch (error) {
    throwIfAborted(call?.signal);
    return { seen, loss: NOTHING, refusal: toFleetError(error) };
  }
}

/** As lossOf; by force, a worktree that git cannot read is saved as a whole. */
async function lossFor(deps: Deps, record: AgentRecord, { force }: KillOptions, call?: Call): Promise<Loss> {
  try {
    return await lossOf(deps, record, call);
  } catch (error) {
    if (force !== true || !isFleetError(error, "DRIVER_FAILED")) throw error;
    return { reasons: [`its state could not be read (${error.message})`], files: [], facts: UNREADABLE, linked: true };
  }
}

function dirty(branch: string, loss: Loss, ended = false): FleetError {
  return new FleetError(
    "WORKTREE_DIRTY",
    `${branch} holds work that would be lost: ${loss.reasons.join(", ")}.${ended ? " Its program was ended; the worktree is kept." : ""}`,
    {
      hint: "Commit or move it, or use --force, which saves it all first.",
      data: { files: loss.files, reasons: loss.reasons },
    },
  );
}

/** As {@link judge}, of one whose program was ended meanwhile. */
export async function judgeEnded(deps: Deps, seen: Seen, options: KillOptions): Promise<Judged> {
  const judged = await judge(deps, seen, options);
  return judged.refusal === null || judged.loss.reasons.length === 0
    ? judged
    : { ...judged, refusal: dirty(seen.record.branch, judged.loss, true) };
}

/**
 * Judges again those that may have changed since they were judged: a program, or one that outlived it, may
 * have written before it ended, files or commits. Those in whose folders nothing has moved are as they were. For what is saved by force: of any other that is
 * asked when it is taken out of its place, where nobody can write to it any more.
 */
export async function lookAgain(deps: Deps, going: readonly Judged[], moment: Moment, options: KillOptions): Promise<readonly Judged[]> {
  if (options.force !== true) return going;
  // The admin directory as well: a commit on no branch changes nothing else.
  const foldersOf = ({ seen: { record }, loss }: Judged) => (loss.facts === null ? [] : [record.worktree, record.adminDir]);
  const changed = await moment.changedSince(going.flatMap(foldersOf));
  return mapPool(going, deps.settings.config.fleet.maxParallel, async (entry) => {
    if (!foldersOf(entry).some((folder) => changed.has(folder))) return entry;
    return judgeEnded(deps, entry.seen, options);
  });
}
