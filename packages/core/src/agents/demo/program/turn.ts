import { setTimeout as pause } from "node:timers/promises";
import { speed } from "./options.js";
import { readScript, type Script } from "./script.js";
import { addTo, branchOf, commit, noteFor, spawnStubborn, writeTo } from "./worktree.js";

/** Where a turn shows itself. */
export interface Stage {
  print(...lines: string[]): void;
  /** Whether the person said yes. */
  ask(question: string, signal: AbortSignal): Promise<boolean>;
}

/** Usual length of a turn, and how much longer some prompts take, milliseconds. */
const TURN_MS = 2000;
const SPREAD_MS = 2000;

/** Works on one prompt. Returns the exit code to end with, null to take the next prompt. Rejects when aborted. */
export async function turn(prompt: Buffer, stage: Stage, signal: AbortSignal): Promise<number | null> {
  const began = Date.now();
  const script = readScript(prompt.toString("utf8"));
  for (const action of script.actions) {
    if (action.do === "say") stage.print(`● ${action.text}`);
    if (action.do === "work") await pause(action.ms, undefined, { signal });
    if (action.do === "spawn") stage.print(`● Started process ${spawnStubborn() ?? "(failed)"}`);
    if (action.do === "ask" && !(await stage.ask(action.question, signal))) {
      stage.print(`● Declined: ${action.question}`, "■ Stopped.");
      return null;
    }
  }
  await edit(prompt, script, stage, signal);
  stage.print(`✓ Worked for ${Math.round((Date.now() - began) / 1000)}s`);
  if (script.exit !== null && script.exit > 0) stage.print(`✗ Error: the prompt asked for exit code ${script.exit}.`);
  if (script.exit === 0) stage.print("Goodbye.");
  return script.exit;
}

/** The work itself: a note in a few steps, and its commit. */
async function edit(prompt: Buffer, script: Script, stage: Stage, signal: AbortSignal): Promise<void> {
  const title = script.text.trim().split("\n")[0]?.slice(0, 60) || "Note";
  const file = noteFor(title);
  const step = script.actions.some((action) => action.do === "work") ? 0 : stepMs(prompt);
  try {
    await pause(step, undefined, { signal });
    addTo(file, `# ${title}\n\nOn branch ${branchOf(process.cwd()) ?? "(none)"}, a prompt of ${prompt.length} bytes.\n`);
    stage.print(`● Wrote ${file}`);
    await pause(step, undefined, { signal });
    addTo(file, "\n- read the prompt\n- wrote this note\n\n");
    stage.print(`● Edited ${file}`);
    await pause(step, undefined, { signal });
    if (script.commit) {
      const problem = await commit(file, `demo: ${title}`, signal);
      stage.print(problem === null ? `● Committed ${file}` : `! Could not commit: ${problem}`);
    }
    if (script.dirty) {
      addTo(file, "- not finished\n");
      writeTo(file.replace(/\.md$/, "-draft.md"), "A draft that was not committed.\n");
      stage.print("● Left a draft uncommitted");
    }
  } catch (error) {
    if (signal.aborted) throw error;
    stage.print(`! Could not write: ${(error as Error).message}`);
  }
  signal.throwIfAborted();
}

/** A third of a turn. Prompts take different times, the same prompt always the same. */
function stepMs(prompt: Buffer): number {
  const factor = speed();
  if (factor === 0) return 0;
  const spread = prompt.subarray(0, 1000).reduce((sum, byte) => (sum * 31 + byte) % 1000, 0) / 1000;
  return (TURN_MS + SPREAD_MS * spread) / 3 / factor;
}
