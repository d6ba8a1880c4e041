import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";

/** How a prompt came in. */
export type Via = "argument" | "terminal" | "stdin";

const TEXT_BYTES = 4096;

/** Writes down that a prompt was taken, exactly as it arrived, for whoever wants to check a delivery. */
export function report(prompt: Buffer, via: Via): void {
  const file = process.env.DEMO_AGENT_LOG;
  if (!file) return;
  const line = {
    at: new Date().toISOString(),
    bytes: prompt.length,
    sha256: createHash("sha256").update(prompt).digest("hex"),
    via,
    cwd: process.cwd(),
    ...(prompt.length <= TEXT_BYTES ? { text: prompt.toString("utf8") } : {}),
  };
  appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
}
