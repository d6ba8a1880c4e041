import type { Deps } from "../../engine/deps.js";
import { mapPool } from "../../engine/pool.js";
import { scopeOf } from "../../engine/scope.js";
import { looks } from "../../engine/watch.js";
import type { CallOptions, ListedAgent, ListOptions } from "../types.js";
import { fill } from "./call.js";
import { changesOf, listed, select, wantedStatuses } from "./list.js";

/** Processor time and memory change without a word, milliseconds. */
const FIGURES_MS = 5000;

/** The list, whenever something in it may have changed. The look into every worktree comes after the first picture, so that that one is there at once. */
export async function* watch(deps: Deps, options: ListOptions, call?: CallOptions): AsyncGenerator<ListedAgent[]> {
  const full = fill(call);
  const wanted = wantedStatuses(options);
  let isFirst = true;
  for await (const found of looks(deps, scopeOf(deps, options.allRepos), full.warn, full, { figuresMs: FIGURES_MS })) {
    const agents = select(found, options, wanted);
    if (options.changes !== true || isFirst) yield agents.map((seen) => listed(seen));
    isFirst = false;
    if (options.changes !== true) continue;
    const { maxParallel } = deps.settings.config.fleet;
    yield await mapPool(agents, maxParallel, async (seen) => listed(seen, await changesOf(deps, seen, call)), call);
  }
}
