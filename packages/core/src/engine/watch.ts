import type { Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { type Reconciled, reconcile, type Scope } from "./reconcile.js";

/** Looks no closer together than this, however much happens, milliseconds. */
const LEAST_MS = 150;
/** Looks this often while something has happened of late: silence itself is evidence, milliseconds. */
const LIVELY_MS = 1000;
/** How long after the last change that is, milliseconds. */
const OF_LATE_MS = 5000;
/** Looks at least this often: some changes make no sound, milliseconds. */
const QUIET_MS = 5000;

/** Looks at the fleet whenever something changed. One connection to the session server, whatever the number of agents. */
export async function* looks(deps: Deps, scope: Scope, warn: (warning: Warning) => void, call?: Call): AsyncGenerator<Reconciled> {
  const ended = new AbortController();
  const signal = call?.signal === undefined ? ended.signal : AbortSignal.any([call.signal, ended.signal]);
  const changes = deps.sessions.changes({ signal })[Symbol.asyncIterator]();
  let heard = deps.clock.now();
  let next: Promise<unknown> = changes.next().catch(() => undefined);
  try {
    for (;;) {
      yield await reconcile(deps, scope, warn, call);
      await deps.clock.sleep(LEAST_MS, call);
      const pause = new AbortController();
      const most = deps.clock.now() - heard < OF_LATE_MS ? LIVELY_MS : QUIET_MS;
      const nap = deps.clock.sleep(most - LEAST_MS, { signal: AbortSignal.any([signal, pause.signal]) }).catch(() => undefined);
      const first = await Promise.race([next.then(() => "change" as const), nap.then(() => "nap" as const)]);
      pause.abort();
      if (first === "nap") continue;
      heard = deps.clock.now();
      next = changes.next().catch(() => undefined);
    }
  } finally {
    ended.abort();
    await next;
  }
}
