import { join } from "node:path";
import type { Deps } from "../deps.js";
import type { Seen } from "../look.js";
import { type QueuedAgents, readEntries } from "./entries.js";

/** Why agents are queued, as whoever looked last has found. */
export interface Why {
  /** What holds of all of them. */
  readonly all: string;
  /** What holds up one of them whatever room there is, by its id. */
  readonly one: Readonly<Record<string, string>>;
}

const fileOf = (deps: Deps) => join(deps.paths.run, "queue.json");

export async function readWhy(deps: Deps): Promise<Why> {
  try {
    const { all, one } = JSON.parse((await deps.host.files.read(fileOf(deps))) ?? "") as Partial<Why>;
    const known = Object.entries(one ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return { all: typeof all === "string" ? all : "", one: Object.fromEntries(known) };
  } catch {
    return { all: "", one: {} };
  }
}

/** Only what people are told: that it cannot be written is no reason to fail. */
export async function writeWhy(deps: Deps, why: Why): Promise<void> {
  await deps.host.files.write(fileOf(deps), `${JSON.stringify(why)}\n`, 0o600, deps.paths.run).catch(() => undefined);
}

/** The same agents, those that are queued with the reason. Costs nothing where none is. */
export async function withReasons(deps: Deps, agents: readonly Seen[], queued?: QueuedAgents): Promise<readonly Seen[]> {
  if (!agents.some(({ record }) => record.status === "queued")) return agents;
  const why = await readWhy(deps);
  const { entries } = queued ?? (await readEntries(deps));
  const line = [...entries.values()].filter(({ record }) => record.status === "queued").map(({ record }) => record.id);
  return agents.map((seen) => {
    if (seen.record.status !== "queued") return seen;
    const { id } = seen.record;
    const before = line.indexOf(id);
    return { ...seen, reason: why.one[id] ?? [why.all, ...(before > 0 ? [`${before} before it`] : [])].filter(Boolean).join("; ") };
  });
}
