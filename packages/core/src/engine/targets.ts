import { FleetError } from "../errors/index.js";
import type { Target } from "../model/index.js";
import { matchesGlob } from "./glob.js";
import type { Seen } from "./look.js";

/** Whether a target names one agent and nothing else. */
export function isSingle(target: Target): target is string {
  return typeof target === "string" && !isGlob(target);
}

/** Whether every name of a target is found among these agents; batches and "all" are not names. */
export function namesKnown(agents: readonly Seen[], target: Target): boolean {
  if (typeof target === "object" && !Array.isArray(target)) return true;
  const names = typeof target === "string" ? [target] : (target as readonly string[]);
  return names.every((name) => isGlob(name) || agents.some(({ record }) => record.branch === name || record.id === name));
}

/** The agents a target names. Throws `AGENT_NOT_FOUND` or `BATCH_NOT_FOUND`, naming what comes nearest. */
export function pick(agents: readonly Seen[], target: Target): readonly Seen[] {
  if (typeof target === "object" && "all" in target) return agents;
  if (typeof target === "object" && "batch" in target) {
    const batch = agents.filter(({ record }) => record.batch === target.batch);
    if (batch.length === 0) {
      throw new FleetError("BATCH_NOT_FOUND", `No batch has the id "${target.batch}".`, {
        hint: "`fleet list --grouped` shows the batches.",
      });
    }
    return batch;
  }
  const names = typeof target === "string" ? [target] : (target as readonly string[]);
  const picked = new Set<Seen>();
  for (const name of names) for (const seen of byName(agents, name)) picked.add(seen);
  return [...picked];
}

/** The one agent of a branch or id. */
export function pickOne(agents: readonly Seen[], name: string): Seen {
  const found = agents.filter(({ record }) => record.branch === name);
  const matches = found.length > 0 ? found : agents.filter(({ record }) => record.id === name);
  const [only, other] = matches;
  if (only === undefined) throw notFound(agents, name);
  if (other !== undefined) {
    throw new FleetError("USAGE", `Several repositories have an agent on "${name}".`, {
      hint: `Say which with --repo, or use an id: ${matches.map(({ record }) => `${record.id} (${record.repo})`).join(", ")}.`,
    });
  }
  return only;
}

function byName(agents: readonly Seen[], name: string): readonly Seen[] {
  // A branch may well hold a character of a glob: the exact name goes first.
  if (!isGlob(name) || agents.some(({ record }) => record.branch === name)) return [pickOne(agents, name)];
  const matches = agents.filter(({ record }) => matchesGlob(name, record.branch));
  if (matches.length === 0) throw notFound(agents, name);
  return matches;
}

export function isGlob(name: string): boolean {
  return /[*?]/.test(name);
}

function notFound(agents: readonly Seen[], name: string): FleetError {
  const nearest = agents.map(({ record }) => record.branch).filter((branch) => branch.includes(name) || name.includes(branch));
  return new FleetError("AGENT_NOT_FOUND", name === "" ? "The name of an agent is empty." : `No agent is on "${name}".`, {
    hint: nearest.length > 0 ? `Did you mean ${nearest.slice(0, 3).join(", ")}?` : "`fleet list` shows the agents.",
    data: { name },
  });
}
