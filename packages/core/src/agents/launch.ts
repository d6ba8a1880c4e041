import type { AgentAdapter, Launch, LaunchContext, Typed } from "../ports/index.js";

/** Longest prompt handed over as an argument, UTF-8 bytes: the kernel takes 131,071 for one argument, its end included. */
export const ARGUMENT_BYTES = 131_000;

/** Whether a prompt is short enough to be one argument. */
export function fitsArgument(prompt: string): boolean {
  return prompt.length <= ARGUMENT_BYTES && Buffer.byteLength(prompt, "utf8") <= ARGUMENT_BYTES;
}

/** Whether a program would read the text as an option. */
export function looksLikeOption(prompt: string): boolean {
  return prompt.startsWith("-");
}

/** Whether a program with subcommands could read the text as the name of one: a single word. */
export function looksLikeSubcommand(prompt: string): boolean {
  return /^\S+$/.test(prompt);
}

/** The prompt, or null where there is nothing to say. */
export function promptOf(context: LaunchContext): string | null {
  return context.prompt === null || context.prompt === "" ? null : context.prompt;
}

/** The configured command, else the adapter's own, with the arguments of the mode asked for and the configured ones. */
export function commandOf(
  context: LaunchContext,
  own: readonly [string, ...string[]],
  modes: AgentAdapter["modes"] = {},
): readonly [string, ...string[]] {
  const mode = context.mode === null ? [] : (modes[context.mode] ?? []);
  return [...(context.command ?? own), ...mode, ...context.flags];
}

/** A launch whose arguments hold the prompt already. */
export function withArgument(argv: readonly [string, ...string[]], ...last: readonly string[]): Launch {
  return { argv: [...argv, ...last], promptVia: "argv" };
}

/** A launch whose prompt, if there is one, is to be pasted once the program is ready. */
export function withPaste(argv: readonly [string, ...string[]], prompt: string | null): Launch {
  return { argv, promptVia: prompt === null ? "none" : "paste" };
}

/** A first `!` or `/` is an order to most programs, a last `@word` opens a list that eats Enter. */
const READ_AS_MORE = /^[!/]|(^|\s)[@$]\S*$/;

/**
 * A prompt with blanks around it where the program would read it as more than text; it takes them off again.
 * For the adapters of programs of which that is known.
 */
export function asText(prompt: string): Typed {
  const taken = prompt.trim();
  return { paste: READ_AS_MORE.test(taken) ? ` ${taken} ` : prompt, taken };
}

const MARKS_OF_DIRECTION = /[\u202a-\u202e\u2066-\u2069]/;

/** For programs that take marks of the writing direction off what is pasted. */
export function withoutMarks(prompt: string, typed: Typed): Typed {
  return MARKS_OF_DIRECTION.test(prompt) ? { ...typed, loses: "its marks of the writing direction (such as U+202E)" } : typed;
}
