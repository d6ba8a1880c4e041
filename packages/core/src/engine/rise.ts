import { FleetError } from "../errors/index.js";
import type { Screen, Session } from "../model/index.js";
import type { AgentAdapter, Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { withoutSecrets } from "./secrets.js";
import { lastLines, lastWords } from "./setup.js";

/** A program that shows no sign of its own counts as up when it has lived this long, milliseconds. */
const LIVED_MS = 900;
/** A program that should show a ready mark and does not is taken as it is after this long, milliseconds. */
const READY_MS = 15_000;
/** A program that shows no sign of its own takes a paste when it has printed nothing for this long, milliseconds. */
const QUIET_MS = 600;
const POLL_MS = 10;
/** The first looks follow each other faster: most programs that wait for input do so within some milliseconds. */
const FIRST_POLL_MS = 2;
const GROWTH = 1.5;
/** How often it is asked whether a program waits for input, in polls, and from which poll on that seldom: it takes a look at many processes. */
const INPUT_EVERY = 4;
const OFTEN = 8;

const BLANK: Screen = { lines: [] };

/** An agent on its way up. */
interface Rising {
  readonly agent: string;
  readonly adapter: AgentAdapter;
  readonly logFile: string;
  readonly since: number;
  session: Session;
  /** Bytes the program had printed at the last look; -1 before the first. */
  printed: number;
  polls: number;
  /** What the adapter said of the last look. */
  ready: boolean | null;
  readonly resolve: (session: Session) => void;
  readonly reject: (error: unknown) => void;
}

/** Waits until an agent program is up. */
export type Riser = (session: Session, adapter: AgentAdapter, logFile: string) => Promise<Session>;

/**
 * Makes a wait for agent programs to be up: its adapter sees it ready, working or asking; or it has
 * asked for bracketed paste, or waits for input; or it has lived for a while. Answers with the session as it is then,
 * perhaps ended with 0; rejects with `AGENT_DIED` and its last words if it ended with an error first.
 *
 * However many wait, one loop serves them, and a look that costs a process is taken only at those
 * that have printed something or ended since the last.
 */
export function riser(deps: Deps, call?: Call): Riser {
  const rising = new Set<Rising>();
  let running = false;

  const run = async () => {
    running = true;
    let pause = FIRST_POLL_MS;
    try {
      while (rising.size > 0) {
        const before = deps.clock.now();
        for (const settled of await poll(deps, [...rising], call)) rising.delete(settled);
        // Those that come up need the processors as well.
        if (rising.size > 0) await deps.clock.sleep(Math.max(pause, deps.clock.now() - before), call);
        pause = Math.min(POLL_MS, pause * GROWTH);
      }
    } catch (error) {
      for (const entry of rising) entry.reject(error);
      rising.clear();
    }
    running = false;
  };

  return (session, adapter, logFile) =>
    new Promise((resolve, reject) => {
      rising.add({
        agent: session.agent ?? "",
        adapter,
        logFile,
        since: deps.clock.now(),
        session,
        printed: -1,
        polls: 0,
        ready: null,
        resolve,
        reject,
      });
      if (!running) void run();
    });
}

/** Looks once at all; answers with those that have been answered. */
async function poll(deps: Deps, rising: readonly Rising[], call?: Call): Promise<readonly Rising[]> {
  const gone = await refreshEnded(deps, rising, call);
  const left = rising.filter((entry) => !gone.includes(entry));
  const worthALook = await withNews(deps, left);
  // One that has printed nothing has a blank screen: that is known without asking.
  const printing = worthALook.filter(({ printed, session }) => printed !== 0 || session.dead);
  const screens =
    printing.length === 0
      ? new Map<string, Screen>()
      : await deps.sessions.screens(
          printing.map(({ session }) => session.id),
          { history: 200 },
          call,
        );
  const settled: Rising[] = [...gone];
  const undecided: Rising[] = [];
  for (const entry of left) {
    const screen = entry.printed === 0 && !entry.session.dead ? BLANK : (screens.get(entry.session.id) ?? null);
    if (entry.session.dead) {
      if (entry.session.exitCode === 0) entry.resolve(entry.session);
      else entry.reject(died(deps, entry.session, screen));
    } else if (worthALook.includes(entry) && looksUp(deps, entry, screen)) entry.resolve(entry.session);
    else {
      undecided.push(entry);
      continue;
    }
    settled.push(entry);
  }
  const awaits = await awaitingInput(deps, undecided, call);
  for (const entry of undecided) {
    if (!awaits.has(entry) && !(await isUp(deps, entry, worthALook.includes(entry), call))) continue;
    entry.resolve(entry.session);
    settled.push(entry);
  }
  return settled;
}

/** Asks the session server about those whose process is gone; rejects and answers with those that have no session any more. */
async function refreshEnded(deps: Deps, rising: readonly Rising[], call?: Call): Promise<readonly Rising[]> {
  const alive = await deps.processes.identify(
    rising.map(({ session }) => session.pid),
    call,
  );
  const ended = rising.filter(({ session }) => !session.dead && !alive.has(session.pid));
  if (ended.length === 0) return [];
  const sessions = new Map((await deps.sessions.list(call)).map((session) => [session.agent, session]));
  const gone = ended.filter(({ agent }) => !sessions.has(agent));
  for (const entry of ended) entry.session = sessions.get(entry.agent) ?? entry.session;
  for (const entry of gone) {
    entry.reject(
      new FleetError("AGENT_DIED", "The agent's session ended before its program was up.", { data: { exitCode: null, output: "" } }),
    );
  }
  return gone;
}

/** Those that ended or printed something since the last look; where there is no log to tell, all. */
async function withNews(deps: Deps, rising: readonly Rising[]): Promise<readonly Rising[]> {
  const stats = await Promise.all(rising.map(({ logFile }) => deps.host.files.stat(logFile)));
  return rising.filter((entry, index) => {
    const size = stats[index]?.size ?? null;
    const news = size === null || size !== entry.printed || entry.session.dead;
    entry.printed = size ?? -1;
    return news;
  });
}

/** What its adapter makes of a screen that was just looked at. */
function looksUp(deps: Deps, entry: Rising, screen: Screen | null): boolean {
  const evidence = { session: entry.session, screen, now: deps.clock.now() };
  entry.ready = entry.adapter.ready(evidence);
  const reading = entry.adapter.read(evidence);
  return entry.ready === true || (reading !== null && reading.status !== "unknown");
}

/** Those that wait for somebody to type, of those whose adapter cannot tell: asked in one go, and not at every poll. */
async function awaitingInput(deps: Deps, rising: readonly Rising[], call?: Call): Promise<ReadonlySet<Rising>> {
  const asked = rising.filter((entry) => {
    entry.polls += 1;
    return entry.ready === null && (entry.polls <= OFTEN || entry.polls % INPUT_EVERY === 1);
  });
  if (asked.length === 0) return new Set();
  const awaits = await deps.processes.awaitsInput(
    asked.map(({ session }) => session.pid),
    call,
  );
  return new Set(asked.filter(({ session }) => awaits.get(session.pid) === true));
}

async function isUp(deps: Deps, entry: Rising, looked: boolean, call?: Call): Promise<boolean> {
  // Its adapter knows what it looks like when it is up: give it time to look so.
  if (deps.clock.now() - entry.since >= (entry.ready === false ? READY_MS : LIVED_MS)) return true;
  return looked && (await deps.sessions.inputMode(entry.session, { logFile: entry.logFile }, call)).bracketedPaste === true;
}

/**
 * Waits until a program that is up takes a paste: its adapter says so, or, where none can, it has been
 * quiet for a while. Answers false if that has not come within a time that no real program needs.
 */
export async function waitUntilReady(deps: Deps, session: Session, adapter: AgentAdapter, logFile: string, call?: Call): Promise<boolean> {
  const end = deps.clock.now() + READY_MS;
  let printed = -1;
  let quietSince = deps.clock.now();
  while (deps.clock.now() < end) {
    const screen = (await deps.sessions.screens([session.id], {}, call)).get(session.id);
    if (screen === undefined) return false;
    const now = deps.clock.now();
    const ready = adapter.ready({ session, screen, now });
    if (ready === true) return true;
    const size = (await deps.host.files.stat(logFile))?.size ?? 0;
    if (size !== printed) quietSince = now;
    printed = size;
    if (ready === null && now - quietSince >= QUIET_MS) return true;
    await deps.clock.sleep(5 * POLL_MS, call);
  }
  return false;
}

function died(deps: Deps, session: Session, screen: Screen | null): FleetError {
  const shown = lastLines((screen?.lines ?? []).filter((line) => !line.startsWith("Pane is dead")).join("\n"), 10);
  const output = withoutSecrets(deps, shown);
  const words = lastWords(output);
  const how = session.exitCode === null ? "" : ` with exit code ${session.exitCode}`;
  return new FleetError("AGENT_DIED", `The agent program ended${how} before it was up${words === "" ? "." : `: ${words}`}`, {
    hint: "Run its command by hand in the repository to see why.",
    data: { exitCode: session.exitCode, output },
  });
}
