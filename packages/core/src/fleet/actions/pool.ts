import type { Deps } from "../../engine/deps.js";
import { mapPool } from "../../engine/pool.js";
import { reconcile } from "../../engine/reconcile.js";
import { requireRepo, scopeOf } from "../../engine/scope.js";
import { fillPool, holdPool, refillPool, wantedNow } from "../../engine/warm/fill.js";
import { judgeWarm } from "../../engine/warm/judge.js";
import { readPool, type Warm } from "../../engine/warm/marks.js";
import { removeWarm } from "../../engine/warm/remove.js";
import { FleetError, isFleetError } from "../../errors/index.js";
import type { Repository, WarmInfo } from "../../model/index.js";
import type { CallOptions, PoolDrainResult, PoolFillResult, PoolStatus } from "../types.js";
import { fill as whole } from "./call.js";

/** The most worktrees a pool may hold. */
const MOST = 1000;

/** Brings the pool of the repository to its size, and replaces what is of no use any more. */
export async function fill(deps: Deps, options: { readonly size?: number | undefined }, call?: CallOptions): Promise<PoolFillResult> {
  deps.requireTrust();
  const size = options.size ?? deps.settings.config.pool.size;
  if (options.size !== undefined && (!Number.isInteger(size) || size < 1 || size > MOST))
    throw new FleetError("INVALID_COUNT", `The count must be a whole number from 1 to ${MOST}, not ${size}.`, { data: { count: size } });
  if (size === 0)
    throw new FleetError("USAGE", "The pool is off: pool.size is 0.", {
      hint: "Say how many, as in `fleet pool fill 2`, or set pool.size, and it is kept filled.",
    });
  const repo = await ready(deps, call);
  const { made, failed } = await holdPool(deps, repo, () => fillPool(deps, repo, size, whole(call)), whole(call));
  return { pool: await look(deps, repo, call), made: made.length, failed };
}

/** As `fill`, in the background: only if nobody else fills it. */
export async function refill(deps: Deps, call?: CallOptions): Promise<void> {
  deps.requireTrust();
  if (deps.settings.config.pool.size > 0) await refillPool(deps, await ready(deps, call), whole(call));
}

/** The pool as it is, each of its worktrees looked at. */
export async function status(deps: Deps, call?: CallOptions): Promise<PoolStatus> {
  return look(deps, await ready(deps, call), call);
}

/** Removes every worktree of the pool in which nobody has worked. */
export async function drain(deps: Deps, call?: CallOptions): Promise<PoolDrainResult> {
  const repo = await ready(deps, call);
  const empty = async (): Promise<PoolDrainResult> => {
    const all = await judged(deps, repo, call);
    const going = all.filter(({ info }) => info.state !== "dirty");
    await mapPool(going, deps.settings.config.fleet.maxParallel, ({ found }) => removeWarm(deps, repo, found), call);
    return { removed: going.map(({ info }) => info), kept: all.flatMap(({ info }) => (info.state === "dirty" ? [info] : [])) };
  };
  return holdPool(deps, repo, empty, whole(call));
}

/** The repository, with what killed commands left in it put right. */
async function ready(deps: Deps, call?: CallOptions): Promise<Repository> {
  const { repo } = requireRepo(deps);
  const { warn } = whole(call);
  await reconcile(deps, scopeOf(deps), warn, call);
  await deps.prepareHome(warn);
  return repo;
}

async function look(deps: Deps, repo: Repository, call?: CallOptions): Promise<PoolStatus> {
  const worktrees = (await judged(deps, repo, call)).map(({ info }) => info);
  return { size: deps.settings.config.pool.size, ready: worktrees.filter(({ state }) => state === "ready").length, worktrees };
}

async function judged(
  deps: Deps,
  repo: Repository,
  call?: CallOptions,
): Promise<readonly { readonly found: Warm; readonly info: WarmInfo }[]> {
  const pool = await readPool(deps, repo.commonDir);
  if (pool.length === 0) return [];
  // A base that names nothing any more makes nothing stale.
  const wanted = await wantedNow(deps, repo, call).catch((error: unknown) => {
    if (isFleetError(error, "REF_NOT_FOUND")) return null;
    throw error;
  });
  const judge = async (found: Warm) => {
    const { id, worktree, base, createdAt } = found.warm;
    return { found, info: { id, worktree, base, createdAt, ...(await judgeWarm(deps, repo, found, wanted, call)) } };
  };
  return mapPool(pool, deps.settings.config.fleet.maxParallel, judge, call);
}
