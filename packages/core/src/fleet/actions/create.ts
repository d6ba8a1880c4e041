import { bringUp, type Made } from "../../engine/bring-up.js";
import type { BringUpCall } from "../../engine/crew.js";
import type { Deps } from "../../engine/deps.js";
import { checkReplacement, makePlans, type Plan, type Wish } from "../../engine/plan.js";
import { withQueued } from "../../engine/queued/change.js";
import { reconcile, type Surveyed } from "../../engine/reconcile.js";
import { refuseExisting, refuseReserved, reserve } from "../../engine/reserve.js";
import { requireRepo, scopeOf } from "../../engine/scope.js";
import { wakeFiller } from "../../engine/warm/fill.js";
import { FleetError, isFleetError, throwIfAborted } from "../../errors/index.js";
import { PERMISSION_MODES, type PermissionMode, type Repository, type Warning } from "../../model/index.js";
import type { CallOptions, CreateAgentOptions, FailedAgent } from "../types.js";
import { fill } from "./call.js";
import { kill } from "./kill.js";
import { requireSessions } from "./require.js";

/** Makes one agent, or queues it where there is no place for it now. Throws what went wrong; nothing is left then. */
export async function createAgent(deps: Deps, options: CreateAgentOptions, call?: CallOptions): Promise<Made> {
  const full = fill(call);
  deps.requireTrust();
  const wish = wishFrom(deps, { ...options, adapter: options.adapter ?? null }, { batch: null, index: null, mustBeNew: false });
  const { repo, folder } = requireRepo(deps);
  deps.git.checkBranchName(wish.branch);
  const planned = options.replace === true ? null : await planIfSettled(deps, [wish], full);
  const before = await lookAround(deps, full, planned);
  const there = before.agents.find(({ record }) => record.commonDir === repo.commonDir && record.branch === wish.branch);
  if (there !== undefined && options.replace === true) {
    await checkReplacement(deps, repo, folder, wish, there.record);
    // Only if nothing would be lost.
    await kill(deps, there.record.id, {}, call);
  } else await refuseTaken(before, repo, [wish], planned);

  const { raised, failed } = await makeAgents(deps, [wish], before, full, planned);
  const [error] = failed;
  if (error !== undefined) throw error.error;
  if (raised[0] === undefined) throwIfAborted(full.signal);
  return raised[0] as Made;
}

/** Plans that are made while the fleet is looked at. */
export interface Planned {
  /** Resolves or rejects once; what it has to tell comes with it. */
  readonly plans: Promise<readonly Plan[]>;
  /** Whether somebody will miss changes in what is made. */
  readonly isDirty: Promise<boolean>;
  readonly warnings: readonly Warning[];
}

/** Plans ahead, unless something is under way or was cut off: a branch that is there now may be about to be undone. */
export async function planIfSettled(deps: Deps, wishes: readonly Wish[], call: BringUpCall): Promise<Planned | null> {
  return (await deps.journal.pending()).length === 0 ? planAhead(deps, wishes, call) : null;
}

/** Begins what changes nothing and needs nothing but the repository, so that it takes no time of its own. */
function planAhead(deps: Deps, wishes: readonly Wish[], call: BringUpCall): Planned {
  const { repo, folder } = requireRepo(deps);
  const warnings: Warning[] = [];
  const plans = makePlans(deps, repo, folder, wishes, (warning) => warnings.push(warning), call);
  const mayMiss = !repo.bare && deps.settings.config.worktree.base === "HEAD" && wishes.some(({ from }) => from === null);
  const isDirty = mayMiss ? deps.git.isDirty(folder, call) : Promise.resolve(false);
  // Whoever asks for them is told; where nobody does, something else went wrong first.
  for (const promise of [plans, isDirty]) promise.catch(() => {});
  return { plans, isDirty, warnings };
}

/** Wishes to agents: plan all, reserve all, bring up each for which there is a place; the others are queued. */
export async function makeAgents(
  deps: Deps,
  wishes: readonly Wish[],
  before: Surveyed,
  call: BringUpCall,
  planned: Planned | null,
): Promise<{ readonly raised: readonly Made[]; readonly failed: readonly FailedAgent[] }> {
  const { repo } = requireRepo(deps);
  const { plans: planning, isDirty, warnings } = planned ?? planAhead(deps, wishes, call);
  const plans = await planning.catch(async (error: unknown) => {
    await Promise.allSettled([isDirty]);
    // The branch may be there on account of an agent that another call has made since we looked.
    if (isFleetError(error, "BRANCH_IN_USE") || isFleetError(error, "BRANCH_EXISTS")) await refuseReserved(deps, repo, branchesOf(wishes));
    throw error;
  });
  for (const warning of warnings) call.warn(warning);
  if ((await isDirty) && plans.some((plan) => plan.mode === "create" && plan.wish.from === null)) {
    call.warn({ code: "UNCOMMITTED", message: "Uncommitted changes here are not part of the new branch: it starts from the last commit." });
  }
  const reserved = await reserve(deps, repo, plans, before.agents, call.warn);
  const warm = before.warm.filter((found) => found.warm.commonDir === repo.commonDir);
  const work = (now: typeof reserved) => bringUp(deps, repo, now, call, warm);
  const { made: results, queued } = await withQueued(deps, reserved, work, call.signal);
  // The agents are up: a pool that cannot be filled now is no failure of theirs.
  await wakeFiller(deps, repo).catch(() => undefined);
  return {
    raised: [...results.flatMap((result) => (result.ok ? [result] : [])), ...queued.map((record) => ({ record, session: null }))],
    failed: results.flatMap((result) => (result.ok ? [] : [{ branch: result.branch, error: result.error }])),
  };
}

/**
 * Throws if one of the branches has an agent. Nothing that was begun beside it goes on then.
 */
export async function refuseTaken(before: Surveyed, repo: Repository, wishes: readonly Wish[], planned: Planned | null): Promise<void> {
  try {
    refuseExisting(before.agents, repo, branchesOf(wishes));
  } catch (error) {
    await settled(planned);
    throw error;
  }
}

async function settled(planned: Planned | null): Promise<void> {
  if (planned !== null) await Promise.allSettled([planned.plans, planned.isDirty]);
}

/** The fleet as it is before something is made, known for sure: with a limit on those alive, all of it counts, and what it does. */
export async function lookAround(deps: Deps, call: BringUpCall, planned: Planned | null): Promise<Surveyed> {
  try {
    const { maxRunning, minFreeMemory } = deps.settings.config.fleet;
    const isLimited = maxRunning !== null || minFreeMemory !== null;
    const around = await reconcile(deps, scopeOf(deps, isLimited), call.warn, call, isLimited ? "doing" : "being");
    requireSessions(around.sessions);
    return around;
  } catch (error) {
    await settled(planned);
    throw error;
  }
}

/** What somebody asked for, with template and settings filled in. */
export function wishFrom(
  deps: Deps,
  options: {
    readonly branch: string;
    readonly prompt?: string | undefined;
    readonly adapter: string | null;
    readonly from?: string | undefined;
    readonly template?: string | undefined;
    readonly mode?: PermissionMode | undefined;
    readonly quick?: boolean | undefined;
  },
  place: Pick<Wish, "batch" | "index" | "mustBeNew">,
): Wish {
  const { config } = deps.settings;
  const template = options.template === undefined ? undefined : config.templates[options.template];
  if (options.template !== undefined && template === undefined) {
    const names = Object.keys(config.templates);
    throw new FleetError("USAGE", `There is no template "${options.template}".`, {
      hint: names.length > 0 ? `Known are ${names.join(", ")}.` : "Templates are made in config.toml as [templates.<name>].",
    });
  }
  if (options.prompt !== undefined && options.prompt.trim() === "") {
    throw new FleetError("USAGE", "The prompt is empty.", { hint: "Say what the agent is to do, or leave the prompt out." });
  }
  if (options.mode !== undefined && !PERMISSION_MODES.includes(options.mode)) {
    throw new FleetError("USAGE", `There is no permission mode "${options.mode}".`, {
      hint: `The modes are ${PERMISSION_MODES.join(", ")}.`,
    });
  }
  const quick = options.quick ?? config.setup.quick;
  return {
    branch: options.branch,
    prompt: options.prompt ?? template?.prompt ?? null,
    adapter: options.adapter ?? template?.agent ?? config.agent.default,
    mode: options.mode ?? null,
    from: options.from ?? template?.base ?? null,
    setup: quick ? [] : (template?.setup ?? config.setup.commands),
    ...place,
  };
}

function branchesOf(wishes: readonly Wish[]): readonly string[] {
  return wishes.map(({ branch }) => branch);
}
