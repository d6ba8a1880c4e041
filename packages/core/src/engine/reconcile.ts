import { isDeepStrictEqual } from "node:util";
import { type AgentRecord, isEnded, type Session, type Warning } from "../model/index.js";
import type { Call, Observation, ProcessScan } from "../ports/index.js";
import { askSessions, findSessions, known, type Sessions } from "./ask-sessions.js";
import type { Deps } from "./deps.js";
import { discoverRepositories } from "./discover.js";
import { look, lookAtFallen, type Seen } from "./look.js";
import { corrected, type Marked, ownMarks, readMarked, recordOf, withoutMark } from "./marked.js";
import { writeMirror } from "./mirror.js";
import { readEntries } from "./queued/entries.js";
import { asQueued, lostToRegistry, tellBrokenEntries } from "./queued/settle.js";
import { wakeStarter } from "./queued/wake.js";
import { withReasons } from "./queued/why.js";
import { recover } from "./recover.js";
import { sweep } from "./sweep.js";
import { mendIfPossible } from "./unwritable.js";
import { wakeCourier } from "./wake-courier.js";
import { type Warm, warmAmong } from "./warm/marks.js";

/** Observations older than this are of agents that are gone, milliseconds. */
const KEEP_MS = 7 * 24 * 3600 * 1000;

/** The fleet as it is. */
export interface Reconciled {
  readonly agents: readonly Seen[];
  /** Every marked session, or why they could not be asked for. */
  readonly sessions: Sessions;
}

/** The fleet as it is, with all that lies ready for it. */
export interface Surveyed extends Reconciled {
  /** The worktrees of the pool, as their marks say. */
  readonly warm: readonly Warm[];
}

/** Which agents to reconcile: of one repository by its common git directory, or of all of this home. */
export interface Scope {
  readonly commonDir: string | null;
}

/** How closely to look: at what every program does; the same without what it takes of processor and memory; or only at whether agents are there. */
export type Closeness = "doing" | "saying" | "being";

/**
 * Compares records, sessions and worktrees and brings the registry in line with the two that are the
 * truth. Level-triggered and idempotent: every command starts with it. Ends nothing, deletes nothing.
 */
export async function reconcile(
  deps: Deps,
  scope: Scope,
  warn: (warning: Warning) => void,
  call?: Call,
  closeness: Closeness = "doing",
): Promise<Surveyed> {
  await recover(deps, warn);
  const reading = deps.store.read(call);
  // Their server answers while this process reads files.
  const asking = askSessions(deps, warn, call);
  asking.catch(() => undefined);
  const snapshot = await reading;
  for (const problem of snapshot.problems) warn({ code: "STATE_HEALED", message: problem });
  await afterWhatIsUnderWay();
  // After the registry and before the marks: one that is started meanwhile is found in one of them.
  const queued = await readEntries(deps);
  tellBrokenEntries(queued, deps.paths.queue, warn);
  const places = scope.commonDir === null ? await discoverRepositories(deps, snapshot) : [scope.commonDir];
  const marks = new Map<string, readonly Marked[] | null>();
  for (const place of places) marks.set(place, await readMarked(deps, place));
  await sweep(deps, places);
  const isLookedAt = closeness === "doing" && snapshot.agents.some(({ status }) => !isEnded(status));
  const scan = isLookedAt ? await scanned(deps, call) : undefined;
  const found = await findSessions(deps, snapshot.agents, await asking, warn, call);
  const sessions = known(found);
  const own = ownMarks([...marks.values()].flatMap((list) => list ?? []));

  const inScope = snapshot.agents.filter((record) => scope.commonDir === null || record.commonDir === scope.commonDir);
  const kept: AgentRecord[] = [];
  const abandoned = await withDeadMaker(deps, inScope, call);
  for (const record of inScope) {
    const { id, commonDir } = record;
    const waiting = await asQueued(deps, record, queued.entries.get(id), { hasMark: own.has(id), abandoned: abandoned.has(id) });
    const here = marks.get(commonDir) ?? null;
    const there = waiting === undefined ? await findAgain(deps, record, { own, here }, sessions, abandoned, warn) : waiting;
    if (there !== null) kept.push(there);
  }
  const ids = new Set(inScope.map((record) => record.id));
  const elsewhere = new Set(snapshot.agents.map((record) => record.id));
  const adopted = [
    ...[...own].flatMap(([id, marked]) => (ids.has(id) ? [] : adopt(marked, elsewhere.has(id), sessions?.get(id)))),
    ...lostToRegistry(queued, elsewhere, (id) => own.has(id), scope.commonDir),
  ];
  tellBroken([...marks.values()], kept, warn);

  const all = [...kept, ...adopted];
  const { all: now, looked } =
    closeness === "being"
      ? await lookAtFallen(deps, all, found, warn, call)
      : await lookAtAll(deps, all, found, warn, call, closeness === "doing" ? { scan } : { figures: new Map() });
  const seen = await withReasons(deps, now, queued);
  const isBroken = snapshot.problems.length > 0;
  await mendIfPossible(() => remember(deps, inScope, kept, adopted, seen, isBroken), warn, "What was found could not be written down");
  await observe(deps, looked);
  await wakeCourier(deps, seen);
  await wakeStarter(deps, queued);
  return { agents: seen, warm: warmAmong([...marks.values()].flatMap((list) => list ?? [])), sessions: found };
}

/** Lets go on what was begun before this thread is busy: reading hundreds of files it lets nothing else through. */
function afterWhatIsUnderWay(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** All processes; undefined where they cannot be seen at once, so that each question says why. */
async function scanned(deps: Deps, call?: Call): Promise<ProcessScan | undefined> {
  return deps.processes.scan?.(call).catch(() => undefined);
}

async function lookAtAll(...asked: Parameters<typeof look>): Promise<Awaited<ReturnType<typeof lookAtFallen>>> {
  const looked = await look(...asked);
  return { all: looked, looked };
}

/** What marks say that belong to no known agent and cannot be read: their agents' records are lost, their worktrees are not. */
function tellBroken(marks: readonly (readonly Marked[] | null)[], kept: readonly AgentRecord[], warn: (warning: Warning) => void): void {
  for (const { mark, says } of marks.flatMap((list) => list ?? [])) {
    if (says.kind !== "broken" || kept.some(({ adminDir }) => adminDir === mark.adminDir)) continue;
    warn({
      code: "MARK_BROKEN",
      message: `${mark.adminDir}/aifleet.json cannot be read; the worktree ${mark.worktreePath} is left as it is.`,
    });
  }
}

/** The record with its worktree as it is now, null if the worktree was removed by hand. */
async function findAgain(
  deps: Deps,
  record: AgentRecord,
  marks: { readonly own: ReadonlyMap<string, Marked>; readonly here: readonly Marked[] | null },
  sessions: ReadonlyMap<string, Session> | undefined,
  abandoned: ReadonlySet<string>,
  warn: (warning: Warning) => void,
): Promise<AgentRecord | null> {
  const own = marks.own.get(record.id);
  if (abandoned.has(record.id) && marks.here !== null && own === undefined) return null;
  if (marks.here === null || record.status === "starting") return record;
  if (own?.mark.present === true) return corrected(record, recordOf(own) ?? record);
  if (own === undefined && record.adminDir !== "") {
    const there = marks.here.find(({ mark }) => mark.adminDir === record.adminDir);
    let whose: Awaited<ReturnType<typeof withoutMark>> = "own";
    await mendIfPossible(
      async () => {
        whose = await withoutMark(deps, record, there, warn);
      },
      warn,
      `The mark of ${record.branch} could not be written anew`,
    );
    if (whose === "own") return record;
    if (whose === "foreign") {
      warn({
        code: "FOREIGN",
        branch: record.branch,
        message: `${record.branch} belongs to another fleet home; it is left alone and not shown here.`,
      });
      return null;
    }
  }
  if (sessions === undefined) return record;
  const session = sessions.get(record.id);
  if (session !== undefined && !session.dead) {
    warn({ code: "WORKTREE_GONE", branch: record.branch, message: `The worktree of ${record.branch} is gone, but its agent still runs.` });
    return record;
  }
  // A kill under way takes the worktree first and the record last.
  if (await isBeingKilled(deps, record)) return record;
  if (!(await deps.store.read()).agents.some(({ id }) => id === record.id)) return null;
  const isThere = (await deps.host.files.stat(record.worktree)) !== null;
  warn({
    code: "WORKTREE_GONE",
    branch: record.branch,
    message: isThere
      ? `${record.worktree} is not the worktree of ${record.branch} any more: its .git file is gone or leads elsewhere. The agent is forgotten; the folder stays, and \`git worktree repair\` may join it to its repository again.`
      : `The worktree of ${record.branch} was removed by hand; the agent is forgotten.`,
  });
  return null;
}

async function isBeingKilled(deps: Deps, { id }: AgentRecord): Promise<boolean> {
  const pending = await deps.journal.pending();
  return pending.some(({ steps }) => steps.some((step) => step.kind === "removal" && step.record.id === id));
}

/** Reservations whose maker is gone: of one that was starting, recovery has undone what was made. */
async function withDeadMaker(deps: Deps, records: readonly AgentRecord[], call?: Call): Promise<ReadonlySet<string>> {
  const starting = records.flatMap(({ id, status, maker }) =>
    (status === "starting" || status === "queued") && maker !== null ? [{ id, maker }] : [],
  );
  if (starting.length === 0) return new Set();
  const found = await deps.processes.identify(
    starting.map(({ maker }) => maker.pid),
    call,
  );
  const dead = starting.filter(({ maker }) => {
    const now = found.get(maker.pid);
    return now === undefined || now.start !== maker.start || now.boot !== maker.boot;
  });
  return new Set(dead.map(({ id }) => id));
}

/** A marked worktree that the registry does not know is taken into it. `misplaced`: the registry has it in another repository, from which it must have been moved. */
function adopt(marked: Marked, misplaced: boolean, session: Session | undefined): AgentRecord[] {
  const record = recordOf(marked);
  if (record === null) return [];
  if (!marked.mark.present && (misplaced || session === undefined || session.dead)) return [];
  return [record];
}

/** Writes back what changed for good; what is only passing goes into the observations. */
async function remember(
  deps: Deps,
  inScope: readonly AgentRecord[],
  kept: readonly AgentRecord[],
  adopted: readonly AgentRecord[],
  seen: readonly Seen[],
  isBroken: boolean,
): Promise<void> {
  const before = new Map([...kept, ...adopted].map((record) => [record.id, record]));
  const asRead = new Map([...inScope, ...adopted].map((record) => [record.id, record]));
  const changed = seen
    .map(({ record }) => record)
    .filter((record) => isLasting(record, before.get(record.id)))
    .map((record) => ({ ...record, process: isEnded(record.status) ? null : record.process }));
  const wrong = kept.filter((record) => record !== asRead.get(record.id) && !isDeepStrictEqual(record, asRead.get(record.id)));
  const gone = new Set(inScope.filter((record) => !before.has(record.id)).map((record) => record.id));
  if (isBroken || changed.length + wrong.length + gone.size + adopted.length > 0) {
    const updates = new Map([...adopted, ...wrong, ...changed].map((record) => [record.id, record]));
    const places = new Map(adopted.map(({ id, commonDir }) => [id, commonDir]));
    const applied = await deps.store.update((draft) => {
      const unmoved = draft.agents.filter((agent) => isAsRead(agent, asRead.get(agent.id))).map((agent) => agent.id);
      draft.agents = draft.agents
        // Gone, or taken in from the repository where it really is.
        .filter((agent) => !gone.has(agent.id) && (places.get(agent.id) ?? agent.commonDir) === agent.commonDir)
        .map((agent) => (unmoved.includes(agent.id) ? (updates.get(agent.id) ?? agent) : agent));
      const there = new Set(draft.agents.map((agent) => agent.id));
      for (const record of adopted) if (!there.has(record.id)) draft.agents.push(updates.get(record.id) ?? record);
      for (const place of new Set([...adopted, ...wrong].map((record) => record.commonDir))) {
        if (!draft.repositories.includes(place)) draft.repositories.push(place);
      }
      return new Set([...unmoved, ...adopted.map((record) => record.id)]);
    });
    for (const { id } of [...changed, ...wrong]) if (applied.has(id)) await writeMirror(deps, updates.get(id) as AgentRecord);
  }
}

/** Whether a record still stands as it was read: what another command wrote since is newer than what was seen here. */
function isAsRead(now: AgentRecord, read: AgentRecord | undefined): boolean {
  return read !== undefined && now.status === read.status && now.statusSince === read.statusSince && now.adminDir === read.adminDir;
}

/** Only an end is for good: what a live agent does right now is read afresh each time. */
function isLasting(record: AgentRecord, before: AgentRecord | undefined): boolean {
  if (before === undefined || record.status === "unknown") return false;
  // Learnt once, and needed when all else is gone.
  if (record.conversation !== before.conversation) return true;
  if (isEnded(record.status)) return record.status !== before.status || record.exitCode !== before.exitCode;
  return isEnded(before.status);
}

/** Notes what some have become, without figures: those are as they were last taken. */
export async function noteStatuses(deps: Deps, seen: readonly Seen[]): Promise<void> {
  if (seen.length === 0) return;
  const all = new Map(await deps.observations.read());
  for (const { record } of seen) {
    const { status, statusSource: source, statusSince: since } = record;
    all.set(record.id, { ...(all.get(record.id) ?? { cpuMs: null, at: deps.clock.now() }), status, source, since });
  }
  await deps.observations.write(all);
}

/** Notes since when each is what it is, for whoever looks next. */
export async function observe(deps: Deps, seen: readonly Seen[]): Promise<void> {
  if (seen.length === 0) return;
  const now = deps.clock.now();
  const fresh = [...(await deps.observations.read())].filter(([, observation]) => now - observation.at < KEEP_MS);
  const all = new Map<string, Observation>(fresh);
  for (const { record, sample } of seen) {
    if (record.status === "unknown") continue;
    all.set(record.id, {
      status: record.status,
      source: record.statusSource,
      since: record.statusSince,
      cpuMs: sample?.cpuMs ?? null,
      at: now,
    });
  }
  await deps.observations.write(all);
}
