import type { StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext } from "../ports/index.js";
import { hasSibling, lastChoices } from "./dialog.js";
import { commandOf, fitsArgument, looksLikeOption, looksLikeSubcommand, promptOf, withArgument, withPaste } from "./launch.js";
import { IDLE, lastTexts, visibleLines, WORKING, waiting } from "./screen.js";

/** Codex: `codex [flags] [prompt]`, `codex [flags] resume --last [prompt]`. */
export const codex: AgentAdapter = {
  name: "codex",
  title: "Codex",
  program: "codex",
  launch: (context) => start(context, []),
  resume: (context) => start(context, ["resume", context.conversation ?? "--last"]),
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
};

function start(context: LaunchContext, mode: readonly string[]) {
  const prompt = promptOf(context);
  const argv: readonly [string, ...string[]] = [...commandOf(context, ["codex"]), ...mode];
  if (prompt === null || !fitsArgument(prompt) || looksLikeSubcommand(prompt)) return withPaste(argv, prompt);
  return withArgument(argv, ...(looksLikeOption(prompt) ? ["--"] : []), prompt);
}

const INPUT = /^›(\s|$)/;
const POINTER = /^\s*› \d+\. /;
const OPENER = /^((Would|Do) you |Trust this )/;
const HINT = /\benter (to )?(confirm|continue|select|submit)|\besc (to )?(cancel|go back|back|skip)/i;
/** The line right above the input while a turn runs; its first words change with what is being done. Answers are indented. */
const STATUS_LINE = /^\S.*\((\d+[hms]\s?)+ • esc to inter/;
/** Details of the status line and prompts that are queued stand between it and the input. */
const BELOW_STATUS = /^\s+[└↳]|^\s{2,}|^• Messages to be submitted/;
/** The title's first sign turns while it works. */
const SPINNING = /^[\u2800-\u28ff] /;
const ACTION_REQUIRED = /Action Required/;
/** A draft and the footer lie below the input's first row. */
const INPUT_ROWS = 14;

function look(evidence: Evidence): { readonly reading: StatusReading; readonly ready: boolean } | null {
  if (evidence.screen === null) return null;
  const lines = visibleLines(evidence.screen);
  const asks = ACTION_REQUIRED.test(evidence.session.title);
  const choices = lastChoices(lines, POINTER, OPENER);
  const input = lines.findLastIndex((line) => INPUT.test(line));
  if (choices !== null && choices.row >= input && (asks || isDialog(lines, choices.row))) {
    return { reading: waiting(choices.question, choices.choices), ready: false };
  }
  if (asks) return { reading: waiting(null), ready: false };
  if (input === -1 || input < lines.length - INPUT_ROWS) return null;
  const working = SPINNING.test(evidence.session.title) || isWorking(lines, input);
  return { reading: working ? WORKING : IDLE, ready: true };
}

/** A numbered list typed into the input looks the same, but for the hint that closes a dialog. */
function isDialog(lines: readonly string[], row: number): boolean {
  return hasSibling(lines, row) && lastTexts(lines, 2).some((line) => HINT.test(line));
}

function isWorking(lines: readonly string[], input: number): boolean {
  for (let at = input - 1; at >= 0; at--) {
    const line = lines[at] ?? "";
    if (line === "") continue;
    if (STATUS_LINE.test(line)) return true;
    if (!BELOW_STATUS.test(line)) return false;
  }
  return false;
}
