import type { AgentRecord, Session } from "../model/index.js";
import type { Call, ReportReader } from "../ports/index.js";
import type { Receipt } from "./deliver.js";
import type { Deps } from "./deps.js";
import { hearOne } from "./reports.js";

/**
 * How long a program has to report a prompt it has read, milliseconds. After all but the last, Enter is
 * pressed again where the text still stands in the input: some programs swallow an Enter that follows a paste, or
 * a list of completions eats it.
 */
const PATIENCE_MS = [1000, 1000, 4000];
const PATIENCE_MS_PER_KB = 12;
const POLL_MS = 20;
const ORDER = /^[/!]/;

/** Waits for the program's own word on a prompt that was submitted. */
export type Listener = (text: string, call?: Call) => Promise<Receipt>;

/**
 * Prepares to hear of the next prompt an agent takes; null where its program reports none, or reports it
 * only later, as one in the middle of a turn does.
 */
export async function listenFor(deps: Deps, record: AgentRecord, session: Session, paste: string): Promise<Listener | null> {
  const reader = deps.adapters.get(record.adapter)?.reports;
  // An order of the program's own is no prompt, and nothing is reported of it.
  if (reader === undefined || ORDER.test(paste)) return null;
  const { reports } = await hearOne(deps, record, session);
  // One that has not reported anything yet may have been started without its hooks.
  if (reports.length === 0 || record.status === "working") return null;
  const before = reader.taken(reports)?.at ?? 0;
  return (text, call) => listen(deps, { record, session, reader, before }, text, call);
}

interface Listening {
  readonly record: AgentRecord;
  readonly session: Session;
  readonly reader: ReportReader;
  readonly before: number;
}

async function listen(deps: Deps, listening: Listening, text: string, call?: Call): Promise<Receipt> {
  for (const [attempt, patience] of PATIENCE_MS.entries()) {
    const taken = await waitForReport(deps, listening, patience + (text.length / 1024) * PATIENCE_MS_PER_KB, call);
    if (taken === text.trim()) return { delivery: "delivered", reason: null };
    if (taken !== null) return { delivery: "unverified", reason: "its program took a prompt that is not the one that was sent" };
    const last = attempt === PATIENCE_MS.length - 1;
    // Enter alone, never the text again.
    if (last || !(await stillHolds(deps, listening, text, call))) continue;
    if ((await deps.sessions.press(listening.session, listening.record.id, "Enter", call)) !== "sent") break;
  }
  return { delivery: "unverified", reason: "its program has read text and Enter, and has not said that it took a prompt" };
}

async function waitForReport(
  deps: Deps,
  { record, session, reader, before }: Listening,
  patience: number,
  call?: Call,
): Promise<string | null> {
  const end = deps.clock.now() + patience;
  for (;;) {
    const taken = reader.taken((await hearOne(deps, record, session)).reports);
    if (taken !== null && taken.at > before) return taken.text;
    if (deps.clock.now() >= end) return null;
    await deps.clock.sleep(POLL_MS, call);
  }
}

/** Whether the end of the text still stands on the screen's last rows, as a draft does: only then Enter may be pressed again. */
async function stillHolds(deps: Deps, { session }: Listening, text: string, call?: Call): Promise<boolean> {
  const screen = (await deps.sessions.screens([session.id], {}, call)).get(session.id);
  const end = text.trimEnd().split("\n").at(-1)?.slice(-20) ?? "";
  return end !== "" && (screen?.lines ?? []).slice(-12).some((line) => line.includes(end));
}
