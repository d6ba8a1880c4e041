import { type FleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import type { Repository, WarmWorktree } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import { alone } from "../alone.js";
import { type BringUpCall, makeCrew } from "../crew.js";
import type { Deps } from "../deps.js";
import { projectName } from "../names.js";
import { noCommit } from "../plan.js";
import { mapPool } from "../pool.js";
import { judgeWarm, type Wanted } from "./judge.js";
import { makeWarm } from "./make.js";
import { readPool } from "./marks.js";
import { poolPrint } from "./print.js";
import { removeWarm } from "./remove.js";

/** What a filling came to. */
export interface Filled {
  readonly made: readonly WarmWorktree[];
  /** Why some could not be made. */
  readonly failed: readonly FleetError[];
}

/** What the next agent would need. Throws `REF_NOT_FOUND`. */
export async function wantedNow(deps: Deps, repo: Repository, call?: Call): Promise<Wanted> {
  const revision = deps.settings.config.worktree.base;
  const base = await deps.git.resolve(repo.path, revision, call);
  if (base === null) throw noCommit(revision);
  return { setup: await poolPrint(deps, repo), base };
}

/** Runs `work` while no other command fills or drains the pool of this repository; waits as long as a filling may take. */
export async function holdPool<T>(deps: Deps, repo: Repository, work: () => Promise<T>, call: BringUpCall): Promise<T> {
  const { setup, git } = deps.settings.config;
  const isFree = await alone(deps, lockOf(repo), async () => {});
  if (!isFree) call.warn({ code: "POOL_BUSY", message: "Another command fills or drains the pool; this one waits for it." });
  const seconds = git.timeout + setup.timeout * Math.max(1, setup.commands.length);
  return deps.locks.hold(`${deps.paths.run}/${lockOf(repo)}`, work, { timeoutMs: seconds * 1000 }, call);
}

function lockOf(repo: Repository): string {
  return `pool-fill-${projectName(repo)}`;
}

/** Replaces what is of no use any more and makes what is missing to `size`. Under {@link holdPool}. */
export async function fillPool(deps: Deps, repo: Repository, size: number, call: BringUpCall): Promise<Filled> {
  const wanted = await wantedNow(deps, repo, call);
  const { maxParallel } = deps.settings.config.fleet;
  const judged = await mapPool(
    await readPool(deps, repo.commonDir),
    maxParallel,
    async (found) => ({ found, ...(await judgeWarm(deps, repo, found, wanted, call)) }),
    call,
  );
  // Whoever was making one is gone: nobody else fills the pool now.
  const useless = judged.filter(({ state }) => state === "stale" || state === "gone" || state === "making");
  await mapPool(useless, maxParallel, ({ found }) => removeWarm(deps, repo, found), call);
  const missing = Math.max(0, size - judged.filter(({ state }) => state === "ready").length);
  const crew = makeCrew(deps, repo, call, [], 1);
  const results = await Promise.allSettled(Array.from({ length: missing }, () => makeWarm(deps, crew, wanted, call)));
  throwIfAborted(call.signal);
  return {
    made: results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
    failed: results.flatMap((result) => (result.status === "rejected" ? [toFleetError(result.reason)] : [])),
  };
}

/** As {@link fillPool}, for a process in the background: leaves at once where another fills, and looks once more before it leaves. */
export async function refillPool(deps: Deps, repo: Repository, call: BringUpCall): Promise<void> {
  const { size } = deps.settings.config.pool;
  let filled: Filled | null = null;
  const fill = async () => {
    filled = await fillPool(deps, repo, size, call);
  };
  // What was taken while this one was about to leave started no other.
  while (await alone(deps, lockOf(repo), fill)) {
    const ready = (await readPool(deps, repo.commonDir)).filter(({ warm, inPlace }) => warm.ready && inPlace).length;
    const { made, failed } = filled ?? { made: [], failed: [] };
    if (ready >= size || made.length === 0 || failed.length > 0) return;
  }
}

/** Starts a process that refills the pool where there is to be one and nobody does so yet. */
export async function wakeFiller(deps: Deps, repo: Repository): Promise<void> {
  if (deps.settings.config.pool.size === 0 || deps.startFiller === null) return;
  if (await alone(deps, lockOf(repo), async () => {})) {
    const { ignoreProjectConfig } = deps;
    await deps.startFiller({ home: deps.paths.home, repo: repo.path, ignoreProjectConfig });
  }
}
