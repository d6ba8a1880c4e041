import { FleetError } from "../errors/index.js";
import type { AgentRecord, Choice, Session } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { answerFileOf } from "./logs.js";
import type { Seen } from "./look.js";
import { look } from "./look.js";

/** What became of one answer. */
export interface Answered {
  readonly question: string | null;
  readonly choice: string | null;
  readonly outcome: "answered" | "refused" | "unverified";
  readonly reason: string | null;
}

/** How long a dialog has to go away once its keys are pressed, milliseconds. */
const GONE_MS = 3000;
/** How long a dialog has to stand once its program has said that it asks, milliseconds. */
const STANDS_MS = 2000;
const POLL_MS = 30;
const YES = /^(yes|allow|approve|proceed|accept|ok)\b/i;
const NO = /^(no|reject|deny|decline|cancel|don.t)\b/i;

/**
 * Answers the open question of one agent: looks at it anew, finds the choice, presses its keys, sees that
 * the question is gone. Nothing is pressed where the agent asks something else than `expected` by now.
 */
export async function answer(deps: Deps, seen: Seen, wanted: string, expected: string | null, call?: Call): Promise<Answered> {
  const { record, session } = seen;
  if (session === undefined || session === null || session.dead) return refused(null, `its program does not run (${record.status})`);
  // A prompt that is being delivered and an answer must not meet.
  return deps.locks.hold(
    `${deps.paths.run}/prompt-${record.id}`,
    () => press(deps, record, session, wanted, expected, call),
    { timeoutMs: 30_000 },
    call,
  );
}

async function press(
  deps: Deps,
  record: AgentRecord,
  session: Session,
  wanted: string,
  expected: string | null,
  call?: Call,
): Promise<Answered> {
  const now = await askWithChoices(deps, record, session, call);
  if (now.record.status !== "waiting") return refused(null, `it asks nothing (${now.record.status})`);
  const { question } = now;
  if (expected !== null && question !== expected) return refused(question, "it asks something else by now");
  const choice = pickChoice(now.choices, wanted);
  if (typeof choice === "string") return refused(question, choice);
  const sent = await deps.sessions.press(session, record.id, choice.keys, call);
  if (sent !== "sent") return refused(question, "its program ended meanwhile");
  const gone = await waitUntilGone(deps, record, session, now, call);
  const result: Answered = {
    question,
    choice: choice.label,
    outcome: gone ? "answered" : "unverified",
    reason: gone ? null : "the keys were pressed, and the question is still there",
  };
  await note(deps, record, result);
  return result;
}

/**
 * The choice that is meant: by number, by `yes` or `no`, or by the start of what the program words. A
 * sentence where there is none, or more than one.
 */
export function pickChoice(choices: readonly Choice[], wanted: string): Choice | string {
  if (choices.length === 0) return "its choices could not be read; attach and answer there";
  const offered = choices.map(({ label }, at) => `${at + 1} ${label}`).join(", ");
  const word = wanted.trim();
  if (/^\d+$/.test(word)) return choices[Number(word) - 1] ?? `it has no choice ${word}: ${offered}`;
  const kind = /^y(es)?$/i.test(word) ? YES : /^no?$/i.test(word) ? NO : null;
  const found = choices.filter(({ label }) => (kind === null ? label.toLowerCase().startsWith(word.toLowerCase()) : kind.test(label)));
  const exact = found.filter(({ label }) => label.toLowerCase() === word.toLowerCase());
  // The first yes is the plain one: those after it grant more.
  const [first, second] = exact.length > 0 ? exact : kind === null ? found : found.slice(0, 1);
  if (first === undefined || word === "") return `it has no choice "${wanted}": ${offered}`;
  return second === undefined ? first : `"${wanted}" could be several of its choices: ${offered}`;
}

/** Gone: it waits for nothing, or for something else, or the text above the question has moved on. */
async function waitUntilGone(deps: Deps, record: AgentRecord, session: Session, before: Seen, call?: Call): Promise<boolean> {
  const end = deps.clock.now() + GONE_MS;
  for (;;) {
    await deps.clock.sleep(POLL_MS, call);
    const now = await ask(deps, record, session, call);
    if (now.record.status !== "waiting" || now.question !== before.question) return true;
    if (above(now) !== above(before)) return true;
    if (deps.clock.now() >= end) return false;
  }
}

/** The screen down to the question: the choices move while they are chosen from. */
function above({ screen, question }: Seen): string {
  const lines = screen?.lines ?? [];
  const row = question === null ? -1 : lines.findLastIndex((line) => line.includes(question.slice(0, 20)));
  return lines.slice(0, row === -1 ? 0 : row).join("\n");
}

/** A program may say that it asks a moment before its dialog stands. */
async function askWithChoices(deps: Deps, record: AgentRecord, session: Session, call?: Call): Promise<Seen> {
  const end = deps.clock.now() + STANDS_MS;
  for (;;) {
    const now = await ask(deps, record, session, call);
    const shown = now.record.statusSource === "screen" || now.choices.length > 0;
    if (now.record.status !== "waiting" || shown || deps.clock.now() >= end) return now;
    await deps.clock.sleep(POLL_MS, call);
  }
}

async function ask(deps: Deps, record: AgentRecord, session: Session, call?: Call): Promise<Seen> {
  const sessions = await deps.sessions.list(call);
  const own = sessions.filter(({ agent }) => agent === record.id);
  const [seen] = await look(deps, [record], new Map(own.map((one) => [record.id, one])), () => {}, call);
  if (seen !== undefined && seen.unasked !== null) throw seen.unasked;
  if (seen === undefined || own[0]?.id !== session.id) throw new FleetError("DRIVER_FAILED", `The session of ${record.branch} changed.`);
  return seen;
}

/** Who answered what, beside the agent's log. */
async function note(deps: Deps, record: AgentRecord, result: Answered): Promise<void> {
  const row = { at: new Date(deps.clock.now()).toISOString(), branch: record.branch, ...result };
  await deps.host.files.append(answerFileOf(deps, record.id), `${JSON.stringify(row)}\n`);
}

function refused(question: string | null, reason: string): Answered {
  return { question, choice: null, outcome: "refused", reason };
}
