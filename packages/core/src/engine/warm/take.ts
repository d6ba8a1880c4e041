import { isFleetError } from "../../errors/index.js";
import type { AgentRecord, Worktree } from "../../model/index.js";
import type { BringUpCall, Crew } from "../crew.js";
import type { Deps } from "../deps.js";
import type { Plan } from "../plan.js";
import { mirrorText } from "../record.js";
import type { Undo } from "../transact.js";
import { unmake } from "../unmake.js";
import { judgeWarm } from "./judge.js";
import { swapMark, type Warm } from "./marks.js";

/** A worktree of the pool that has become an agent's. */
export interface Taken {
  readonly record: AgentRecord;
  readonly worktree: Worktree;
  /** Commands that bring it up to date, none where its base has not moved. */
  readonly setup: readonly string[];
}

/** Another command took the worktree over, or away, or it could not be used and is gone. */
class Lost extends Error {}

/**
 * Takes a worktree of the pool over for an agent, the first that is fit for it; null where there is none. Each is looked at
 * right before, and where that fails it is not taken: one is made as ever then.
 */
export async function takeWarm(
  deps: Deps,
  crew: Crew,
  plan: Plan,
  reserved: AgentRecord,
  undo: Undo,
  call: BringUpCall,
): Promise<Taken | null> {
  if (crew.warm.length === 0) return null;
  const { setup, adapter } = plan.wish;
  const wanted = { setup: await crew.printOf(setup, adapter), base: plan.base };
  for (;;) {
    const fit = crew.warm.filter(({ warm, inPlace }) => warm.ready && inPlace && warm.setup === wanted.setup);
    const found = fit.find(({ warm }) => warm.base === wanted.base) ?? fit[0];
    if (found === undefined) return null;
    crew.warm.splice(crew.warm.indexOf(found), 1);
    const { state } = await judgeWarm(deps, crew.repo, found, wanted, call).catch((error: unknown) => {
      if (isFleetError(error, "INTERRUPTED")) throw error;
      return { state: "unknown" };
    });
    const taken = state === "ready" ? await takeOver(deps, crew, plan, reserved, found, undo) : null;
    if (taken !== null) return taken;
  }
}

/** Null if another command was first. */
async function takeOver(
  deps: Deps,
  crew: Crew,
  plan: Plan,
  reserved: AgentRecord,
  { warm, text }: Warm,
  undo: Undo,
): Promise<Taken | null> {
  const { repo } = crew;
  const { branch, id } = reserved;
  const { adminDir, credentials } = warm;
  const path = warm.worktree;
  const record: AgentRecord = { ...reserved, worktree: path, adminDir, credentials };
  const madeBranchAt = plan.mode === "use" ? null : plan.base;
  const places = { commonDir: repo.commonDir, repo: repo.path, path };
  const step = { kind: "worktree", ...places, agent: id, branch, madeBranchAt, warmAt: warm.base } as const;
  try {
    const worktree = await undo.did(
      step,
      async () => {
        if (!(await swapMark(deps, repo, adminDir, text, mirrorText(deps.paths.home, record)))) throw new Lost();
        try {
          return await crew.addWorktree({ key: id, path, branch, mode: plan.mode, base: plan.start, adminDir });
        } catch (error) {
          // What keeps this one from being switched need not keep another from being made; what stands against both is said then.
          if (isFleetError(error, "INTERRUPTED") || (await unmake(deps, step, false)) !== null) throw error;
          throw new Lost();
        }
      },
      { whole: (error) => error instanceof Lost },
    );
    // Where there was nothing to set up, there is nothing to refresh.
    const isBehind = warm.base !== plan.base && plan.wish.setup.length > 0;
    return { record, worktree, setup: isBehind ? deps.settings.config.pool.refresh : [] };
  } catch (error) {
    if (error instanceof Lost) return null;
    throw error;
  }
}
