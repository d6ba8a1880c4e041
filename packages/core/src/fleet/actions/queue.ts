import type { Deps } from "../../engine/deps.js";
import type { Seen } from "../../engine/look.js";
import { agentOfQueued, dropQueued as drop, queuedPrompts } from "../../engine/queue.js";
import type { QueuedPrompt, Target } from "../../model/index.js";
import type { CallOptions } from "../types.js";
import { find } from "./find.js";

/** The prompts that wait for these agents to be idle. */
export async function queued(deps: Deps, target: Target, call?: CallOptions): Promise<readonly QueuedPrompt[]> {
  const { agents, ids } = await choose(deps, target, call);
  const prompts = await queuedPrompts(
    deps,
    agents.map(({ record }) => record),
  );
  return prompts.filter(({ id, agent }) => ids.get(agent)?.has(id) ?? true);
}

/** Lets go of them; one that is being typed is given, and not among what was dropped. */
export async function dropQueued(deps: Deps, target: Target, call?: CallOptions): Promise<readonly QueuedPrompt[]> {
  const { agents, ids } = await choose(deps, target, call);
  const dropped: QueuedPrompt[] = [];
  for (const { record } of agents) dropped.push(...(await drop(deps, record, ids.get(record.id) ?? null, call)));
  return dropped;
}

/** Agents that are meant, with the prompts of those of which not all are. A name may be that of a prompt. */
async function choose(
  deps: Deps,
  target: Target,
  call?: CallOptions,
): Promise<{ readonly agents: readonly Seen[]; readonly ids: ReadonlyMap<string, ReadonlySet<string>> }> {
  if (typeof target === "object" && !Array.isArray(target)) return { agents: await find(deps, target, call), ids: new Map() };
  const names = typeof target === "string" ? [target] : (target as readonly string[]);
  const ids = new Map<string, Set<string>>();
  const others: string[] = [];
  for (const name of names) {
    const agent = await agentOfQueued(deps, name);
    if (agent === null) others.push(name);
    else ids.set(agent, (ids.get(agent) ?? new Set()).add(name));
  }
  const whole = others.length === 0 ? [] : await find(deps, others.length === 1 ? (others[0] as string) : others, call);
  for (const { record } of whole) ids.delete(record.id);
  const some = ids.size === 0 ? [] : await find(deps, [...ids.keys()], call);
  return { agents: [...whole, ...some], ids };
}
