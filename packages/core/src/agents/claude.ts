import type { StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext } from "../ports/index.js";
import { hasSibling, lastChoices } from "./dialog.js";
import { commandOf, fitsArgument, looksLikeOption, looksLikeSubcommand, promptOf, withArgument, withPaste } from "./launch.js";
import { IDLE, isRule, visibleLines, WORKING, waiting } from "./screen.js";

/** Claude Code: `claude [flags] [prompt]`, `claude --continue [prompt]`. */
export const claude: AgentAdapter = {
  name: "claude",
  title: "Claude Code",
  program: "claude",
  launch: (context) => start(context, []),
  resume: (context) => start(context, context.conversation === null ? ["--continue"] : ["--resume", context.conversation]),
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
};

function start(context: LaunchContext, mode: readonly string[]) {
  const prompt = promptOf(context);
  const base = commandOf(context, ["claude"]);
  const argv: readonly [string, ...string[]] = [...base, ...mode];
  // One word might be a subcommand (`doctor`, `update`), and `--` does not change that.
  if (prompt === null || !fitsArgument(prompt) || looksLikeSubcommand(prompt)) return withPaste(argv, prompt);
  // Some flags take any number of values and would take the prompt for one more.
  const guard = looksLikeOption(prompt) || argv.length > 1 ? ["--"] : [];
  return withArgument(argv, ...guard, prompt);
}

const INPUT = /^❯(\s|$)/;
const POINTER = /^\s*❯ \S/;
const OPENER = /^(Do you (want|trust)|Would you like to|Quick safety check)/;
/** A star, words that end in an ellipsis, figures in brackets: only while a turn runs. Answers never start in the first column. */
const SPINNER = /^[·✢✳✶✻✽*] \S.*…\s*\(/;
/** Cut short on a narrow screen. */
const INTERRUPT = /\besc to inter/;

function look(evidence: Evidence): { readonly reading: StatusReading; readonly ready: boolean } | null {
  if (evidence.screen === null) return null;
  const lines = visibleLines(evidence.screen);
  const box = inputBox(lines);
  const choices = lastChoices(lines, POINTER, OPENER);
  if (choices !== null && isDialog(lines, choices.row, box)) return { reading: waiting(choices.question, choices.choices), ready: false };
  if (box === null) return null;
  const footer = lines.slice(box.bottom + 1);
  const above = lines.slice(Math.max(0, box.top - 8), box.top);
  const working = footer.some((line) => INTERRUPT.test(line)) || above.some((line) => SPINNER.test(line));
  return { reading: working ? WORKING : IDLE, ready: true };
}

/** Where the input stands: its first row, and the rule that closes it. An earlier prompt in the history has no rule above it. */
function inputBox(lines: readonly string[]): { readonly top: number; readonly bottom: number } | null {
  const top = lines.findLastIndex((line, at) => INPUT.test(line) && isRule(lines[at - 1]));
  if (top === -1) return null;
  const rule = lines.findIndex((line, at) => at > top && isRule(line));
  return { top, bottom: rule === -1 ? lines.length - 1 : rule };
}

/** A choice below the input is a dialog; one inside it is a draft, one above it an answer that quotes a dialog. */
function isDialog(lines: readonly string[], row: number, box: ReturnType<typeof inputBox>): boolean {
  if (box !== null && row <= box.bottom) return false;
  // An earlier prompt is printed in the first column, too, but alone.
  return /^\s+❯/.test(lines[row] ?? "") || hasSibling(lines, row);
}
