import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Choice, StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext, ReportReader, Said, Typed } from "../ports/index.js";
import { hasSibling, lastChoices } from "./dialog.js";
import { commandOf, fitsArgument, looksLikeOption, promptOf, withArgument, withoutMarks, withPaste } from "./launch.js";
import { IDLE, isRule, unframed, visibleLines, WORKING, waiting } from "./screen.js";

/**
 * Gemini CLI: `gemini [flags] -i PROMPT`, `gemini [flags] --resume ID -i PROMPT`. Tells what it does in its title, and which
 * prompts it took in the file of its conversation, whose id is chosen here. It has no hooks of one session alone: settings
 * beside the user's own must belong to root.
 */
export const gemini: AgentAdapter = {
  name: "gemini",
  title: "Gemini CLI",
  program: "gemini",
  versionArgs: ["--version"],
  launch(context) {
    if (context.flags.some((flag) => CHOSEN.test(flag))) return start(context, []);
    const conversation = conversationOf(context.id);
    return { ...start(context, ["--session-id", conversation]), conversation };
  },
  resume: (context) => start(context, ["--resume", context.conversation ?? "latest"]),
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
  // An Enter that follows a paste at once is swallowed.
  submitDelayMs: 400,
  typed,
  draft: isDrafted,
  modes: {
    ask: ["--approval-mode", "default"],
    edit: ["--approval-mode", "auto_edit"],
    yolo: ["--approval-mode", "yolo"],
  },
  reports: {
    announces: "screen",
    said: () => null,
    conversation: () => null,
    taken: () => null,
    // The title does, and a question is on the screen.
    silent: ["working>idle", "working>waiting"],
    diary: { path: transcriptOf, said: takenUp, taken: lastPrompt },
  },
};

const CHOSEN = /^(--session-id|--session-file|--resume|-r)(=|$)/;

/** Ids are random, and this one's digest is: one conversation for one agent. */
function conversationOf(id: string): string {
  const hex = createHash("sha256").update(`aifleet:${id}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}

type Diary = NonNullable<ReportReader["diary"]>;

/** It keeps conversations by folder, under a short name that it chose for the folder. */
async function transcriptOf(...[{ worktree, conversation, env }, files]: Parameters<Diary["path"]>): Promise<string | null> {
  const home = env.GEMINI_CLI_HOME ?? env.HOME;
  if (home === undefined || conversation === null) return null;
  const { projects } = JSON.parse((await files.read(join(home, ".gemini", "projects.json"))) ?? "{}") as {
    projects?: Record<string, unknown>;
  };
  const name = projects?.[worktree];
  if (typeof name !== "string" || !/^[\w.-]+$/.test(name) || name.startsWith(".")) return null;
  const chats = join(home, ".gemini", "tmp", name, "chats");
  const end = `-${conversation.slice(0, 8)}.jsonl`;
  const found = ((await files.list(chats)) ?? []).filter(({ name }) => name.startsWith("session-") && name.endsWith(end));
  // Taken up again, it goes on in the file it had, beside a new one that stays empty.
  const [last] = found.sort((a, b) => b.modifiedAt - a.modifiedAt);
  return last === undefined ? null : join(chats, last.name);
}

/** With a long prompt it is busy before its title says that it works: so long for each character, milliseconds. */
const SLOW_MS = 0.2;
/** The same for one of which only the end was read. */
const SLOWEST_MS = 90_000;
const ROW = /^\{"id":"[^"]*","timestamp":"([^"]+)","type":"(\w+)"/;
const UPDATED = /^\{"\$set":\{"lastUpdated":"([^"]+)"\}\}$/;

/** A prompt that it has taken and not yet answered is work, whatever its title says, until it had the time to say so. */
function takenUp(text: string): Said | null {
  let updated: string | undefined;
  for (const line of text.trimEnd().split("\n").reverse()) {
    const [, at] = UPDATED.exec(line) ?? [];
    if (at !== undefined) {
      updated ??= at;
      continue;
    }
    const [, since, type] = ROW.exec(line) ?? [];
    if (since !== undefined) return type === "user" ? { status: "working", at: Date.parse(since) + line.length * SLOW_MS } : null;
    // The user's rows end with their parts, the program's own with what they cost.
    const isCut = !line.startsWith('{"') && line.endsWith('"}]}') && updated !== undefined;
    return isCut ? { status: "working", at: Date.parse(String(updated)) + SLOWEST_MS } : null;
  }
  return null;
}

/** The last row of the user's own; what the program adds in its user's name starts with a tag. */
function lastPrompt(text: string): { readonly text: string; readonly at: number } | null {
  for (const line of text.trimEnd().split("\n").reverse()) {
    if (!line.includes('"type":"user"') || line.startsWith('{"$set"')) continue;
    try {
      const { timestamp, type, content, displayContent } = JSON.parse(line) as Readonly<Record<string, unknown>>;
      // What an `@file` was made to stands in the one, what was typed in the other.
      const shown = displayContent ?? content;
      const first: unknown = Array.isArray(shown) ? (shown[0] as { text?: unknown } | undefined)?.text : shown;
      if (type === "user" && typeof first === "string" && !/^<(session|hook)_context>/.test(first)) {
        return { text: first.trim(), at: Date.parse(String(timestamp)) };
      }
    } catch {
      // Cut at its start: an earlier one than what is looked for.
    }
  }
  return null;
}

function start(context: LaunchContext, mode: readonly string[]) {
  const prompt = promptOf(context);
  const argv: readonly [string, ...string[]] = [...commandOf(context, ["gemini"], gemini.modes), ...mode];
  if (prompt === null || !fitsArgument(prompt) || looksLikeOption(prompt)) return withPaste(argv, prompt);
  return withArgument(argv, "-i", prompt);
}

/** A blank closes the list of completions that a last `@word` or an order opens, which would eat Enter; it takes blanks off again. */
function typed(prompt: string): Typed {
  const taken = prompt.trim();
  return withoutMarks(prompt, { paste: /^\/|(^|\s)@\S*$/.test(taken) ? `${taken} ` : prompt, taken });
}

const POINTER = /^[\s│]*● \d+\.\s/;
const OPENER = /^(Do you|Apply this change|Allow |How would you)/;
const INPUT = /^[\s│]*[>*!](\s|$)/;
const EMPTY = /^[\s│]*[>*]\s+Type your message/;
/** A hint stands between the rule above the input and the input. */
const HINT_ROWS = 5;

/** The first row of the input, -1 where there is none: below the last rule or frame that is drawn above it. */
function inputRow(lines: readonly string[]): number {
  const top = lines.findLastIndex(
    (line, at) => (isRule(line) || /^╭/.test(line)) && lines.slice(at + 1, at + 1 + HINT_ROWS).some((next) => INPUT.test(next)),
  );
  return top === -1 ? -1 : lines.findIndex((line, at) => at > top && INPUT.test(line));
}

/** In shell mode a prompt would be run. */
function isDrafted({ screen }: Evidence): boolean | null {
  if (screen === null) return null;
  const lines = visibleLines(screen);
  const row = inputRow(lines);
  return row === -1 ? null : !EMPTY.test(lines[row] ?? "");
}

function look(evidence: Evidence): { readonly reading: StatusReading | null; readonly ready: boolean } | null {
  if (evidence.screen === null) return null;
  const lines = visibleLines(evidence.screen);
  const title = evidence.session.title;
  const input = inputRow(lines);
  // Trust and login dialogs keep the title `Ready`, so the screen has the first word.
  const dialog = openDialog(lines.slice(Math.max(input + 1, frameTop(lines))));
  if (title.startsWith("✋") || dialog !== null) {
    return { reading: waiting(dialog?.question ?? null, dialog?.choices), ready: false };
  }
  if (title.startsWith("✦")) return { reading: WORKING, ready: true };
  if (title.startsWith("◇") && input !== -1) return { reading: IDLE, ready: true };
  return { reading: null, ready: input !== -1 && EMPTY.test(lines[input] ?? "") };
}

/** Where the frame of a dialog starts: frames within it are indented by its border. */
const frameTop = (lines: readonly string[]) =>
  Math.max(
    0,
    lines.findLastIndex((line) => /^ ?╭/.test(line)),
  );

/** The choices of a dialog and what they are about: a question about a tool names no more than its kind, what it would do stands above. */
function openDialog(lines: readonly string[]): { readonly question: string | null; readonly choices: readonly Choice[] } | null {
  const found = lastChoices(lines, POINTER, OPENER);
  if (found === null || !hasSibling(lines, found.row)) return null;
  const { question, choices, row } = found;
  if (question === null || !/^(Allow execution|Apply this)/.test(question)) return { question, choices };
  const what = lines.slice(0, row).flatMap((line) => SUBJECT.exec(unframed(line))?.[1] ?? []);
  return { question: [question, ...what.slice(-1)].join(" "), choices };
}

const SUBJECT = /^\? +\S+ +(\S.*)$/;
