import type { Warning } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { glance } from "./glance.js";
import type { Seen } from "./look.js";
import { measured } from "./measure.js";
import { News } from "./news.js";
import { type Reconciled, reconcile, type Scope } from "./reconcile.js";
import { reportsFolder } from "./reports.js";

/** Looks no closer together than this, however much happens, milliseconds. */
const LEAST_MS = 150;
/** The same where only terminals have printed something, or the registry was written: some do it all the time. */
const PRINTED_MS = 500;
/** An agent that printed or reported something is looked at this often for a while: silence itself is evidence, milliseconds. */
const LIVELY_MS = 1000;
/** How long that while is, milliseconds. */
const OF_LATE_MS = 5000;
/** Sessions are asked for at least this often: some changes make no sound, milliseconds. */
const QUIET_MS = 5000;
const SECOND_MS = 1000;
/** All is reconciled at least this often, milliseconds. */
const WHOLE_MS = 20_000;

export interface LooksOptions {
  /** Take processor time and memory of all this often, milliseconds. @default only when all is reconciled */
  readonly figuresMs?: number;
}

/**
 * Looks at the fleet whenever something changed: told by one connection to the session server and by the folders that
 * hooks report to, whatever the number of agents. Only agents of which there is news are looked at; the whole is reconciled
 * where what there is has changed, and now and then. Each look is yielded, and nothing else is.
 */
export async function* looks(
  deps: Deps,
  scope: Scope,
  warn: (warning: Warning) => void,
  call?: Call,
  { figuresMs = Number.POSITIVE_INFINITY }: LooksOptions = {},
): AsyncGenerator<Reconciled> {
  const ended = new AbortController();
  const signal = call?.signal === undefined ? ended.signal : AbortSignal.any([call.signal, ended.signal]);
  const news = new News(deps.clock);
  const pushed = follow(deps, news, signal);
  let isRegistryNew = false;
  const folders = deps.host.files.watch?.((folder) => {
    if (folder !== deps.paths.home) return news.folder(folder);
    isRegistryNew = true;
    news.hasPrinted();
  });
  /** When an agent was last heard of, by id. */
  const stirred = new Map<string, number>();
  try {
    let askedAt = deps.clock.now();
    let whole: Reconciled = await reconcile(deps, scope, warn, call);
    let [wholeAt, lookedAt, figuresAt] = [deps.clock.now(), deps.clock.now(), deps.clock.now()];
    for (let lookAt = 0; ; ) {
      yield whole;
      // When a terminal printed is known by the second: what it printed since may be news of which nobody tells.
      for (const { record, session } of whole.agents) {
        if (session && !session.dead && session.activityAt + SECOND_MS >= askedAt) stirred.set(record.id, askedAt);
      }
      const reported = reportsOf(deps, whole.agents);
      folders?.set([deps.paths.home, ...reported.keys()]);
      for (;;) {
        const now = deps.clock.now();
        const lively = [...stirred.values()].some((at) => now - at < OF_LATE_MS);
        lookAt =
          lookedAt +
          Math.min(lively ? LIVELY_MS : QUIET_MS, news.folders.size > 0 ? LEAST_MS : QUIET_MS, news.printed ? PRINTED_MS : QUIET_MS);
        const due = Math.min(lookAt, figuresAt + figuresMs);
        if (due <= now) break;
        await news.wait(due - now, call);
      }
      if (lookAt > deps.clock.now()) {
        whole = await measured(deps, whole, call);
        figuresAt = deps.clock.now();
        continue;
      }
      const heard = news.take();
      const now = deps.clock.now();
      askedAt = now;
      const ids = new Set([...heard].flatMap((folder) => reported.get(folder) ?? []));
      for (const id of ids) stirred.set(id, now);
      const isWhole = now - wholeAt >= WHOLE_MS || isRegistryNew;
      isRegistryNew = false;
      const wanted = ({ record }: Seen) => ids.has(record.id) || now - (stirred.get(record.id) ?? 0) < OF_LATE_MS;
      const found = isWhole ? null : await glance(deps, scope, whole, wanted, (id) => stirred.set(id, now), warn, call);
      lookedAt = deps.clock.now();
      if (found === null) {
        whole = await reconcile(deps, scope, warn, call);
        wholeAt = lookedAt = figuresAt = deps.clock.now();
      } else if (lookedAt - figuresAt >= figuresMs) {
        whole = await measured(deps, found, call);
        figuresAt = lookedAt;
      } else whole = found;
    }
  } finally {
    ended.abort();
    folders?.close();
    await pushed;
  }
}

/** Hears the session server until it is aborted. Where it cannot be heard, looks at intervals are all there is, and it is tried again. */
async function follow(deps: Deps, news: News, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const _ of deps.sessions.changes({ signal })) news.hasPrinted();
    } catch {
      // Aborted, or not to be had.
    }
    if (!signal.aborted) await deps.clock.sleep(QUIET_MS, { signal }).catch(() => undefined);
  }
}

/** Agents by the folder their hooks report to. */
function reportsOf(deps: Deps, agents: readonly Seen[]): ReadonlyMap<string, string> {
  return new Map(
    agents.flatMap(({ record, session }) => {
      const adapter = session && !session.dead ? deps.adapters.get(record.adapter) : null;
      const folder = adapter === null ? null : reportsFolder(adapter, record);
      return folder === null ? [] : [[folder, record.id] as const];
    }),
  );
}
