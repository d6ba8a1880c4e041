import { createHash } from "node:crypto";
import type { StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext, Said } from "../ports/index.js";
import { hasSibling, lastChoices } from "./dialog.js";
import { hookReader, reporter, toolQuestion } from "./hooks.js";
import { asText, commandOf, fitsArgument, looksLikeOption, looksLikeSubcommand, promptOf, withArgument, withPaste } from "./launch.js";
import { IDLE, lastTexts, visibleLines, WORKING, waiting } from "./screen.js";

/**
 * Codex: `codex [flags] [prompt]`, `codex [flags] resume --last [prompt]`. Hooks are given by `-c` and
 * trusted by their hash in the same way, so that no settings file is touched and none of the user's or the
 * project's own is trusted with them.
 */
export const codex: AgentAdapter = {
  name: "codex",
  title: "Codex",
  program: "codex",
  versionArgs: ["--version"],
  launch: (context) => start(context, []),
  resume: (context) => start(context, ["resume", context.conversation ?? "--last"]),
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
  // Less than 0.3 s after a paste an Enter may be taken for a part of it.
  submitDelayMs: 300,
  modes: {
    ask: ["--ask-for-approval", "on-request", "--sandbox", "read-only"],
    edit: ["--ask-for-approval", "on-request", "--sandbox", "workspace-write"],
    yolo: ["--dangerously-bypass-approvals-and-sandbox"],
  },
  typed: asText,
  draft: isDrafted,
  reports: hookReader({
    events: { SessionStart: null, UserPromptSubmit: "working", PermissionRequest: "waiting", Stop: "idle" },
    prompt: { kind: "UserPromptSubmit", field: "prompt" },
    conversation: "session_id",
    question: toolQuestion,
    reportsFrom: "prompt",
    // Neither Esc nor an error of the model's nor an answered question makes a hook run.
    silent: ["working>idle", "waiting>working", "waiting>idle"],
    diary: {
      path: ({ reports }) => {
        const path = reports.find(({ body }) => typeof body?.transcript_path === "string")?.body?.transcript_path;
        return typeof path === "string" ? path : null;
      },
      said: rolloutSays,
    },
  }),
};

/** An empty input shows what can be asked for, and its footer the shortcuts. */
function isDrafted({ screen }: Evidence): boolean | null {
  if (screen === null) return null;
  const lines = visibleLines(screen);
  const input = lines.findLastIndex((line) => INPUT.test(line));
  if (input === -1 || input < lines.length - INPUT_ROWS) return null;
  // Where the terminal joins the input's own sign to another, an earlier prompt is the last that has one.
  if (lines.slice(input).some((line) => PLACEHOLDER.test(line))) return false;
  return (lines[input] ?? "").slice(1).trim() !== "";
}

const PLACEHOLDER = /^[›\s].*Ask Codex to do/;

const HOOKS = {
  SessionStart: "session_start",
  UserPromptSubmit: "user_prompt_submit",
  PermissionRequest: "permission_request",
  Stop: "stop",
};
const HOOK_SECONDS = 5;

/** The hooks as settings of this session alone. */
function hookFlags(): readonly string[] {
  const flags: string[] = [];
  const trusted: string[] = [];
  for (const [event, name] of Object.entries(HOOKS)) {
    const command = reporter(event);
    flags.push("-c", `hooks.${event}=[{hooks=[{type="command",command=${JSON.stringify(command)},timeout=${HOOK_SECONDS}}]}]`);
    // What the program itself hashes: keys sorted, no blanks.
    const hook = `{"event_name":"${name}","hooks":[{"async":false,"command":${JSON.stringify(command)},"timeout":${HOOK_SECONDS},"type":"command"}]}`;
    const hash = createHash("sha256").update(hook).digest("hex");
    trusted.push(`"/<session-flags>/config.toml:${name}:0:0"={trusted_hash="sha256:${hash}"}`);
  }
  return [...flags, "-c", `hooks.state={${trusted.join(",")}}`];
}

/** The last of what a rollout file says about its turns. */
function rolloutSays(text: string): Said | null {
  for (const line of text.trimEnd().split("\n").reverse()) {
    const [, at, type] = TURN.exec(line) ?? [];
    if (at === undefined || type === undefined) continue;
    return { status: type === "task_started" ? "working" : "idle", at: Date.parse(at) };
  }
  return null;
}

const TURN = /^\{"timestamp":"([^"]+)".*"type":"event_msg","payload":\{"type":"(task_started|task_complete|turn_aborted)"/;

function start(context: LaunchContext, mode: readonly string[]) {
  const prompt = promptOf(context);
  const hooks = context.reports === null ? [] : hookFlags();
  const argv: readonly [string, ...string[]] = [...commandOf(context, ["codex"], codex.modes), ...hooks, ...mode];
  if (prompt === null || !fitsArgument(prompt) || looksLikeSubcommand(prompt)) return withPaste(argv, prompt);
  return withArgument(argv, ...(looksLikeOption(prompt) ? ["--"] : []), asText(prompt).paste);
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
