import type { Deps } from "./deps.js";
import { typedFileOf } from "./logs.js";

/** A prompt that was typed so short a time before a look may have opened a question that the look did not see, milliseconds. */
const LATELY_MS = 1000;
/** More than a row of the file, bytes. */
const ROW_BYTES = 64;

/** Notes that a prompt is about to be typed: what others have seen of the agent is old from now on. */
export async function noteTyped(deps: Deps, id: string): Promise<void> {
  await deps.host.files.append(typedFileOf(deps, id), `${deps.clock.now()}\n`);
}

/** Whether a prompt was typed since the agent was looked at, or right before that. */
export async function wasTypedSince(deps: Deps, id: string, lookedAt: number): Promise<boolean> {
  const end = await deps.host.files.readRange(typedFileOf(deps, id), -ROW_BYTES, ROW_BYTES);
  if (end === null) return false;
  const last = Number(Buffer.from(end).toString("latin1").trimEnd().split("\n").at(-1));
  // What cannot be read counts as since.
  return !(last < lookedAt - LATELY_MS);
}
