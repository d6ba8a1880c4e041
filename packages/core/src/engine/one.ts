import { isDeepStrictEqual } from "node:util";
import { isEnded, type Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import { askSessions } from "./ask-sessions.js";
import type { Deps } from "./deps.js";
import { look } from "./look.js";
import { corrected } from "./marked.js";
import type { Reconciled, Scope } from "./reconcile.js";
import { recordFromMark } from "./record.js";

/**
 * Looks at the one agent of that branch or id and at none of the others, so that a command on one
 * agent costs the same in a fleet of a hundred. Null wherever that could miss something: then the
 * whole has to be reconciled.
 */
export async function lookAtOne(
  deps: Deps,
  scope: Scope,
  name: string,
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<Reconciled | null> {
  if ((await deps.journal.pending()).length > 0) return null;
  const { agents, problems } = await deps.store.read(call);
  const named = agents.filter(
    ({ id, branch, commonDir }) => id === name || (branch === name && (scope.commonDir === null || scope.commonDir === commonDir)),
  );
  const [record] = named;
  if (problems.length > 0 || record === undefined || named.length > 1 || record.status === "starting") return null;
  if ((await deps.git.readLink(record.worktree))?.adminDir !== record.adminDir) return null;
  // A registry and a mark that disagree are for the whole look to settle.
  const mark = recordFromMark(deps.paths.home, (await deps.git.readMark(record.adminDir)) ?? "");
  if (mark === null || !isDeepStrictEqual(corrected(record, { ...mark, worktree: record.worktree }), record)) return null;
  const sessions = await askSessions(deps, warn, call);
  const [seen] = await look(deps, [record], sessions, warn, call);
  // Its program runs without a session: its server may be out of reach.
  if (seen?.session === null && seen.record.status === "unknown") return null;
  // An end that is news has to be written down.
  if (seen === undefined || (isEnded(seen.record.status) && seen.record.status !== record.status)) return null;
  if (isEnded(record.status) && seen.record.status !== record.status && seen.record.status !== "unknown") return null;
  return { agents: [seen], sessions };
}
