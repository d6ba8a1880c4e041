import type { Deps } from "../../engine/deps.js";
import { scopeOf } from "../../engine/scope.js";
import { looks } from "../../engine/watch.js";
import type { FleetEvent } from "../../model/index.js";
import type { CallOptions, ListedAgent } from "../types.js";
import { fill } from "./call.js";
import { listed } from "./list.js";

/** Tells what changes: agents that come, change their status and go. Those already there come first, as created. */
export async function* events(deps: Deps, call?: CallOptions): AsyncGenerator<FleetEvent> {
  const full = fill(call);
  let before = new Map<string, ListedAgent>();
  for await (const { agents } of looks(deps, scopeOf(deps), full.warn, full)) {
    const at = new Date(deps.clock.now()).toISOString();
    const now = new Map(agents.map((seen) => [seen.record.id, listed(seen)]));
    for (const [id, agent] of now) {
      const old = before.get(id);
      if (old === undefined) yield { type: "agent.created", at, agent };
      else if (old.status !== agent.status) yield { type: "agent.status", at, agent, from: old.status, to: agent.status };
    }
    for (const [id, agent] of before) if (!now.has(id)) yield { type: "agent.removed", at, agent };
    before = now;
  }
}
