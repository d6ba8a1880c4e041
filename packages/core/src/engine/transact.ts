import { FleetError, toFleetError } from "../errors/index.js";
import type { Step } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { removeLocksOfMade } from "./stale-locks.js";
import { type Known, unmake } from "./unmake.js";

/** A transaction under way. */
export interface Undo {
  /**
   * Notes a step and then does it. The note comes first: a process killed in the middle of `make`
   * leaves a note from which the next command undoes what came of it. `whole`: whether `make` has left
   * nothing when it rejects with that error, so that there is nothing to undo. @default it may have left something
   */
  did<T>(step: Step, make: () => Promise<T>, options?: { readonly whole?: (error: unknown) => boolean }): Promise<T>;
}

/**
 * Runs `work` as a transaction. If it throws, its steps are undone last-in-first-out and the original
 * error is rethrown; what was kept or could not be undone is named in the error's `data.left`.
 *
 * Undoing ignores the caller's signal: an interrupted call must still clean up.
 */
export async function transact<T>(deps: Deps, work: (undo: Undo) => Promise<T>): Promise<T> {
  const begunAt = deps.clock.now();
  const entry = await deps.journal.begin(await deps.processes.self());
  const steps: Step[] = [];
  const undo: Undo = {
    async did(step, make, options) {
      await entry.did(step);
      steps.push(step);
      try {
        return await make();
      } catch (error) {
        if (options?.whole?.(error) === true) steps.splice(steps.indexOf(step), 1);
        throw error;
      }
    },
  };
  try {
    const result = await work(undo);
    await entry.close();
    return result;
  } catch (error) {
    let { kept, left } = await unwind(deps, steps);
    // A git that was ended may have left a lock on what it was to make: with that gone, all of it goes.
    if (left.length > 0 && (await removeLocksOfMade(deps, { begunAt, steps }).catch(() => false)))
      ({ kept, left } = await unwind(deps, steps));
    // What could not be undone stays written down, so that the next command tries again.
    // A note that stays makes the next command look again, and find nothing to do.
    if (left.length === 0) await entry.close().catch(() => undefined);
    throw kept.length + left.length === 0 ? error : withLeft(error, kept, left);
  }
}

/** What a person calls what a step makes. */
const NAMES: Readonly<Record<Step["kind"], string>> = {
  file: "a file",
  record: "the agent's record",
  session: "the agent's session",
  worktree: "its worktree and branch",
  removal: "a removal half done",
  restoral: "a restoral half done",
  stop: "a stop half done",
  drop: "an entry of the trash half dropped",
};

/** What is there after an undoing, a phrase for each. */
export interface Unwound {
  /** Kept for the work it holds. */
  readonly kept: readonly string[];
  /** Could not be undone. */
  readonly left: readonly string[];
}

/** Undoes steps, last first. */
export async function unwind(deps: Deps, steps: readonly Step[], known?: Known): Promise<Unwound> {
  const kept: string[] = [];
  const left: string[] = [];
  const started = steps.some(({ kind }) => kind === "session");
  for (const step of [...steps].reverse()) {
    try {
      const what = await unmake(deps, step, started, known);
      if (what !== null) kept.push(what);
    } catch (error) {
      left.push(`${NAMES[step.kind]} (${toFleetError(error).message.replace(/\.$/, "")})`);
      // Its program may still run there: what was made before it stays until that has been ended.
      if (step.kind !== "session") continue;
      left.push(
        ...steps
          .slice(0, steps.indexOf(step))
          .map(({ kind }) => NAMES[kind])
          .reverse(),
      );
      break;
    }
  }
  return { kept, left };
}

function withLeft(error: unknown, kept: readonly string[], left: readonly string[]): FleetError {
  const known = toFleetError(error);
  const all = [...kept, ...left];
  const first = /[.!?]$/.test(known.message) ? known.message : `${known.message}.`;
  const rest = [
    ...(kept.length === 0 ? [] : [`Left behind: ${kept.join("; ")}.`]),
    // Each for the same reason, as a rule: said once, the details are in the data.
    ...(left.length === 0 ? [] : ["What was begun could not all be undone or finished now; the next fleet command does it."]),
  ];
  // What is to be done for a disk is all that is to be done.
  const ofTheDisk = known.hint !== null && (known.code === "DISK_FULL" || known.code === "PERMISSION_DENIED");
  return new FleetError(known.code, [first, ...rest].join(" "), {
    hint:
      ofTheDisk && left.length > 0
        ? (known.hint ?? "")
        : left.length === 0
          ? "It is listed as a stopped agent: `fleet resume` starts it again, `fleet kill` removes it."
          : `${known.hint === null ? "" : `${known.hint} `}What is left goes with the next command, once git and tmux work.`,
    data: { ...known.data, left: all } as never,
    cause: error,
  });
}
