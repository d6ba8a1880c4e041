import { isDeepStrictEqual } from "node:util";
import { isEnded, type Session, type Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import { askSessions, known } from "./ask-sessions.js";
import type { Deps } from "./deps.js";
import { look, type Seen } from "./look.js";
import { noteStatuses, type Reconciled, type Scope } from "./reconcile.js";

/**
 * Looks again at those agents of which there is news, and at none of the others: those `wanted`, those whose terminal
 * has changed, and those at work. Null where more has changed than that, so that all must be reconciled.
 */
export async function glance(
  deps: Deps,
  scope: Scope,
  before: Reconciled,
  wanted: (seen: Seen) => boolean,
  onStir: (id: string) => void,
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<Reconciled | null> {
  const [{ agents }, asked] = await Promise.all([deps.store.read(call), askSessions(deps, warn, call)]);
  const inScope = agents.filter(({ commonDir }) => scope.commonDir === null || commonDir === scope.commonDir).map(({ id }) => id);
  if (!isDeepStrictEqual(new Set(inScope), new Set(before.agents.map(({ record }) => record.id)))) return null;
  const [now, then] = [known(asked), known(before.sessions)];
  if (now === undefined || then === undefined || !isSameSet(now, then)) return null;
  const going: Seen[] = [];
  for (const seen of before.agents) {
    const session = now.get(seen.record.id);
    const { status } = seen.record;
    if (status === "unknown" || status === "starting") return null;
    if (session === undefined || session.dead) continue;
    const isStirred = session.activityAt !== seen.session?.activityAt || session.title !== seen.session.title;
    if (isStirred) onStir(seen.record.id);
    if (isStirred || status === "working" || wanted(seen)) going.push(seen);
  }
  if (going.length === 0) return { ...before, sessions: asked };
  const seenBefore = new Map(going.map((seen) => [seen.record.id, seen]));
  const fresh = await look(
    deps,
    going.map(({ record }) => record),
    asked,
    warn,
    call,
    { figures: seenBefore },
  );
  const news = fresh.filter((seen) => isNews(seen, seenBefore.get(seen.record.id)));
  if (news.some(({ record }) => isEnded(record.status) || record.conversation !== seenBefore.get(record.id)?.record.conversation))
    return null;
  await noteStatuses(deps, news);
  const by = new Map(fresh.map((seen) => [seen.record.id, seen]));
  return { agents: before.agents.map((seen) => by.get(seen.record.id) ?? seen), sessions: asked };
}

function isNews({ record }: Seen, before: Seen | undefined): boolean {
  return before === undefined || record.status !== before.record.status || record.conversation !== before.record.conversation;
}

/** Whether there are the same sessions, of the same programs, as alive as they were. */
function isSameSet(now: ReadonlyMap<string, Session>, then: ReadonlyMap<string, Session>): boolean {
  if (now.size !== then.size) return false;
  return [...now].every(([agent, { id, pid, dead }]) => {
    const old = then.get(agent);
    return old !== undefined && old.id === id && old.pid === pid && old.dead === dead;
  });
}
