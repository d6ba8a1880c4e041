import { isFleetError, toFleetError } from "../errors/index.js";
import type { AgentRecord, Repository, WarmWorktree, Worktree, WorktreeFacts } from "../model/index.js";
import type { Step } from "../ports/index.js";
import { removeBare } from "./bare-folder.js";
import { workSinceSetup } from "./baseline.js";
import type { Deps } from "./deps.js";
import { dropTrash, repoOf } from "./drop.js";
import { mirrorText, readMarkText, warmText } from "./record.js";
import { settleRemoval } from "./removal.js";
import { settleRestoral } from "./restoral.js";
import { settleStop } from "./settle-stop.js";
import { swapMark } from "./warm/marks.js";

type WorktreeStep = Extract<Step, { kind: "worktree" }>;

/** How long an agent's processes have to end by themselves while a failed start is undone, milliseconds. */
const GRACE_MS = 500;

/** What was found out, or done, for many steps at once. */
export interface Known {
  /** Agents of which no program and no session is left. */
  readonly ended: ReadonlySet<string>;
  readonly worktrees: (repo: Repository) => Promise<readonly Worktree[]>;
}

/**
 * Undoes one step, also one that was noted but never done, also from another process. Deletes only
 * what the step made, and never work: answers with a sentence on what it kept, null if nothing is left.
 * `started`: an agent program may have run, so that what is in the worktree may be its work.
 */
export async function unmake(deps: Deps, step: Step, started: boolean, known?: Known): Promise<string | null> {
  switch (step.kind) {
    case "file":
      await deps.host.files.remove(step.path);
      return null;
    case "record":
      await deps.store.update((draft) => {
        draft.agents = draft.agents.filter((agent) => agent.id !== step.agent);
      });
      return null;
    case "session": {
      if (known?.ended.has(step.agent)) return null;
      const sessions = await deps.sessions.list().catch((error: unknown) => toFleetError(error));
      const ours = isFleetError(sessions) ? undefined : sessions.find((session) => session.agent === step.agent);
      const roots = ours === undefined || ours.dead ? [] : [ours.pid];
      const identities = await deps.processes.identify(roots);
      if (!isFleetError(sessions)) await deps.sessions.end([step.agent]);
      // Also where the session server is of no help: no program is left to itself.
      await deps.processes.endTrees([{ root: (ours && identities.get(ours.pid)) ?? null, marker: ["AIFLEET_ID", step.agent] }], {
        graceMs: GRACE_MS,
      });
      if (isFleetError(sessions)) throw sessions;
      return null;
    }
    case "worktree":
      return unmakeWorktree(deps, step, started, known);
    case "stop":
      await settleStop(deps, step.agents);
      return null;
    case "removal":
      await settleRemoval(deps, step);
      return null;
    case "restoral":
      await settleRestoral(deps, step);
      return null;
    case "drop":
      await dropTrash(deps, step.entry, await repoOf(deps, step.entry));
      return null;
  }
}

async function unmakeWorktree(deps: Deps, step: WorktreeStep, started: boolean, known?: Known): Promise<string | null> {
  // A setup command may have left a process of its own behind.
  if (!started && !known?.ended.has(step.agent))
    await deps.processes.endTrees([{ root: null, marker: ["AIFLEET_ID", step.agent] }], { graceMs: GRACE_MS });
  const repo = { commonDir: step.commonDir, path: step.repo, bare: false };
  const entry = (await (known?.worktrees ?? deps.git.worktrees)(repo)).find((worktree) => worktree.path === step.path);
  let tip: string | null = step.madeBranchAt;
  if (entry !== undefined) {
    const mark = await deps.git.readMark(entry.adminDir);
    const says = mark === null ? null : readMarkText(deps.paths.home, mark);
    if (mark !== null && says?.kind === "warm") return unmakeWarm(deps, repo, entry, step.agent, { text: mark, warm: says.warm });
    const record = says?.kind === "ours" ? says.record : null;
    // With the mark of another agent, or of another home, it came after ours was gone.
    if (mark !== null && record?.id !== step.agent) return null;
    if (entry.present && (await isFilled(deps, entry.adminDir))) {
      const facts = await deps.git.inspect(repo, entry);
      const place = record === null ? null : { ...record, worktree: entry.path, adminDir: entry.adminDir };
      const all = place === null ? [...facts.modified, ...facts.untracked] : await workSinceSetup(deps, place, facts);
      const isTaken = place !== null && facts.head !== null && facts.head === step.warmAt;
      // Before its program ran, all but commits is setup's. One that still stands where the pool had it, no setup has touched since.
      const early = isTaken ? await workInTaken(deps, repo, place, facts) : facts.head === record?.base ? [] : all;
      const work = started ? all : early;
      if (work.length > 0) {
        if (record !== null) await keep(deps, { ...record, adminDir: entry.adminDir });
        return `the worktree ${step.path}, which holds work (${work.slice(0, 3).join(", ")})`;
      }
    }
    await deps.git.removeWorktree(repo, entry);
  } else {
    await removeBare(deps, step.commonDir, step.path);
    const { branch } = step;
    const facts = tip === null || branch === null ? undefined : (await deps.git.branches(repo, [branch])).get(branch);
    // One that is gone already may have left its settings: whoever deleted it was cut off, too.
    if (facts?.tip !== null && (facts?.tip !== step.madeBranchAt || facts.checkedOutAt !== null)) tip = null;
  }
  if (tip !== null && step.branch !== null) await deps.git.deleteBranch(repo, step.branch, tip);
  return null;
}

/** What somebody has done in a worktree that was just taken from the pool. A switch that was cut off leaves files of the base it was on its way to. */
async function workInTaken(deps: Deps, repo: Repository, record: AgentRecord, facts: WorktreeFacts): Promise<readonly string[]> {
  const at = facts.head ?? record.base;
  const work = await workSinceSetup(deps, { ...record, base: at }, facts);
  if (work.length === 0 || at === record.base) return work;
  const going = new Set((await deps.git.changedPaths(repo, at, record.base)).map(({ path }) => path));
  return work.filter((path) => !going.has(path));
}

/** A worktree of the pool, half made or on its way out. Nobody has worked in it; with the mark of another it is none of this step's. */
async function unmakeWarm(
  deps: Deps,
  repo: Repository,
  entry: Worktree,
  id: string,
  { text, warm }: { readonly text: string; readonly warm: WarmWorktree },
): Promise<null> {
  if (warm.id !== id) return null;
  // An agent that takes it over at this moment comes first, or too late.
  const gone = warmText(deps.paths.home, { ...warm, ready: false });
  if (warm.ready && !(await swapMark(deps, repo, entry.adminDir, text, gone))) return null;
  await deps.git.removeWorktree(repo, entry);
  return null;
}

/** What holds work stays as a stopped agent: the next look at the fleet takes it up from its mark. */
async function keep(deps: Deps, record: AgentRecord): Promise<void> {
  const statusSince = new Date(deps.clock.now()).toISOString();
  const stopped: AgentRecord = { ...record, status: "stopped", statusSource: "session", statusSince, maker: null, process: null };
  await deps.git.writeMark(record.adminDir, mirrorText(deps.paths.home, stopped));
}

/** A checkout that was cut off in the middle has no index yet, or git's own lock on it: nothing in it can be work. */
async function isFilled(deps: Deps, adminDir: string): Promise<boolean> {
  const { files } = deps.host;
  return (await files.stat(`${adminDir}/index`)) !== null && (await files.stat(`${adminDir}/index.lock`)) === null;
}
