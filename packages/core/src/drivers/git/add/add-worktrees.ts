import { setMaxListeners } from "node:events";
import { interrupted, throwIfAborted, toFleetError } from "../../../errors/index.js";
import type { Repository } from "../../../model/index.js";
import type { Call, Locks, WorktreeResult, WorktreeSpec } from "../../../ports/index.js";
import type { Git } from "../client.js";
import { holdRepository } from "../repository-lock.js";
import { worktreeFiller } from "./checkout.js";
import { registerAll } from "./register.js";
import { type Registered, restOf, undoWorktree, withRest } from "./registered.js";
import { readAddSettings } from "./settings.js";

/**
 * Makes worktrees. Branches and registrations of all of them come first, under the repository's lock,
 * because parallel `git worktree add`s fail on each other; then the files, `parallel` checkouts at a
 * time, outside of it. One that fails is unmade. When the caller aborts or stops listening, those not
 * yet handed over are unmade too.
 */
export async function* addWorktrees(
  git: Git,
  locks: Locks,
  repo: Repository,
  specs: readonly WorktreeSpec[],
  parallel: number,
  outer: Call = {},
): AsyncGenerator<WorktreeResult> {
  throwIfAborted(outer.signal);
  if (specs.length === 0) return;
  const stop = new AbortController();
  const onAbort = () => stop.abort(outer.signal?.reason);
  outer.signal?.addEventListener("abort", onAbort, { once: true });
  // Each running git listens to it.
  setMaxListeners(0, stop.signal);
  const call: Call = { signal: stop.signal };

  const ready: WorktreeResult[] = [];
  const undelivered = new Map<string, Registered>();
  let wake = () => {};
  const give = (result: WorktreeResult) => {
    ready.push(result);
    wake();
  };
  const workers: Promise<void>[] = [];
  let rest: Error | null = null;
  const unmakeRest = async () => {
    await Promise.allSettled(workers);
    for (const [key, made] of undelivered) {
      undelivered.delete(key);
      const left = await restOf(() => undoWorktree(git, locks, repo, made));
      rest ??= left;
    }
  };
  try {
    const settings = await readAddSettings(git, repo, call);
    const { done, failed } = await holdRepository(locks, repo, () => registerAll(git, locks, repo, specs, settings, call), call);
    for (const { spec, error } of failed) give({ key: spec.key, ok: false, error });
    for (const made of done) undelivered.set(made.worktree.adminDir, made);

    const waiting = [...done];
    const fillWorktree = worktreeFiller(git, repo, done, settings, call);
    const fill = async (made: Registered) => {
      try {
        await fillWorktree(made);
        give({ key: made.spec.key, ok: true, worktree: made.worktree });
      } catch (error) {
        undelivered.delete(made.worktree.adminDir);
        const left = await restOf(() => undoWorktree(git, locks, repo, made));
        if (!stop.signal.aborted)
          give({ key: made.spec.key, ok: false, error: left === null ? toFleetError(error) : withRest(error, left) });
        else if (left !== null) rest ??= left;
      }
    };
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined && !stop.signal.aborted; next = waiting.shift()) {
        await fill(next);
        if (stop.signal.aborted) break;
      }
    };
    let running = Math.max(1, Math.min(parallel, waiting.length));
    for (let i = running; i > 0; i--) {
      workers.push(
        work().finally(() => {
          running--;
          wake();
        }),
      );
    }
    for (;;) {
      const next = ready.shift();
      if (next !== undefined) {
        if (next.ok) undelivered.delete(next.worktree.adminDir);
        yield next;
      } else if (stop.signal.aborted || running === 0) break;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
          stop.signal.addEventListener("abort", () => resolve(), { once: true });
        });
    }
    if (outer.signal?.aborted) {
      await unmakeRest();
      const error = interrupted(outer.signal);
      throw rest === null ? error : withRest(error, rest);
    }
  } finally {
    outer.signal?.removeEventListener("abort", onAbort);
    stop.abort(outer.signal?.reason);
    await unmakeRest();
  }
}
