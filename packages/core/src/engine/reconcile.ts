import { type AgentRecord, isEnded, type Session, type Warning } from "../model/index.js";
import type { Call, Mark, Observation } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { discoverRepositories } from "./discover.js";
import { askSessions, look, type Seen } from "./look.js";
import { writeMirror } from "./mirror.js";
import { recordFromMark } from "./record.js";
import { recover } from "./recover.js";
import { sweep } from "./sweep.js";

/** Observations older than this are of agents that are gone, milliseconds. */
const KEEP_MS = 7 * 24 * 3600 * 1000;

/** The fleet as it is. */
export interface Reconciled {
  readonly agents: readonly Seen[];
  /** Every marked session, undefined where the sessions could not be asked for. */
  readonly sessions: ReadonlyMap<string, Session> | undefined;
}

/** Which agents to reconcile: of one repository by its common git directory, or of all of this home. */
export interface Scope {
  readonly commonDir: string | null;
}

/**
 * Compares records, sessions and worktrees and brings the registry in line with the two that are the
 * truth. Level-triggered and idempotent: every command starts with it. Ends nothing, deletes nothing.
 */
export async function reconcile(deps: Deps, scope: Scope, warn: (warning: Warning) => void, call?: Call): Promise<Reconciled> {
  await recover(deps, warn);
  const [snapshot, sessions] = await Promise.all([deps.store.read(call), askSessions(deps, warn, call)]);
  for (const problem of snapshot.problems) warn({ code: "STATE_HEALED", message: problem });

  const places = scope.commonDir === null ? await discoverRepositories(deps, snapshot) : [scope.commonDir];
  const marks = new Map<string, readonly Mark[] | null>();
  for (const place of places) marks.set(place, await marksOf(deps, place));
  await sweep(deps, scope, places);

  const inScope = snapshot.agents.filter((record) => scope.commonDir === null || record.commonDir === scope.commonDir);
  const kept: AgentRecord[] = [];
  const abandoned = await withDeadMaker(deps, inScope, call);
  for (const record of inScope) {
    const there = await findAgain(deps, record, marks.get(record.commonDir) ?? null, sessions, abandoned, warn);
    if (there !== null) kept.push(there);
  }
  const known = new Set(snapshot.agents.map((record) => record.id));
  const adopted = [...marks.values()].flatMap((list) => list ?? []).flatMap((mark) => adopt(deps, mark, known, sessions));

  const seen = await look(deps, [...kept, ...adopted], sessions, call);
  await remember(deps, inScope, kept, adopted, seen);
  return { agents: seen, sessions };
}

/** The marks of a repository, null where it cannot be read now (moved, not mounted): nothing is concluded then. */
async function marksOf(deps: Deps, commonDir: string): Promise<readonly Mark[] | null> {
  try {
    return await deps.git.readMarks(commonDir);
  } catch {
    return null;
  }
}

/** The record with its worktree as it is now, null if the worktree was removed by hand. */
async function findAgain(
  deps: Deps,
  record: AgentRecord,
  marks: readonly Mark[] | null,
  sessions: ReadonlyMap<string, Session> | undefined,
  abandoned: ReadonlySet<string>,
  warn: (warning: Warning) => void,
): Promise<AgentRecord | null> {
  if (abandoned.has(record.id) && marks?.every((mark) => recordFromMark(deps.paths.home, mark.text)?.id !== record.id)) return null;
  if (marks === null || record.status === "starting" || record.adminDir === "") return record;
  const mark = marks.find((entry) => entry.adminDir === record.adminDir);
  // `git worktree move` keeps the registration and changes the folder.
  if (mark?.present === true) return mark.worktreePath === record.worktree ? record : { ...record, worktree: mark.worktreePath };
  if (mark === undefined && (await deps.git.readLink(record.worktree))?.adminDir === record.adminDir) return record;
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

/** Reservations whose maker was killed before it made anything: recovery has undone the rest. */
async function withDeadMaker(deps: Deps, records: readonly AgentRecord[], call?: Call): Promise<ReadonlySet<string>> {
  const starting = records.flatMap(({ id, status, maker }) => (status === "starting" && maker !== null ? [{ id, maker }] : []));
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

/** A marked worktree that the registry does not know is taken into it. */
function adopt(deps: Deps, mark: Mark, known: ReadonlySet<string>, sessions: ReadonlyMap<string, Session> | undefined): AgentRecord[] {
  const record = recordFromMark(deps.paths.home, mark.text);
  if (record === null || known.has(record.id)) return [];
  const session = sessions?.get(record.id);
  if (!mark.present && (session === undefined || session.dead)) return [];
  return [{ ...record, adminDir: mark.adminDir, worktree: mark.present ? mark.worktreePath : record.worktree }];
}

/** Writes back what changed for good; what is only passing goes into the observations. */
async function remember(
  deps: Deps,
  inScope: readonly AgentRecord[],
  kept: readonly AgentRecord[],
  adopted: readonly AgentRecord[],
  seen: readonly Seen[],
): Promise<void> {
  const before = new Map([...kept, ...adopted].map((record) => [record.id, record]));
  const changed = seen
    .map(({ record }) => record)
    .filter((record) => isLasting(record, before.get(record.id)))
    .map((record) => ({ ...record, process: isEnded(record.status) ? null : record.process }));
  const gone = new Set(inScope.filter((record) => !before.has(record.id)).map((record) => record.id));
  if (changed.length > 0 || gone.size > 0 || adopted.length > 0) {
    const updates = new Map([...adopted, ...changed].map((record) => [record.id, record]));
    const applied = await deps.store.update((draft) => {
      const unmoved = draft.agents.filter((agent) => isAsRead(agent, before.get(agent.id))).map((agent) => agent.id);
      draft.agents = draft.agents
        .filter((agent) => !gone.has(agent.id))
        .map((agent) => (unmoved.includes(agent.id) ? (updates.get(agent.id) ?? agent) : agent));
      const there = new Set(draft.agents.map((agent) => agent.id));
      for (const record of adopted) if (!there.has(record.id)) draft.agents.push(updates.get(record.id) ?? record);
      for (const place of new Set(adopted.map((record) => record.commonDir))) {
        if (!draft.repositories.includes(place)) draft.repositories.push(place);
      }
      return new Set([...unmoved, ...adopted.map((record) => record.id)]);
    });
    for (const record of changed) if (applied.has(record.id)) await writeMirror(deps, record);
  }
  await observe(deps, seen);
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
