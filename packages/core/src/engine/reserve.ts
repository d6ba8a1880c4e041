import { join } from "node:path";
import { FleetError } from "../errors/index.js";
import type { AgentRecord, Repository, Warning } from "../model/index.js";
import type { Deps } from "./deps.js";
import type { Seen } from "./look.js";
import { projectName } from "./names.js";
import { branchBlocked, newRecord, type Plan } from "./plan.js";
import type { Reserved } from "./queued/change.js";
import { roomFor } from "./queued/room.js";
import { readWhy, writeWhy } from "./queued/why.js";

/** Throws `AGENT_EXISTS` if one of the branches has an agent. */
export function refuseExisting(agents: readonly Seen[], repo: Repository, branches: readonly string[]): void {
  for (const branch of branches) {
    const there = agents.find(({ record }) => record.commonDir === repo.commonDir && record.branch === branch);
    if (there !== undefined) throw agentExists(there.record);
  }
}

/** As refuseExisting, but on the registry as it is now: another call may have taken a name since we looked. */
export async function refuseReserved(deps: Deps, repo: Repository, branches: readonly string[]): Promise<void> {
  const { agents } = await deps.store.read();
  const twin = agents.find((agent) => agent.commonDir === repo.commonDir && branches.includes(agent.branch));
  if (twin !== undefined) throw agentExists(twin);
}

/**
 * Takes names and places for several agents at once, under the registry's lock: from here on no other call can take them.
 * Those for which there is no place now, or that would overtake what is queued, are `queued`. Throws `AGENT_EXISTS` or
 * `BRANCH_IN_USE`, and takes none of them then.
 */
export async function reserve(
  deps: Deps,
  repo: Repository,
  plans: readonly Plan[],
  running: readonly Seen[],
  warn: (warning: Warning) => void,
): Promise<readonly Reserved[]> {
  await deps.prepareHome(warn);
  const self = await deps.processes.self();
  const onDisk = (await deps.host.files.list(join(deps.settings.config.worktree.root, projectName(repo)))) ?? [];
  const room = await roomFor(deps, running);
  const held = room === null ? {} : (await readWhy(deps)).one;
  const { reserved, why } = await deps.store.update((draft) => {
    const here = draft.agents.filter((agent) => agent.commonDir === repo.commonDir);
    for (const plan of plans) refuseTaken(here, plan.wish.branch);
    const now = room?.(draft);
    const ahead = draft.agents.filter(({ id, status }) => status === "queued" && !(id in held)).length;
    const places = now === undefined ? plans.length : now.places - ahead;
    const taken = new Set([...here.map((agent) => agent.slug), ...onDisk]);
    const made = plans.map((plan, at) => {
      const starting = newRecord(deps, repo, plan, taken, self);
      const record: AgentRecord = at < places ? starting : { ...starting, status: "queued" };
      taken.add(record.slug);
      draft.agents.push(record);
      if (!draft.repositories.includes(repo.commonDir)) draft.repositories.push(repo.commonDir);
      return { plan, record };
    });
    // With those that have just taken their places.
    return { reserved: made, why: places < plans.length ? room?.(draft).why : undefined };
  });
  if (why !== undefined) await writeWhy(deps, { all: why, one: held });
  return reserved;
}

/** Throws where a branch has an agent, or could not be made beside that of one that is queued and has none yet. */
function refuseTaken(here: readonly AgentRecord[], branch: string): void {
  for (const agent of here) {
    if (agent.branch === branch) throw agentExists(agent);
    const isInside = branch.startsWith(`${agent.branch}/`) || agent.branch.startsWith(`${branch}/`);
    if (isInside && agent.status === "queued") throw branchBlocked(branch, agent.branch);
  }
}

function agentExists(record: AgentRecord): FleetError {
  return new FleetError("AGENT_EXISTS", `An agent works on "${record.branch}" already (${record.status}).`, {
    hint: `\`fleet attach\`, \`fleet prompt\` or \`fleet kill\` it; \`fleet create --replace\` ends it first if nothing would be lost.`,
    data: { branch: record.branch, id: record.id, status: record.status },
  });
}
