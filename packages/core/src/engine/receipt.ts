import type { AgentRecord, DeliveryEvidence, Session } from "../model/index.js";
import type { AgentAdapter, Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { hearOne } from "./reports.js";
import { evidenceNow } from "./styled.js";

/**
 * How long a program has to report a prompt it has read, milliseconds. After all but the last, Enter is
 * pressed again where the text still stands in the input: some programs swallow an Enter that follows a paste, or
 * a list of completions eats it.
 */
const PATIENCE_MS = [1000, 1000, 4000];
const PATIENCE_MS_PER_KB = 12;
const POLL_MS = 20;
/** An order of the program's own is no prompt, and nothing is reported of it: then it counts that the input is empty again. */
const ORDER = /^\//;

/** What became of one prompt. */
export interface Receipt {
  readonly delivery: "delivered" | "refused" | "unverified";
  /** Why it was not delivered, null if it was. */
  readonly reason: string | null;
  /** By what it is known to be delivered, null if it was not. */
  readonly evidence: DeliveryEvidence | null;
}

export const delivered = (evidence: DeliveryEvidence): Receipt => ({ delivery: "delivered", reason: null, evidence });
export const refused = (reason: string): Receipt => ({ delivery: "refused", reason, evidence: null });
export const unverified = (reason: string): Receipt => ({ delivery: "unverified", reason, evidence: null });

/** Waits for the program's own word on a prompt that was submitted. */
export type Listener = (text: string, call?: Call) => Promise<Receipt>;

/**
 * Prepares to hear of the next prompt an agent takes; null where its program reports none, or was not started
 * with its hooks.
 */
export async function listenFor(deps: Deps, record: AgentRecord, session: Session, paste: string): Promise<Listener | null> {
  const adapter = deps.adapters.get(record.adapter);
  const reader = adapter?.reports;
  const order = ORDER.test(paste);
  if (reader === undefined || (order && adapter?.draft === undefined)) return null;
  const heard = await hearOne(deps, record, session, bytesFor(paste));
  // One that has not reported anything yet may have been started without its hooks; a file of its own comes with the first prompt.
  if (adapter === null || (!heard.tells && reader.diary?.taken === undefined && reader.reportsFrom !== "prompt")) return null;
  const before = heard.taken?.at ?? 0;
  return (text, call) => listen(deps, { record, session, adapter, before, order }, text, call);
}

/** What was heard of a prompt: by what this very text was told of, or another, or nothing; `nobody`: there is nothing that could tell. */
type Word = "hook" | "transcript" | "another" | "none" | "nobody";

interface Listening {
  readonly record: AgentRecord;
  readonly session: Session;
  readonly adapter: AgentAdapter;
  readonly before: number;
  readonly order: boolean;
}

async function listen(deps: Deps, listening: Listening, text: string, call?: Call): Promise<Receipt> {
  let heard: Word = "none";
  for (const [attempt, patience] of PATIENCE_MS.entries()) {
    heard = await waitForReport(deps, listening, text, patience + (text.length / 1024) * PATIENCE_MS_PER_KB, call);
    if (heard === "hook" || heard === "transcript") return delivered(heard);
    const last = attempt === PATIENCE_MS.length - 1;
    const held = await stillHolds(deps, listening, text, call);
    if (held === null) return delivered("read");
    // In the middle of a turn a program keeps a prompt for later, and some report it only then.
    if (!held && (listening.record.status === "working" || listening.order || heard === "nobody")) return delivered("screen");
    if (last || !held) continue;
    // Enter alone, never the text again.
    if ((await deps.sessions.press(listening.session, listening.record.id, "Enter", call)) !== "sent") break;
  }
  if (heard === "another") return unverified("its program took a prompt that is not the one that was sent");
  return unverified("its program has read text and Enter, and has not said that it took a prompt");
}

/** How much of the end of a program's own file may hold a prompt as it is written there, and what follows it. */
const bytesFor = (text: string) => 65_536 + 6 * text.length;

/** The report of an earlier prompt may come first. */
async function waitForReport(
  deps: Deps,
  { record, session, before }: Listening,
  text: string,
  patience: number,
  call?: Call,
): Promise<Word> {
  const end = deps.clock.now() + patience;
  for (;;) {
    const { taken, tells } = await hearOne(deps, record, session, bytesFor(text));
    const news = taken !== null && taken.at > before;
    if (news && taken.text === text.trim()) return taken.by;
    if (deps.clock.now() >= end) return news ? "another" : tells ? "none" : "nobody";
    await deps.clock.sleep(POLL_MS, call);
  }
}

/**
 * Whether the text still stands in the input, as a draft does: only then Enter may be pressed again. Null: an order's cannot
 * be told from its echo.
 */
async function stillHolds(deps: Deps, { session, adapter, order }: Listening, text: string, call?: Call): Promise<boolean | null> {
  const evidence = await evidenceNow(deps, session, call);
  // Enter would be its answer.
  if (adapter.read(evidence)?.status === "waiting") return false;
  const draft = adapter.draft?.(evidence) ?? null;
  if (draft !== null || order) return draft;
  // A terminal shows neither marks of direction nor every blank.
  const plain = (part: string) => part.replace(/[\p{Cf}\s]/gu, "");
  const end = plain(text.trimEnd().split("\n").at(-1) ?? "").slice(-16);
  return end !== "" && (evidence.screen?.lines ?? []).slice(-12).some((line) => plain(line).includes(end));
}
