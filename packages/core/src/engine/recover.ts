import type { Warning } from "../model/index.js";
import type { Deps } from "./deps.js";
import { unwind } from "./transact.js";

/**
 * Unwinds what killed processes began and never ended. Cheap when there is nothing to do: one look
 * into the journal's folder.
 */
export async function recover(deps: Deps, warn: (warning: Warning) => void): Promise<void> {
  const pending = await deps.journal.pending();
  for (const entry of pending) {
    if (await deps.processes.isAlive(entry.maker)) continue;
    // Two commands may meet here: each step's undoing is idempotent, but not two at a time.
    await deps.locks.hold(`${deps.paths.journal}/${entry.id}`, async () => {
      const still = (await deps.journal.pending()).find((other) => other.id === entry.id);
      if (still === undefined) return;
      const { kept, left } = await unwind(deps, still.steps);
      const all = [...kept, ...left];
      const branches = still.steps.flatMap((step) => (step.kind === "worktree" ? [step.branch] : []));
      if (left.length === 0) await deps.journal.forget(entry.id);
      const what = branches.length === 0 ? "An earlier command" : `The making of ${branches.join(", ")}`;
      warn({
        code: "RECOVERED",
        message:
          all.length === 0 ? `${what} was cut off; what it had begun was undone.` : `${what} was cut off; left behind: ${all.join("; ")}.`,
      });
    });
  }
}
