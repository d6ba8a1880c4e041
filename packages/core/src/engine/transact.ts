import { FleetError, toFleetError } from "../errors/index.js";
import type { Step } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { unmake } from "./unmake.js";

/** A transaction under way. */
export interface Undo {
  /**
   * Notes a step and then does it. The note comes first: a process killed in the middle of `make`
   * leaves a note from which the next command undoes what came of it. `whole`: `make` promises to
   * leave nothing when it rejects, so there is nothing to undo then.
   */
  did<T>(step: Step, make: () => Promise<T>, options?: { readonly whole?: boolean }): Promise<T>;
}

/**
 * Runs `work` as a transaction. If it throws, its steps are undone last-in-first-out and the original
 * error is rethrown; what could not be undone is named in the error's `data.left`.
 *
 * Undoing ignores the caller's signal: an interrupted call must still clean up.
 */
export async function transact<T>(deps: Deps, work: (undo: Undo) => Promise<T>): Promise<T> {
  const entry = await deps.journal.begin(await deps.processes.self());
  const steps: Step[] = [];
  const undo: Undo = {
    async did(step, make, options) {
      await entry.did(step);
      steps.push(step);
      try {
        return await make();
      } catch (error) {
        if (options?.whole === true) steps.splice(steps.indexOf(step), 1);
        throw error;
      }
    },
  };
  try {
    const result = await work(undo);
    await entry.close();
    return result;
  } catch (error) {
    const left = await unwind(deps, steps);
    // What is left stays written down, so that the next command tries again.
    if (left.length === 0) await entry.close();
    throw left.length === 0 ? error : withLeft(error, left);
  }
}

/** Undoes steps, last first. Answers with a sentence for each that could not be undone. */
export async function unwind(deps: Deps, steps: readonly Step[]): Promise<readonly string[]> {
  const left: string[] = [];
  const started = steps.some(({ kind }) => kind === "session");
  for (const step of [...steps].reverse()) {
    try {
      const kept = await unmake(deps, step, started);
      if (kept !== null) left.push(kept);
    } catch (error) {
      left.push(`${step.kind}: ${toFleetError(error).message}`);
    }
  }
  return left;
}

function withLeft(error: unknown, left: readonly string[]): FleetError {
  const known = toFleetError(error);
  return new FleetError(known.code, `${known.message} Left behind: ${left.join("; ")}.`, {
    hint: known.hint ?? "Run `fleet doctor` to see what is left.",
    data: { ...known.data, left } as never,
    cause: error,
  });
}
