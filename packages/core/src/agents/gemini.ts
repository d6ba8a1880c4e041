import type { StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext } from "../ports/index.js";
import { hasSibling, lastChoices } from "./dialog.js";
import { commandOf, fitsArgument, looksLikeOption, promptOf, withArgument, withPaste } from "./launch.js";
import { IDLE, lastTexts, visibleLines, WORKING, waiting } from "./screen.js";

/** Gemini CLI: `gemini [flags] -i PROMPT`, `gemini [flags] --resume latest -i PROMPT`. Tells what it does in its title. */
export const gemini: AgentAdapter = {
  name: "gemini",
  title: "Gemini CLI",
  program: "gemini",
  versionArgs: ["--version"],
  launch: (context) => start(context, []),
  resume: (context) => start(context, ["--resume", context.conversation ?? "latest"]),
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
};

function start(context: LaunchContext, mode: readonly string[]) {
  const prompt = promptOf(context);
  const argv: readonly [string, ...string[]] = [...commandOf(context, ["gemini"]), ...mode];
  if (prompt === null || !fitsArgument(prompt) || looksLikeOption(prompt)) return withPaste(argv, prompt);
  return withArgument(argv, "-i", prompt);
}

const POINTER = /^[\s│]*● \d+\.\s/;
const OPENER = /^(Do you|Apply this change|Allow |How would you)/;
const INPUT = /^[\s│]*[>*]\s+Type your message/;
const INPUT_ROWS = 8;

function look(evidence: Evidence): { readonly reading: StatusReading | null; readonly ready: boolean } | null {
  if (evidence.screen === null) return null;
  const lines = visibleLines(evidence.screen);
  const title = evidence.session.title;
  const empty = lastTexts(lines, INPUT_ROWS).some((line) => INPUT.test(line));
  // Trust and login dialogs keep the title `Ready`, so the screen has the first word.
  const choices = lastChoices(lines, POINTER, OPENER);
  const dialog = choices !== null && !empty && hasSibling(lines, choices.row) ? choices : null;
  if (title.startsWith("✋") || dialog !== null) return { reading: waiting(dialog?.question ?? null, dialog?.choices), ready: false };
  if (title.startsWith("✦")) return { reading: WORKING, ready: empty };
  if (title.startsWith("◇") && empty) return { reading: IDLE, ready: true };
  return { reading: null, ready: empty };
}
