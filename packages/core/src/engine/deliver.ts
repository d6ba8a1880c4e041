import { basename } from "node:path";
import { FleetError, isFleetError, toFleetError } from "../errors/index.js";
import type { AgentRecord, Session } from "../model/index.js";
import type { AgentAdapter, Call, Foreground, InputMode, Typed } from "../ports/index.js";
import { askSessions } from "./ask-sessions.js";
import type { Deps } from "./deps.js";
import { logFileOf } from "./logs.js";
import { look, type Seen } from "./look.js";
import { delivered, listenFor, type Receipt, refused, unverified } from "./receipt.js";
import { hearOne, isRising, isYoung } from "./reports.js";
import { evidenceNow } from "./styled.js";
import { noteTyped, wasTypedSince } from "./typed.js";

const SHELLS = new Set(["sh", "bash", "zsh", "fish", "dash", "ksh", "mksh", "csh", "tcsh", "nu", "pwsh", "xonsh", "elvish", "ash"]);
/** A kernel line buffer cuts lines longer than this, bytes. */
const LINE_BYTES = 4095;
const POLL_MS = 10;
/** After another prompt a program is looked at when it has printed nothing for so long, or after so long at most, milliseconds. */
const QUIET_MS = 200;
const QUIET_MOST_MS = 2000;
/** A prompt that was just submitted stands in the input for a moment longer; a draft stays. */
const DRAFT_LOOKS = 3;
const DRAFT_MS = 250;
/** A program that has shown its input for so long takes what is pasted, also where it has not said so, milliseconds. */
const SHOWN_MS = 5000;
/** One whose screen alone tells that it is up still asks its terminal for this and that when it shows its input, milliseconds. */
const SETTLES_MS = 2500;
const RISING_POLL_MS = 100;
/** How long a program has to read a paste: some milliseconds, and more for much text. */
const READ_MS = 5000;
const READ_MS_PER_KB = 10;

const HELD = "an earlier prompt was typed into it and never submitted; attach, and submit or clear that text first";
const CUT_OFF = "it was submitted, and the wait for it to be read was interrupted";

/** Throws `PROMPT_REFUSED` for a text that no terminal could take as a prompt. */
export function checkPromptText(text: string): void {
  if (text.trim() === "") throw new FleetError("USAGE", "The prompt is empty.", { hint: "Say what the agent is to do." });
  // Half a character has no bytes: something else would arrive.
  const half = /[\ud800-\udfff]/u.exec(text);
  if (half !== null) {
    throw new FleetError("PROMPT_REFUSED", `The prompt holds half a character (a lone surrogate) at position ${half.index}.`, {
      hint: "Mend the text: it would not arrive as it is.",
      data: { position: half.index },
    });
  }
  const control = /[\u0000-\u0008\u000b-\u001f\u007f\u0080-\u009f]/.exec(text);
  if (control === null) return;
  const code = control[0].charCodeAt(0).toString(16).padStart(2, "0");
  throw new FleetError("PROMPT_REFUSED", `The prompt holds the control character 0x${code} at position ${control.index}.`, {
    hint: "Only newline and tab are allowed: another would be a key press in the agent's terminal.",
    data: { position: control.index },
  });
}

/**
 * Gives a prompt to a live agent: looks what would take it, pastes, sees that the program read it,
 * presses Enter, sees that it read that. Never types twice, and nothing after a text that nobody submitted.
 */
export async function deliver(
  deps: Deps,
  { record, session, unasked = null, lookedAt }: Pick<Seen, "record" | "session"> & Partial<Pick<Seen, "unasked" | "lookedAt">>,
  text: string,
  call?: Call,
): Promise<Receipt> {
  const why = unfit({ record, session, unasked });
  if (why !== null || !session) return refused(why ?? "it has no session");
  const seenAt = lookedAt ?? deps.clock.now();
  // Two prompts at the same time must not become one.
  return deps.locks.hold(
    `${deps.paths.run}/prompt-${record.id}`,
    async ({ waited }) => {
      // One that had the lock may have typed, or pressed a key, after the agent was looked at.
      if (!waited && !(await wasTypedSince(deps, record.id, seenAt))) return type(deps, record, session, text, call);
      // The prompt before may have opened a question, or ended the program: it is given the time to show it.
      await waitUntilQuiet(deps, record.id, call);
      const [now] = await look(deps, [record], await askSessions(deps, () => {}, call), () => {}, call);
      const whyNow = now === undefined ? null : unfit(now);
      return whyNow !== null || !now?.session ? refused(whyNow ?? "it has no session") : type(deps, record, now.session, text, call);
    },
    { timeoutMs: 30_000 },
    call,
  );
}

/** Waits until the agent has printed nothing for a moment. */
async function waitUntilQuiet(deps: Deps, id: string, call?: Call): Promise<void> {
  const { files } = deps.host;
  const end = deps.clock.now() + QUIET_MOST_MS;
  let printed: number | undefined = -1;
  let since = deps.clock.now();
  for (let now = since; now < end && now - since < QUIET_MS; now = deps.clock.now()) {
    const size = (await files.stat(logFileOf(deps, id)))?.size;
    if (size !== printed) since = now;
    printed = size;
    await deps.clock.sleep(POLL_MS, call);
  }
}

/** Why nothing may be typed into that agent's terminal as it was seen, null if it may. */
function unfit({ record, session, unasked }: Pick<Seen, "record" | "session" | "unasked">): string | null {
  if (session === undefined) return `its session could not be asked for (${unasked?.message.replace(/\.$/, "") ?? "no answer"})`;
  if (record.status === "queued") return "it is queued, and its program does not run yet";
  if (session === null || session.dead) return `its program does not run (${record.status})`;
  if (record.status === "waiting") return "it asks a question; answer that first";
  return record.status === "starting" ? "it is still being started" : null;
}

async function type(deps: Deps, record: AgentRecord, session: Session, text: string, call?: Call): Promise<Receipt> {
  const [front, mode] = await Promise.all([
    deps.processes.foreground(session.pid, call),
    deps.sessions.inputMode(session, { logFile: logFileOf(deps, record.id) }, call),
  ]);
  const why = whyNot(front, mode, text);
  if (why !== null) return refused(why);
  const adapter = deps.adapters.get(record.adapter);
  if (adapter !== null) await waitUntilRisen(deps, record, session, adapter, call);
  if (await isDrafted(deps, adapter, session, call)) return refused("somebody is typing into it, and it would become one text with theirs");

  const { paste, taken, loses }: Typed = adapter?.typed?.(text) ?? { paste: text, taken: text };
  if (loses !== undefined) return refused(`its program would drop ${loses}, and another text would arrive`);
  const told = await listenFor(deps, record, session, paste);
  const before = await bytesRead(deps, session, call);
  await noteTyped(deps, record.id);
  // What has begun is brought to its Enter, whatever the caller's signal says: the text could not be taken back.
  const sent = await attempt(() => deps.sessions.paste(session, record.id, paste), "it may stand in its input, not submitted");
  if (typeof sent !== "string") return sent;
  if (sent === "held") return refused(HELD);
  if (sent !== "sent") return refused("its program ended meanwhile");
  const bytes = Buffer.byteLength(paste);
  const readMs = READ_MS + (bytes / 1024) * READ_MS_PER_KB;
  // A line-buffered terminal hands nothing over before Enter: there both are seen together.
  const together = mode.canonical === true;
  if (!together && before !== null && !(await waitForRead(deps, session, before + bytes, readMs))) {
    return unverified("the text is in the agent's terminal, but its program has not read it; it was not submitted");
  }
  await deps.clock.sleep(adapter?.submitDelayMs ?? 0);
  const atEnter = together ? before : await bytesRead(deps, session);
  const entered = await attempt(() => deps.sessions.submit(session, record.id), "it was typed, and may not be submitted");
  if (typeof entered !== "string") return entered;
  if (entered !== "sent") return unverified("its program ended before the text was submitted");
  if (atEnter === null) return unverified("this system does not show whether the program read it");
  try {
    if (await waitForRead(deps, session, atEnter + (together ? bytes : 0) + 1, readMs, call)) {
      return told === null ? delivered("read") : await told(taken, call);
    }
    const ended = (await bytesRead(deps, session, call)) === null;
    return unverified(ended ? "its program ended before it was seen to read it" : "the program has not read the Enter key");
  } catch (error) {
    if (isFleetError(error, "INTERRUPTED")) return unverified(CUT_OFF);
    return unverified(`it was submitted, and then ${sentence(error)}`);
  }
}

/** Does what changes the agent's input. Whoever is not told whether it was done must not do it again: that is no failure, but a thing unknown. */
async function attempt<T extends string>(work: () => Promise<T>, left: string): Promise<T | Receipt> {
  try {
    return await work();
  } catch (error) {
    return unverified(`${sentence(error)}; ${left}`);
  }
}

function sentence(error: unknown): string {
  return toFleetError(error).message.replace(/\.$/, "");
}

/** Waits until a program that announces itself has done so and shows its input: what it is given before is lost. */
async function waitUntilRisen(deps: Deps, record: AgentRecord, session: Session, adapter: AgentAdapter, call?: Call): Promise<void> {
  let shownSince: number | null = null;
  for (let now = deps.clock.now(); adapter.reports?.announces !== undefined && isYoung(session, now); now = deps.clock.now()) {
    const heard = await hearOne(deps, record, session);
    if (!heard.equipped && adapter.reports.announces !== "screen") return;
    const screen = (await deps.sessions.screens([session.id], {}, call)).get(session.id) ?? null;
    const evidence = { session, screen, now };
    const shown = adapter.ready(evidence) === true || adapter.read(evidence) !== null;
    shownSince = shown ? (shownSince ?? now) : null;
    const since = now - (shownSince ?? now);
    const quiet = Math.max(since, now - session.activityAt);
    const settled = adapter.reports.announces !== "screen" || quiet >= SETTLES_MS;
    if (shown && settled && !isRising(adapter, session, heard, shown, now)) return;
    // Its reports may have been turned off.
    if (since >= SHOWN_MS) return;
    await deps.clock.sleep(RISING_POLL_MS, call);
  }
}

/** Whether a person's unsent text stands in the input. */
async function isDrafted(deps: Deps, adapter: AgentAdapter | null, session: Session, call?: Call): Promise<boolean> {
  if (adapter?.draft === undefined) return false;
  for (let look = 0; look < DRAFT_LOOKS; look++) {
    if (look > 0) await deps.clock.sleep(DRAFT_MS, call);
    if (adapter.draft(await evidenceNow(deps, session, call)) !== true) return false;
  }
  return true;
}

/** Why this text must not be typed into that terminal, null if it may. Pure. */
function whyNot(front: Foreground | null, mode: InputMode, text: string): string | null {
  if (front !== null && isShell(front.argv)) return "a shell is in the foreground, which would run the prompt as commands";
  if (text.includes("\n") && mode.bracketedPaste !== true) {
    return "its program takes no bracketed paste: each line would be submitted as a prompt of its own";
  }
  if (mode.canonical === true && text.split("\n").some((line) => Buffer.byteLength(line) > LINE_BYTES)) {
    return `its terminal is line-buffered and would cut a line over ${LINE_BYTES} bytes`;
  }
  return null;
}

/** An interactive shell: a shell that was given neither a script nor a command. */
function isShell(argv: readonly string[]): boolean {
  const [program, ...rest] = argv;
  if (program === undefined || !SHELLS.has(basename(program).replace(/^-/, ""))) return false;
  return rest.every((argument) => argument.startsWith("-") && !/^-[a-z]*c/.test(argument));
}

/** Bytes the agent's processes have read so far, null where the system does not say. */
async function bytesRead(deps: Deps, session: Session, call?: Call): Promise<number | null> {
  return deps.processes.bytesRead(session.pid, call);
}

async function waitForRead(deps: Deps, session: Session, atLeast: number, timeoutMs: number, call?: Call): Promise<boolean> {
  const end = deps.clock.now() + timeoutMs;
  for (;;) {
    const now = await bytesRead(deps, session, call);
    // A program that has ended reads no more.
    if (now === null) return false;
    if (now >= atLeast) return true;
    if (deps.clock.now() >= end) return false;
    await deps.clock.sleep(POLL_MS, call);
  }
}
