import { bringUp } from "../../engine/bring-up.js";
import type { BringUpCall } from "../../engine/crew.js";
import type { Deps } from "../../engine/deps.js";
import { checkReplacement, makePlans, type Wish } from "../../engine/plan.js";
import { withQueued } from "../../engine/queued/change.js";
import { reconcile, type Surveyed } from "../../engine/reconcile.js";
import { refuseExisting, refuseReserved, reserve } from "../../engine/reserve.js";
import { requireRepo, scopeOf } from "../../engine/scope.js";
import { wakeFiller } from "../../engine/warm/fill.js";
import { FleetError, isFleetError, throwIfAborted } from "../../errors/index.js";
import { type AgentRecord, PERMISSION_MODES, type PermissionMode, type Repository } from "../../model/index.js";
import type { CallOptions, CreateAgentOptions, FailedAgent } from "../types.js";
import { fill } from "./call.js";
import { kill } from "./kill.js";
import { requireSessions } from "./require.js";

/** Makes one agent, or queues it where there is no place for it now. Throws what went wrong; nothing is left then. */
export async function createAgent(deps: Deps, options: CreateAgentOptions, call?: CallOptions): Promise<AgentRecord> {
  const full = fill(call);
  deps.requireTrust();
  const wish = wishFrom(deps, { ...options, adapter: options.adapter ?? null }, { batch: null, index: null, mustBeNew: false });
  const { repo, folder } = requireRepo(deps);
  deps.git.checkBranchName(wish.branch);
  const before = await lookAround(deps, full);
  const there = before.agents.find(({ record }) => record.commonDir === repo.commonDir && record.branch === wish.branch);
  if (there !== undefined && options.replace === true) {
    await checkReplacement(deps, repo, folder, wish, there.record);
    // Only if nothing would be lost.
    await kill(deps, there.record.id, {}, call);
  } else refuseExisting(before.agents, repo, [wish.branch]);

  const { raised, failed } = await makeAgents(deps, [wish], before, full);
  const [error] = failed;
  if (error !== undefined) throw error.error;
  if (raised[0] === undefined) throwIfAborted(full.signal);
  return raised[0] as AgentRecord;
}

/** Wishes to agents: plan all, reserve all, bring up each for which there is a place; the others are queued. */
export async function makeAgents(
  deps: Deps,
  wishes: readonly Wish[],
  before: Surveyed,
  call: BringUpCall,
): Promise<{ readonly raised: readonly AgentRecord[]; readonly failed: readonly FailedAgent[] }> {
  const { repo, folder } = requireRepo(deps);
  const plans = await makePlans(deps, repo, folder, wishes, call.warn, call).catch(async (error: unknown) => {
    // The branch may be there on account of an agent that another call has made since we looked.
    if (isFleetError(error, "BRANCH_IN_USE") || isFleetError(error, "BRANCH_EXISTS")) await refuseReserved(deps, repo, branchesOf(wishes));
    throw error;
  });
  if (plans.some((plan) => plan.mode === "create" && plan.wish.from === null)) await warnOfDirt(deps, repo, folder, call);
  const reserved = await reserve(deps, repo, plans, before.agents, call.warn);
  const warm = before.warm.filter((found) => found.warm.commonDir === repo.commonDir);
  const work = (now: typeof reserved) => bringUp(deps, repo, now, call, warm);
  const { made: results, queued } = await withQueued(deps, reserved, work, call.signal);
  // The agents are up: a pool that cannot be filled now is no failure of theirs.
  await wakeFiller(deps, repo).catch(() => undefined);
  return {
    raised: [...results.flatMap((result) => (result.ok ? [result.record] : [])), ...queued],
    failed: results.flatMap((result) => (result.ok ? [] : [{ branch: result.branch, error: result.error }])),
  };
}

/** The fleet as it is before something is made, known for sure: with a limit on those alive, all of it counts. */
export async function lookAround(deps: Deps, call: BringUpCall): Promise<Surveyed> {
  const { maxRunning, minFreeMemory } = deps.settings.config.fleet;
  const around = await reconcile(deps, scopeOf(deps, maxRunning !== null || minFreeMemory !== null), call.warn, call);
  requireSessions(around.sessions);
  return around;
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

async function warnOfDirt(deps: Deps, repo: Repository, folder: string, call: BringUpCall): Promise<void> {
  if (repo.bare || deps.settings.config.worktree.base !== "HEAD") return;
  if (!(await deps.git.isDirty(folder, call))) return;
  call.warn({ code: "UNCOMMITTED", message: "Uncommitted changes here are not part of the new branch: it starts from the last commit." });
}

function branchesOf(wishes: readonly Wish[]): readonly string[] {
  return wishes.map(({ branch }) => branch);
}
