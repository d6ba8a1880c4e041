import type { ErrorCode } from "@aifleet/core";
import { loadCore } from "../core.js";
import { Failure, usage } from "../failure.js";
import { nearest } from "../nearest.js";
import { guarded, painter, wantsColor } from "./color.js";
import { jsonText, output } from "./output.js";
import { clean, cut, oneLine } from "./width.js";

/** An error as the command line shows it. */
export interface Shown {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly exit: number;
}

export interface ErrorContext {
  readonly json: boolean;
  readonly color: boolean;
  /** The command that failed, for the way to its help. */
  readonly command: string | undefined;
  /** Its long flags, for a word on a misspelt one. */
  readonly flags: readonly string[];
}

/** Any thrown value in the one form: its code, message, hint, data and exit code. */
export async function shownError(thrown: unknown, context: Pick<ErrorContext, "command" | "flags">): Promise<Shown> {
  const { ERROR_CODES, toFleetError, isFleetError } = await loadCore();
  const error = thrown instanceof Failure || isFleetError(thrown) ? thrown : (parseFailure(thrown, context) ?? toFleetError(thrown));
  const data = error.data as Readonly<Record<string, unknown>>;
  return { code: error.code, message: error.message, hint: error.hint, data, exit: ERROR_CODES[error.code].exit };
}

/** Prints it: JSON on stdout, or two lines on stderr. */
export function printError(error: Shown, context: Pick<ErrorContext, "json" | "color">): void {
  if (context.json) {
    const { code, message, hint, data } = error;
    output.write(`${jsonText({ error: { code, message, hint, data } }, 2)}\n`);
    return;
  }
  const paint = painter(context.color && wantsColor(process.stderr));
  const text = (words: string): string => clean(words, { keepNewlines: true });
  let shown = `${paint("red", "error:")} ${oneLine(error.message)}\n`;
  const files = error.data.files;
  if (error.code === "WORKTREE_DIRTY" && Array.isArray(files)) shown += fileList(files.map(String));
  // What the message says of it already is not said again.
  if (typeof error.data.output === "string" && !error.message.includes(error.data.output.trim()))
    shown += `${indent(text(lastLines(error.data.output, 10)))}\n`;
  if (error.hint !== null) shown += `${paint("cyan", "hint:")} ${oneLine(error.hint)}\n`;
  process.stderr.write(guarded(shown));
}

export function fileList(files: readonly string[], most = 10): string {
  const lines = files.slice(0, most).map((file) => `  ${clean(file)}\n`);
  return lines.join("") + (files.length > most ? `  … and ${files.length - most} more\n` : "");
}

/** oclif's own errors about arguments, in our words. Null: it is none of them. */
function parseFailure(thrown: unknown, context: Pick<ErrorContext, "command" | "flags">): Failure | null {
  if (typeof thrown !== "object" || thrown === null || !("oclif" in thrown)) return null;
  const error = thrown as unknown as { message: string; args?: unknown[]; flags?: unknown[] };
  const help = `See \`fleet ${context.command === undefined ? "" : `${context.command} `}--help\`.`;
  const unknown = error.flags?.filter((flag): flag is string => typeof flag === "string") ?? [];
  const [flag] = unknown;
  if (flag !== undefined) {
    const name = flag.replace(/=.*/s, "");
    const near = name.startsWith("--")
      ? nearest(
          name,
          context.flags.map((known) => `--${known}`),
        )
      : null;
    return usage(`Unknown flag ${name}.`, near === null ? help : `Did you mean ${near}?`, { flags: unknown });
  }
  const args = error.args ?? [];
  const extra = args.filter((arg): arg is string => typeof arg === "string");
  if (extra.length > 0) {
    return usage(`Unexpected argument${extra.length === 1 ? "" : "s"}: ${extra.join(" ")}.`, `${help} Text with blanks needs quotes.`, {
      args: extra,
    });
  }
  const missing = args.flatMap((arg) => (typeof arg === "object" && arg !== null && "name" in arg ? [String(arg.name).toUpperCase()] : []));
  if (missing.length > 0) return usage(`Missing argument${missing.length === 1 ? "" : "s"}: ${missing.join(" ")}.`, help, { missing });
  return usage(reworded(error.message), help);
}

/** oclif's sentences about flags, shorter. */
function reworded(message: string): string {
  return message
    .replace(/\nSee more help with --help$/, "")
    .replace(/^The following errors? occurred:\s*/, "")
    .replace(/^Flag (--\S+) /, "$1 ")
    .replace(/^(--[\w-]+)=.* cannot also be provided when using (--[\w-]+)$/s, "$1 and $2 exclude each other")
    .replace(/^Expected (--[\w-]+)=(.*) to be one of: (.*)$/s, '$1 takes one of $3, not "$2"')
    .replace(/^Expected (.*) to be one of: (.*)$/s, '"$1" is none of $2')
    .replace(/\.?$/, ".");
}

function lastLines(text: string, count: number): string {
  const lines = text.trimEnd().split("\n").slice(-count);
  return lines.map((line) => cut(line, 300)).join("\n");
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
