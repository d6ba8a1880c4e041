import { FleetError } from "../errors/index.js";
import type { Screen, Session } from "../model/index.js";
import type { AgentAdapter, Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { lastLines } from "./setup.js";

/** A program that shows no sign of its own counts as up when it has lived this long, milliseconds. */
const LIVED_MS = 900;
/** A program that should show a ready mark and does not is taken as it is after this long, milliseconds. */
const READY_MS = 15_000;
const POLL_MS = 15;
/** How often the terminal's mode is asked for, in polls: that costs a process for each agent. */
const MODE_EVERY = 8;

/** An agent on its way up. */
interface Rising {
  readonly agent: string;
  readonly adapter: AgentAdapter;
  readonly logFile: string;
  readonly since: number;
  polls: number;
  session: Session;
  readonly resolve: (session: Session) => void;
  readonly reject: (error: unknown) => void;
}

/** Waits until an agent program is up. */
export type Riser = (session: Session, adapter: AgentAdapter, logFile: string) => Promise<Session>;

/**
 * Makes a wait for agent programs to be up: its adapter sees it ready, working or asking; or it has
 * made the terminal its own; or it has lived for a while. Answers with the session as it is then,
 * perhaps ended with 0; rejects with `AGENT_DIED` and its last words if it ended with an error first.
 * However many wait, each poll asks for all sessions once and for all screens once.
 */
export function riser(deps: Deps, call?: Call): Riser {
  let rising: Rising[] = [];
  let running = false;

  const run = async () => {
    running = true;
    try {
      for (;;) {
        await poll(deps, rising, call);
        rising = rising.filter((entry) => !settled.has(entry));
        if (rising.length === 0) break;
        await deps.clock.sleep(POLL_MS, call);
        await refresh(deps, rising, call);
      }
    } catch (error) {
      for (const entry of rising) entry.reject(error);
      rising = [];
    }
    running = false;
  };

  return (session, adapter, logFile) =>
    new Promise((resolve, reject) => {
      rising.push({ agent: session.agent ?? "", adapter, logFile, since: deps.clock.now(), polls: 0, session, resolve, reject });
      if (!running) void run();
    });
}

/** Those that have been answered; kept apart so that an entry is answered once. */
const settled = new WeakSet<Rising>();

async function refresh(deps: Deps, rising: readonly Rising[], call?: Call): Promise<void> {
  const sessions = new Map((await deps.sessions.list(call)).map((session) => [session.agent, session]));
  for (const entry of rising) {
    const now = sessions.get(entry.agent);
    if (now !== undefined) entry.session = now;
    else {
      settled.add(entry);
      entry.reject(
        new FleetError("AGENT_DIED", "The agent's session ended before its program was up.", { data: { exitCode: null, output: "" } }),
      );
    }
  }
}

async function poll(deps: Deps, rising: readonly Rising[], call?: Call): Promise<void> {
  const open = rising.filter((entry) => !settled.has(entry));
  if (open.length === 0) return;
  const screens = await deps.sessions.screens(
    open.map(({ session }) => session.id),
    { history: 200 },
    call,
  );
  for (const entry of open) {
    const screen = screens.get(entry.session.id) ?? null;
    if (!entry.session.dead && !(await isUp(deps, entry, screen, call))) continue;
    settled.add(entry);
    if (!entry.session.dead || entry.session.exitCode === 0) entry.resolve(entry.session);
    else entry.reject(died(entry.session, screen));
  }
}

async function isUp(deps: Deps, entry: Rising, screen: Screen | null, call?: Call): Promise<boolean> {
  const evidence = { session: entry.session, screen, now: deps.clock.now() };
  const ready = entry.adapter.ready(evidence);
  if (ready === true) return true;
  const reading = entry.adapter.read(evidence);
  if (reading !== null && reading.status !== "unknown") return true;
  const age = evidence.now - entry.since;
  // Its adapter knows what it looks like when it is up: give it time to look so.
  if (ready === false) return age >= READY_MS;
  if (age >= LIVED_MS) return true;
  entry.polls += 1;
  if (entry.polls % MODE_EVERY !== 0) return false;
  return (await deps.sessions.inputMode(entry.session, { logFile: entry.logFile }, call)).bracketedPaste === true;
}

function died(session: Session, screen: Screen | null): FleetError {
  const output = lastLines((screen?.lines ?? []).filter((line) => !line.startsWith("Pane is dead")).join("\n"), 10);
  const how = session.exitCode === null ? "" : ` with exit code ${session.exitCode}`;
  return new FleetError("AGENT_DIED", `The agent program ended${how} before it was up${output === "" ? "." : `: ${output}`}`, {
    hint: "Run its command by hand in the repository to see why.",
    data: { exitCode: session.exitCode, output },
  });
}
