import { join } from "node:path";
import type { StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext } from "../ports/index.js";
import { hasSibling, lastChoices } from "./dialog.js";
import { hookReader, reporter, toolQuestion } from "./hooks.js";
import {
  asText,
  commandOf,
  fitsArgument,
  looksLikeOption,
  looksLikeSubcommand,
  promptOf,
  withArgument,
  withoutMarks,
  withPaste,
} from "./launch.js";
import { IDLE, isRule, visibleLines, WORKING, waiting } from "./screen.js";
import { written } from "./style.js";

/**
 * Claude Code: `claude [flags] [prompt]`, `claude --continue [prompt]`. Its hooks come by a settings file of
 * this session alone, which adds to the user's own.
 */
export const claude: AgentAdapter = {
  name: "claude",
  title: "Claude Code",
  program: "claude",
  versionArgs: ["--version"],
  launch: (context) => start(context, []),
  resume: (context) => start(context, context.conversation === null ? ["--continue"] : ["--resume", context.conversation]),
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
  submitDelayMs: 300,
  draft: isDrafted,
  // A first `/` is an order also with a blank before it.
  typed(prompt) {
    const { paste, taken } = prompt.startsWith("/") ? { paste: prompt, taken: prompt } : asText(prompt);
    return withoutMarks(prompt, { paste, taken: asKept(taken) });
  },
  modes: {
    ask: ["--permission-mode", "manual"],
    edit: ["--permission-mode", "acceptEdits"],
    yolo: ["--permission-mode", "bypassPermissions"],
  },
  reports: hookReader({
    events: { SessionStart: null, UserPromptSubmit: "working", PermissionRequest: "waiting", Stop: "idle", StopFailure: "idle" },
    prompt: { kind: "UserPromptSubmit", field: "prompt", unwrap: (text) => asKept(PASTED.exec(text)?.[2] ?? text) },
    conversation: "session_id",
    question: toolQuestion,
    // No hook runs on Esc, nor when a question is answered.
    silent: ["working>idle", "waiting>working", "waiting>idle", "idle>waiting"],
  }),
};

/** What it drops where it joins nothing: characters that cannot be seen. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u{13430}-\u{1343f}]/gu;

/**
 * A prompt as it keeps it: letters and their accents composed, four blanks for a tab, and nothing that cannot be seen. It keeps
 * the joiners of emoji and of some scripts; both texts are compared without.
 */
function asKept(text: string): string {
  return text
    .replaceAll("\t", "    ")
    .replace(/[\u2028\u2029]/g, "\n")
    .replace(UNSEEN, "")
    .normalize("NFC");
}

/** How it hands on a paste of several lines. */
const PASTED = /^\s*<pasted_content id="([^"]*)">\n(.*)\n<\/pasted_content id="\1">\s*$/s;

const SETTINGS = "settings.json";
/** A turn that an error of the model server ends runs `StopFailure` instead of `Stop`. */
const HOOKS = ["SessionStart", "UserPromptSubmit", "PermissionRequest", "Stop", "StopFailure"];

/** Hooks as a settings file has them; none where the user gives a settings file of their own, of which there can be one. */
function hooksOf({ reports, flags }: LaunchContext): { readonly args: readonly string[]; readonly files: Record<string, string> } {
  if (reports === null || flags.some((flag) => flag.startsWith("--settings"))) return { args: [], files: {} };
  const hooks = Object.fromEntries(HOOKS.map((kind) => [kind, [{ hooks: [{ type: "command", command: reporter(kind), timeout: 5 }] }]]));
  return { args: ["--settings", join(reports, SETTINGS)], files: { [SETTINGS]: JSON.stringify({ hooks }) } };
}

function start(context: LaunchContext, mode: readonly string[]) {
  const prompt = promptOf(context);
  const base = commandOf(context, ["claude"], claude.modes);
  const { args, files } = hooksOf(context);
  const argv: readonly [string, ...string[]] = [...base, ...args, ...mode];
  return { ...withPrompt(argv, prompt), ...(args.length === 0 ? {} : { files }) };
}

function withPrompt(argv: readonly [string, ...string[]], prompt: string | null) {
  // One word might be a subcommand (`doctor`, `update`), and `--` does not change that.
  if (prompt === null || !fitsArgument(prompt) || looksLikeSubcommand(prompt)) return withPaste(argv, prompt);
  // Some flags take any number of values and would take the prompt for one more.
  const guard = looksLikeOption(prompt) || argv.length > 1 ? ["--"] : [];
  return withArgument(argv, ...guard, prompt);
}

const INPUT = /^❯(\s|$)/;
const POINTER = /^\s*❯ \S/;
const OPENER = /^(Do you (want|trust)|Would you like to|Quick safety check)/;
/** A star, words that end in an ellipsis, and after a moment figures in brackets: only while a turn runs. Answers never start in the first column. */
const SPINNER = /^[·✢✳✶✻✽*] \S.*…\s*(\(|$)/;
/** The title's first sign turns while it works. */
const TURNING = /^[◐◑◒◓] /;
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
  const working =
    TURNING.test(evidence.session.title) || footer.some((line) => INTERRUPT.test(line)) || above.some((line) => SPINNER.test(line));
  return { reading: working ? WORKING : IDLE, ready: true };
}

/** Only below an empty input, whatever is proposed in it. */
const SHORTCUTS = /\? for sh/;
/** Below a draft alone. */
const DRAFTED = /^\s*⏸ manual mode on$|paste again to expand/m;

/** It proposes what to say next in the very place where a person writes, and dims it. */
function isDrafted({ screen, styled }: Evidence): boolean | null {
  if (screen === null) return null;
  const lines = visibleLines(screen);
  const box = inputBox(lines);
  if (box === null) return null;
  const inBox = (all: readonly string[]) => all.slice(box.top, box.bottom).join("\n").replace("❯", "").trim();
  const footer = lines.slice(box.bottom + 1).join("\n");
  if (inBox(lines) === "" || SHORTCUTS.test(footer)) return false;
  if (styled) return inBox(written(styled)) !== "";
  return DRAFTED.test(footer) ? true : null;
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
