import type { Step } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { recordFromMark } from "./record.js";

/** How long an agent's processes have to end by themselves while a failed start is undone, milliseconds. */
const GRACE_MS = 500;

/**
 * Undoes one step, also one that was noted but never done, also from another process. Deletes only
 * what the step made, and never work: answers with a sentence on what it kept, null if nothing is left.
 */
export async function unmake(deps: Deps, step: Step): Promise<string | null> {
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
      const sessions = await deps.sessions.list();
      const ours = sessions.find((session) => session.agent === step.agent);
      const roots = ours === undefined || ours.dead ? [] : [ours.pid];
      const known = await deps.processes.identify(roots);
      await deps.sessions.end([step.agent]);
      await deps.processes.endTrees([{ root: (ours && known.get(ours.pid)) ?? null, marker: ["AIFLEET_ID", step.agent] }], {
        graceMs: GRACE_MS,
      });
      return null;
    }
    case "worktree":
      return unmakeWorktree(deps, step);
  }
}

async function unmakeWorktree(deps: Deps, step: Extract<Step, { kind: "worktree" }>): Promise<string | null> {
  const repo = { commonDir: step.commonDir, path: step.repo, bare: false };
  const entry = (await deps.git.worktrees(repo)).find((worktree) => worktree.path === step.path);
  let tip: string | null = step.madeBranchAt;
  if (entry !== undefined) {
    if (await isAnothers(deps, step, entry.adminDir)) return null;
    const filled = entry.present && (await isFilled(deps, entry.adminDir));
    if (filled) {
      const facts = await deps.git.inspect(repo, entry);
      const work = [...facts.modified, ...facts.untracked];
      const moved = step.madeBranchAt !== null && facts.head !== null && facts.head !== step.madeBranchAt;
      if (work.length > 0 || facts.operation !== null || facts.unreachable.length > 0 || moved) {
        return `the worktree ${step.path}, which holds work (${work.slice(0, 3).join(", ") || facts.operation || "commits"})`;
      }
    }
    await deps.git.removeWorktree(repo, entry);
  } else if (step.madeBranchAt !== null) {
    const facts = (await deps.git.branches(repo, [step.branch])).get(step.branch);
    if (facts?.tip !== step.madeBranchAt) tip = null;
  }
  if (tip !== null) await deps.git.deleteBranch(repo, step.branch, tip);
  return null;
}

/** A worktree that carries the mark of another agent, or of another home, came after ours was gone. */
async function isAnothers(deps: Deps, step: Extract<Step, { kind: "worktree" }>, adminDir: string): Promise<boolean> {
  const mark = (await deps.git.readMarks(step.commonDir)).find((entry) => entry.adminDir === adminDir);
  return mark !== undefined && recordFromMark(deps.paths.home, mark.text)?.id !== step.agent;
}

/** A checkout that was cut off in the middle has no index yet, or git's own lock on it: nothing in it can be work. */
async function isFilled(deps: Deps, adminDir: string): Promise<boolean> {
  const { files } = deps.host;
  return (await files.stat(`${adminDir}/index`)) !== null && (await files.stat(`${adminDir}/index.lock`)) === null;
}
