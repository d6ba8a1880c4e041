import type { Deps } from "../engine/deps.js";
import { drain, fill, refill, status } from "./actions/pool.js";
import type { CallOptions, PoolDrainResult, PoolFillResult, PoolStatus } from "./types.js";

/**
 * The worktrees a repository keeps ready for agents to come: checked out, on no branch, credentials placed and setup done. An agent
 * that is made takes one of them over where one fits, with the folder it was set up in.
 */
export class Pool {
  readonly #deps: () => Deps;

  constructor(deps: () => Deps) {
    this.#deps = deps;
  }

  /**
   * Makes what is missing, replaces what has become stale, and returns when it is done. Throws `NOT_TRUSTED`, `REF_NOT_FOUND`, or
   * `USAGE` where neither `size` nor `pool.size` says how many; a setup that fails is in `failed`.
   *
   * @example
   * const { pool, failed } = await fleet.pool.fill({ size: 3 });
   */
  fill(options: { readonly size?: number | undefined } = {}, call?: CallOptions): Promise<PoolFillResult> {
    return fill(this.#deps(), options, call);
  }

  /** Brings the pool to `pool.size` unless another process is at it: what `startFiller` is to have done. */
  refill(call?: CallOptions): Promise<void> {
    return refill(this.#deps(), call);
  }

  /** The pool as it is, each of its worktrees looked at. */
  status(call?: CallOptions): Promise<PoolStatus> {
    return status(this.#deps(), call);
  }

  /** Removes every worktree of the pool in which nobody has worked; waits for a filling under way. */
  drain(call?: CallOptions): Promise<PoolDrainResult> {
    return drain(this.#deps(), call);
  }
}
