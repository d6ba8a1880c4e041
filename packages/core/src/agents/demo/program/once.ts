import type { RunOptions } from "./options.js";
import { report } from "./report.js";
import { turn } from "./turn.js";

/** Without a terminal: one prompt, then the exit code. Nobody is there to give permissions. */
export async function once(options: RunOptions): Promise<number> {
  const prompt = options.prompt ?? (await standardInput());
  if (prompt.length === 0) {
    process.stderr.write("demo: no prompt and no terminal\n");
    return 2;
  }
  report(prompt, options.prompt === null ? "stdin" : "argument");
  const stage = { print: (...lines: string[]) => process.stdout.write(`${lines.join("\n")}\n`), ask: async () => false };
  return (await turn(prompt, stage, new AbortController().signal)) ?? 0;
}

async function standardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
