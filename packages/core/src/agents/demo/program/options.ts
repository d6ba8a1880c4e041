export const USAGE = "Usage: demo [--resume] [--] [PROMPT]\n";

/** What the program was called for: a run, or a text to print before exiting. */
export type Options = RunOptions | { readonly kind: "text"; readonly text: string; readonly code: number };

export interface RunOptions {
  readonly kind: "run";
  readonly resume: boolean;
  readonly prompt: Buffer | null;
}

/** Reads the arguments. As real programs do, it refuses options it does not know. */
export function parseArguments(args: readonly string[]): Options {
  const end = args.indexOf("--");
  const before = end === -1 ? args : args.slice(0, end);
  const options = before.filter((arg) => arg.startsWith("-"));
  const rest = [...before.filter((arg) => !arg.startsWith("-")), ...(end === -1 ? [] : args.slice(end + 1))];
  if (options.includes("--help")) return { kind: "text", text: USAGE, code: 0 };
  if (options.includes("--version")) return { kind: "text", text: "demo agent 1\n", code: 0 };
  const unknown = options.find((option) => option !== "--resume");
  if (unknown !== undefined) return { kind: "text", text: `demo: unknown option ${unknown}`, code: 2 };
  const [prompt, extra] = rest;
  if (extra !== undefined) return { kind: "text", text: "demo: one prompt at most", code: 2 };
  return { kind: "run", resume: options.includes("--resume"), prompt: prompt ? Buffer.from(prompt, "utf8") : null };
}

/** How many times faster than usual; 0 stands for no waiting at all. */
export function speed(): number {
  const value = Number(process.env.DEMO_AGENT_SPEED ?? "1");
  return Number.isFinite(value) && value >= 0 ? value : 1;
}
