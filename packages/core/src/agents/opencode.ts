import type { StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext } from "../ports/index.js";
import { commandOf, fitsArgument, looksLikeOption, promptOf, withArgument, withPaste } from "./launch.js";
import { IDLE, lastTexts, unframed, visibleLines, WORKING, waiting } from "./screen.js";

/** OpenCode: `opencode [flags] --prompt PROMPT`; `opencode --continue` drops `--prompt`, so a prompt is pasted then. */
export const opencode: AgentAdapter = {
  name: "opencode",
  title: "OpenCode",
  program: "opencode",
  launch: (context) => start(context),
  resume(context) {
    const mode = context.conversation === null ? ["--continue"] : ["--session", context.conversation];
    return withPaste([...commandOf(context, ["opencode"]), ...mode], promptOf(context));
  },
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
};

function start(context: LaunchContext) {
  const prompt = promptOf(context);
  const argv = commandOf(context, ["opencode"]);
  if (prompt === null || !fitsArgument(prompt) || looksLikeOption(prompt)) return withPaste(argv, prompt);
  return withArgument(argv, "--prompt", prompt);
}

const FOOTER_ROWS = 3;
const READY = /ctrl\+p comm/;
const INTERRUPT = /\besc (again to )?interr/;
/** The bar that dialogs, drafts and the user's own messages stand behind. */
const BAR = /^\s*[┃╹]/;
const PERMISSION = /^△ Permission required/;
const CHOICES = /\b(Allow once|enter confirm|enter submit|esc dismiss)\b/;

function look(evidence: Evidence): { readonly reading: StatusReading; readonly ready: boolean } | null {
  if (evidence.screen === null) return null;
  const lines = visibleLines(evidence.screen);
  const block = lastBlock(lines);
  const permission = block.findIndex((line) => PERMISSION.test(line));
  const footer = lastTexts(lines, FOOTER_ROWS);
  const ready = footer.some((line) => READY.test(line));
  // The dialog takes the input's place, and with it the input's footer goes.
  if (!ready && permission !== -1)
    return { reading: waiting(block.slice(permission + 1).find((line) => line !== "") ?? null), ready: false };
  if (!ready && footer.some((line) => CHOICES.test(line))) {
    return { reading: waiting(block.find((line) => line.endsWith("?")) ?? null), ready: false };
  }
  if (footer.some((line) => INTERRUPT.test(line))) return { reading: WORKING, ready };
  return ready ? { reading: IDLE, ready: true } : null;
}

/** The texts of the lowest run of lines behind a bar. */
function lastBlock(lines: readonly string[]): readonly string[] {
  const end = lines.findLastIndex((line) => BAR.test(line));
  let start = end;
  while (start > 0 && BAR.test(lines[start - 1] ?? "")) start--;
  return end === -1 ? [] : lines.slice(start, end + 1).map(unframed);
}
