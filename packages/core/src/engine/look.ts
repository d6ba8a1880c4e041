import { type FleetError, isFleetError } from "../errors/index.js";
import { type AgentRecord, type Choice, isAlive, type Screen, type Session, type TreeSample, type Warning } from "../model/index.js";
import type { Call, Observation, ProcessScan } from "../ports/index.js";
import { known, type Sessions, unasked } from "./ask-sessions.js";
import type { Deps } from "./deps.js";
import { type Heard, hear } from "./reports.js";
import { isQuiet, readStatus } from "./status.js";

/** One agent as the machine shows it now. */
export interface Seen {
  /** With status, source, since and exit code as just read. */
  readonly record: AgentRecord;
  /** Null: none. Undefined: could not be asked. */
  readonly session: Session | null | undefined;
  /** When the look began, epoch milliseconds. */
  readonly lookedAt: number;
  /** Why it could not be asked; null where it could. */
  readonly unasked: FleetError | null;
  readonly screen: Screen | null;
  readonly question: string | null;
  readonly choices: readonly Choice[];
  /** Why it is queued, or could not be started from the queue; null where neither is so, or nobody asked. */
  readonly reason: string | null;
  readonly sample: TreeSample | null;
  /** Percent of one core. */
  readonly cpu: number | null;
}

/** Less than this between two samples says nothing about the processor. */
const SAMPLE_MS = 200;

/** What somebody who looks at agents has learnt already. */
export interface Learnt {
  /** Where these were seen before, by id: processor time and memory are taken from there instead of from all processes. */
  readonly figures?: ReadonlyMap<string, Pick<Seen, "sample" | "cpu">>;
  /** All processes, seen a moment ago. */
  readonly scan?: ProcessScan | undefined;
}

/** Looks at several agents with one question each to sessions, screens and processes. */
export async function look(
  deps: Deps,
  records: readonly AgentRecord[],
  asked: Sessions,
  warn: (warning: Warning) => void,
  call?: Call,
  learnt: Learnt = {},
): Promise<readonly Seen[]> {
  const { figures, scan } = learnt;
  const sessions = known(asked);
  const lookedAt = deps.clock.now();
  const live = records.flatMap((record) => {
    const session = sessions?.get(record.id);
    return session === undefined || session.dead ? [] : [{ record, session }];
  });
  const readable = live.filter(({ record }) => looksAtScreen(deps, record)).map(({ session }) => session.id);
  const [screens, samples, alive, last, heard] = await Promise.all([
    readable.length === 0 ? new Map<string, Screen>() : deps.sessions.screens(readable, {}, call).catch((error) => unasked(error, warn)),
    live.length === 0 || figures !== undefined
      ? new Map<number, TreeSample>()
      : deps.processes.sample(
          live.map(({ session }) => session.pid),
          { ...call, scan },
        ),
    aliveness(deps, records, sessions, call),
    deps.observations.read(),
    hear(deps, live),
  ]);
  // Without its screen a question would look like a rest: then nothing is known.
  if (isFleetError(screens)) return look(deps, records, screens, warn, call, learnt);
  const now = deps.clock.now();
  const silent = live.filter(({ record, session }) => {
    if (isQuiet(session, now)) return false;
    const screen = screens.get(session.id) ?? null;
    const adapter = deps.adapters.get(record.adapter);
    return (adapter?.reports?.said(heard.get(record.id)?.reports ?? []) ?? adapter?.read({ session, screen, now }) ?? null) === null;
  });
  const awaits = await deps.processes.awaitsInput(
    silent.map(({ session }) => session.pid),
    { ...call, scan },
  );
  return records.map((record): Seen => {
    const session = sessions === undefined ? undefined : (sessions.get(record.id) ?? null);
    const screen = session ? (screens.get(session.id) ?? null) : null;
    const earlier = figures?.get(record.id);
    const sample = session && !session.dead ? (earlier?.sample ?? samples.get(session.pid) ?? null) : null;
    const before = last.get(record.id);
    const reading = readStatus({
      record,
      session,
      screen,
      adapter: deps.adapters.get(record.adapter),
      processAlive: alive.processes.get(record.id) ?? null,
      makerAlive: alive.makers.get(record.id) ?? null,
      heard: heard.get(record.id),
      awaitsInput: session ? (awaits.get(session.pid) ?? null) : null,
      now,
    });
    const exitCode =
      session?.dead === true && record.status !== "stopped"
        ? session.exitCode
        : reading.status === record.status || !isAlive(reading.status)
          ? record.exitCode
          : null;
    const conversation = record.conversation ?? conversationOf(deps, record, heard.get(record.id));
    return {
      record: {
        ...record,
        conversation,
        status: reading.status,
        statusSource: reading.source,
        statusSince: since(record, before, reading.status, now),
        exitCode,
      },
      session,
      lookedAt,
      unasked: isFleetError(asked) ? asked : null,
      screen,
      question: reading.question ?? null,
      choices: reading.choices ?? [],
      reason: reading.status === "failed" ? (record.problem ?? null) : null,
      sample,
      cpu: sample === null ? null : earlier === undefined ? cpuOf(sample, before, now) : earlier.cpu,
    };
  });
}

/**
 * Looks at those agents alone that are not up, or were not: what the others' programs do right now does not matter to
 * whoever makes more agents. Those are as their records say.
 */
export async function lookAtFallen(
  deps: Deps,
  records: readonly AgentRecord[],
  asked: Sessions,
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<{ readonly all: readonly Seen[]; readonly looked: readonly Seen[] }> {
  const sessions = known(asked);
  const lookedAt = deps.clock.now();
  const standing = new Map<string, Seen>();
  for (const record of records) {
    const session = sessions?.get(record.id);
    if (session === undefined || session.dead || record.status === "starting" || !isAlive(record.status)) continue;
    const nothing = { unasked: null, screen: null, question: null, choices: [], reason: null, sample: null, cpu: null };
    standing.set(record.id, { record, session, lookedAt, ...nothing });
  }
  const fallen = records.filter(({ id }) => !standing.has(id));
  const looked = fallen.length === 0 ? [] : await look(deps, fallen, asked, warn, call);
  const by = new Map(looked.map((seen) => [seen.record.id, seen]));
  return { all: records.flatMap(({ id }) => standing.get(id) ?? by.get(id) ?? []), looked };
}

function conversationOf(deps: Deps, { adapter }: AgentRecord, heard: Heard | undefined): string | null {
  return deps.adapters.get(adapter)?.reports?.conversation(heard?.reports ?? []) ?? null;
}

function looksAtScreen(deps: Deps, { adapter }: AgentRecord): boolean {
  const known = deps.adapters.get(adapter);
  return known !== null && known.readsScreen !== false;
}

async function aliveness(deps: Deps, records: readonly AgentRecord[], sessions: ReadonlyMap<string, Session> | undefined, call?: Call) {
  const processes = new Map<string, boolean>();
  const makers = new Map<string, boolean>();
  const asked = records.flatMap((record) => {
    const maker = record.status === "starting" && record.maker !== null ? [{ id: record.id, who: record.maker, into: makers }] : [];
    const orphan = sessions !== undefined && !sessions.has(record.id) && record.process !== null;
    return orphan && record.process !== null ? [...maker, { id: record.id, who: record.process, into: processes }] : maker;
  });
  if (asked.length > 0) {
    const found = await deps.processes.identify(
      asked.map(({ who }) => who.pid),
      call,
    );
    for (const { id, who, into } of asked) {
      const other = found.get(who.pid);
      into.set(id, other !== undefined && other.start === who.start && other.boot === who.boot);
    }
  }
  // A record that never got a process has none to lose.
  for (const record of records) if (record.process === null && !processes.has(record.id)) processes.set(record.id, false);
  return { processes, makers };
}

function since(record: AgentRecord, before: Observation | undefined, status: string, now: number): string {
  if (before !== undefined && before.status === status && before.since >= record.statusSince) return before.since;
  return record.status === status ? record.statusSince : new Date(now).toISOString();
}

/** Percent of one core since it was last observed, else over its life. */
export function cpuOf(sample: TreeSample, before: Observation | undefined, now: number): number {
  if (before?.cpuMs !== null && before !== undefined && now - before.at >= SAMPLE_MS && sample.cpuMs >= before.cpuMs) {
    return round((100 * (sample.cpuMs - before.cpuMs)) / (now - before.at));
  }
  return sample.ageMs <= 0 ? 0 : round((100 * sample.cpuMs) / sample.ageMs);
}

function round(percent: number): number {
  return Math.round(percent * 10) / 10;
}
