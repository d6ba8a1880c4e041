import type { ProcessIdentity, Repository, Warning, Worktree } from "../model/index.js";
import type { Step, Unfinished } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { dropLogs } from "./logs.js";
import { mapPool } from "./pool.js";
import { removeStaleLocks } from "./stale-locks.js";
import { unwind } from "./transact.js";
import type { Known } from "./unmake.js";
import { mendIfPossible } from "./unwritable.js";

/** How long what outlived a killed fleet, its commands and its agents, may take to tidy up, milliseconds. */
const GRACE_MS = 500;
/** Transactions undone at the same time: mostly they wait for git. */
const AT_ONCE = 8;

/**
 * Unwinds what killed processes began and never ended. Cheap when there is nothing to do: one look
 * into the journal's folder.
 */
export async function recover(deps: Deps, warn: (warning: Warning) => void): Promise<void> {
  const makers = new Map((await deps.journal.pending()).map(({ maker }) => [keyOf(maker), maker]));
  for (const [key, maker] of makers) {
    if (await deps.processes.isAlive(maker)) continue;
    // Two commands may meet here: each step's undoing is idempotent, but not two at a time.
    const settled = async () => {
      const warnings = await deps.locks.hold(`${deps.paths.journal}/maker-${key}`, () => settleAll(deps, key));
      for (const message of warnings) warn({ code: "RECOVERED", message });
    };
    await mendIfPossible(settled, warn, "What a killed command had begun cannot be undone yet");
  }
}

function keyOf({ pid, start }: ProcessIdentity): string {
  return `${pid}-${start}`;
}

/** Settles all that one dead process began. Answers with a sentence on what was undone, and one on each thing that was not. */
async function settleAll(deps: Deps, maker: string): Promise<readonly string[]> {
  const entries = (await deps.journal.pending()).filter((entry) => keyOf(entry.maker) === maker);
  const known = { ended: await endLeftovers(deps, entries), worktrees: askedOnce(deps) };
  await removeStaleLocks(deps, entries);
  const unwound = await mapPool(entries, AT_ONCE, async (entry) => ({ entry, all: await settle(deps, entry, known) }));
  const clean = unwound.filter(({ all }) => all.length === 0).flatMap(({ entry }) => entry.steps);
  return [
    ...(unwound.some(({ all }) => all.length === 0) ? [`${describe(clean)} was cut off; what it had begun was undone or finished.`] : []),
    ...unwound.flatMap(({ entry, all }) =>
      all.length === 0 ? [] : [`${describe(entry.steps)} was cut off; left behind: ${all.join("; ")}.`],
    ),
  ];
}

/**
 * The commands that it ran go on without it, and would work against what is undone; so would programs on their way up.
 * All at once, since each may have to be waited for. Answers with the agents of which nothing is left.
 */
async function endLeftovers(deps: Deps, entries: readonly Unfinished[]): Promise<ReadonlySet<string>> {
  const runs = new Set(entries.flatMap(({ run }) => run ?? []));
  const agents = entries.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === "worktree" ? [step.agent] : [])));
  const started = entries.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === "session" ? [step.agent] : [])));
  // Where the session server cannot be asked, each is tried by itself, and told of.
  const sessions = started.length === 0 ? [] : await deps.sessions.list().catch(() => null);
  const ours = (sessions ?? []).filter(({ agent, dead }) => agent !== null && started.includes(agent) && !dead);
  const roots = await deps.processes.identify(ours.map(({ pid }) => pid));
  const rootOf = (id: string) => roots.get(ours.find(({ agent }) => agent === id)?.pid ?? -1) ?? null;
  const targets = [
    ...[...runs].map((run) => ({ root: null, marker: ["AIFLEET_RUN", run] as const })),
    ...agents.map((agent) => ({ root: rootOf(agent), marker: ["AIFLEET_ID", agent] as const })),
  ];
  const left = targets.length === 0 ? [] : (await deps.processes.endTrees(targets, { graceMs: GRACE_MS })).left;
  if (sessions === null || left.length > 0) return new Set();
  try {
    if (sessions.some(({ agent }) => agent !== null && started.includes(agent))) await deps.sessions.end(started);
  } catch {
    return new Set();
  }
  return new Set([...agents, ...started]);
}

/** Asked once for all that is undone beside each other: what each looks for is its own alone. */
function askedOnce(deps: Deps): (repo: Repository) => Promise<readonly Worktree[]> {
  const asked = new Map<string, Promise<readonly Worktree[]>>();
  return (repo) => {
    const answer = asked.get(repo.commonDir) ?? deps.git.worktrees(repo);
    asked.set(repo.commonDir, answer);
    return answer;
  };
}

/** Undoes or finishes one transaction. Answers with what is left of it. */
async function settle(deps: Deps, entry: Unfinished, known: Known): Promise<readonly string[]> {
  const { kept, left } = await unwind(deps, entry.steps, known);
  const all = [...kept, ...left];
  if (all.length === 0) for (const step of entry.steps) if (step.kind === "record") await dropLogs(deps, step.agent);
  if (left.length === 0) await deps.journal.forget(entry.id);
  return all;
}

function describe(steps: readonly Step[]): string {
  const made = steps.flatMap((step) => (step.kind === "worktree" && step.branch !== null ? [step.branch] : []));
  if (steps.some((step) => step.kind === "worktree") && made.length === 0) return "Work on the pool";
  if (made.length > 0) return `The making of ${listOf(made)}`;
  const removed = steps.flatMap((step) => (step.kind === "removal" ? [step.record.branch] : []));
  if (removed.length > 0) return `The removal of ${listOf(removed)}`;
  const restored = steps.flatMap((step) => (step.kind === "restoral" ? [step.entry.record.branch] : []));
  if (restored.length > 0) return `The restoring of ${listOf(restored)}`;
  const dropped = steps.flatMap((step) => (step.kind === "drop" ? [step.entry.record.branch] : []));
  return dropped.length > 0 ? `The dropping of ${listOf(dropped)}` : "An earlier command";
}

function listOf(branches: readonly string[]): string {
  const sorted = [...new Set(branches)].sort(new Intl.Collator("en", { numeric: true }).compare);
  return sorted.length > 5 ? `${sorted.slice(0, 3).join(", ")} and ${sorted.length - 3} more` : sorted.join(", ");
}
