import { isFleetError, toFleetError } from "../errors/index.js";
import type { AgentRecord, Repository, Worktree } from "../model/index.js";
import type { Step } from "../ports/index.js";
import { removeBare } from "./bare-folder.js";
import { workSinceSetup } from "./baseline.js";
import type { Deps } from "./deps.js";
import { dropTrash, repoOf } from "./drop.js";
import { mirrorText, recordFromMark } from "./record.js";
import { settleRemoval } from "./removal.js";
import { settleRestoral } from "./restoral.js";
import { settleStop } from "./settle-stop.js";

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
    const record = mark === null ? null : recordFromMark(deps.paths.home, mark);
    // With the mark of another agent, or of another home, it came after ours was gone.
    if (mark !== null && record?.id !== step.agent) return null;
    if (entry.present && (await isFilled(deps, entry.adminDir))) {
      const facts = await deps.git.inspect(repo, entry);
      const all =
        record === null
          ? [...facts.modified, ...facts.untracked]
          : await workSinceSetup(deps, { ...record, worktree: entry.path, adminDir: entry.adminDir }, facts);
      // Before its program ran, all but commits is setup's.
      const work = started || facts.head !== record?.base ? all : [];
      if (work.length > 0) {
        if (record !== null) await keep(deps, { ...record, adminDir: entry.adminDir });
        return `the worktree ${step.path}, which holds work (${work.slice(0, 3).join(", ")})`;
      }
    }
    await deps.git.removeWorktree(repo, entry);
  } else {
    await removeBare(deps, step.commonDir, step.path);
    const facts = step.madeBranchAt === null ? undefined : (await deps.git.branches(repo, [step.branch])).get(step.branch);
    // One that is gone already may have left its settings: whoever deleted it was cut off, too.
    if (facts?.tip !== null && facts?.tip !== step.madeBranchAt) tip = null;
  }
  if (tip !== null) await deps.git.deleteBranch(repo, step.branch, tip);
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
