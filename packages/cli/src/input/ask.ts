import { createInterface } from "node:readline/promises";
import { session } from "../session.js";

/** Whether a question can be put to a person: both ends are a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** A yes-or-no question on the terminal; anything but yes is no. Ctrl+C rejects with the abort. */
export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  const cancel = new AbortController();
  // In raw mode Ctrl+C is a key, not a signal: pass it on as one.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  lines.on("close", () => cancel.abort());
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: AbortSignal.any([session.signal, cancel.signal]) });
    return /^\s*y(es)?\s*$/i.test(answer);
  } catch (error) {
    if (session.signal.aborted) {
      process.stderr.write("\n");
      throw error;
    }
    process.stderr.write("\n");
    return false;
  } finally {
    lines.close();
    process.stdin.pause();
  }
}
