import type { Warning } from "../model/index.js";
import type { Step } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { dropLogs } from "./logs.js";
import { unwind } from "./transact.js";

/** How long a command that outlived the fleet that ran it may take to tidy up, milliseconds. */
const GRACE_MS = 500;

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
      // The commands it ran go on without it, and would work against what is undone here.
      if (still.run !== null) await deps.processes.endTrees([{ root: null, marker: ["AIFLEET_RUN", still.run] }], { graceMs: GRACE_MS });
      const { kept, left } = await unwind(deps, still.steps);
      const all = [...kept, ...left];
      if (all.length === 0) for (const step of still.steps) if (step.kind === "record") await dropLogs(deps, step.agent);
      if (left.length === 0) await deps.journal.forget(entry.id);
      const what = describe(still.steps);
      warn({
        code: "RECOVERED",
        message:
          all.length === 0
            ? `${what} was cut off; what it had begun was undone or finished.`
            : `${what} was cut off; left behind: ${all.join("; ")}.`,
      });
    });
  }
}

function describe(steps: readonly Step[]): string {
  const made = steps.flatMap((step) => (step.kind === "worktree" ? [step.branch] : []));
  if (made.length > 0) return `The making of ${made.join(", ")}`;
  const removed = steps.flatMap((step) => (step.kind === "removal" ? [step.record.branch] : []));
  if (removed.length > 0) return `The removal of ${removed.join(", ")}`;
  const restored = steps.flatMap((step) => (step.kind === "restoral" ? [step.entry.record.branch] : []));
  if (restored.length > 0) return `The restoring of ${restored.join(", ")}`;
  const dropped = steps.flatMap((step) => (step.kind === "drop" ? [step.entry.record.branch] : []));
  return dropped.length > 0 ? `The dropping of ${dropped.join(", ")}` : "An earlier command";
}
