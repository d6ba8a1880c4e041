import { join } from "node:path";
import { FleetError } from "../errors/index.js";
import { type AgentRecord, isAlive, type Repository, type Warning } from "../model/index.js";
import type { Deps } from "./deps.js";
import type { Seen } from "./look.js";
import { projectName } from "./names.js";
import { newRecord, type Plan } from "./plan.js";

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
 * Takes names and places for several agents at once, under the registry's lock: from here on no
 * other call can take them. Throws `AGENT_EXISTS` or `LIMIT_REACHED`, and takes none of them then.
 */
export async function reserve(
  deps: Deps,
  repo: Repository,
  plans: readonly Plan[],
  running: readonly Seen[],
  warn: (warning: Warning) => void,
): Promise<readonly { readonly plan: Plan; readonly record: AgentRecord }[]> {
  await deps.prepareHome(warn);
  const self = await deps.processes.self();
  const onDisk = (await deps.host.files.list(join(deps.settings.config.worktree.root, projectName(repo)))) ?? [];
  const alive = new Set(running.filter(({ record }) => isAlive(record.status)).map(({ record }) => record.id));
  return deps.store.update((draft) => {
    const here = draft.agents.filter((agent) => agent.commonDir === repo.commonDir);
    for (const plan of plans) {
      const twin = here.find((agent) => agent.branch === plan.wish.branch);
      if (twin !== undefined) throw agentExists(twin);
    }
    refuseTooMany(deps, draft.agents.filter((agent) => alive.has(agent.id) || agent.status === "starting").length, plans.length);
    const taken = new Set([...here.map((agent) => agent.slug), ...onDisk]);
    return plans.map((plan) => {
      const record = newRecord(deps, repo, plan, taken, self);
      taken.add(record.slug);
      draft.agents.push(record);
      if (!draft.repositories.includes(repo.commonDir)) draft.repositories.push(repo.commonDir);
      return { plan, record };
    });
  });
}

/** Throws `LIMIT_REACHED` if so many more would be over `fleet.max_running`. */
export function refuseTooMany(deps: Deps, running: number, more: number): void {
  const limit = deps.settings.config.fleet.maxRunning;
  if (limit === null || running + more <= limit) return;
  throw new FleetError(
    "LIMIT_REACHED",
    `${running} agents run, and fleet.max_running allows ${limit}: there is no room for ${more} more.`,
    {
      hint: "Stop or kill some first, or raise fleet.max_running.",
      data: { running, limit, asked: more },
    },
  );
}

function agentExists(record: AgentRecord): FleetError {
  return new FleetError("AGENT_EXISTS", `An agent works on "${record.branch}" already (${record.status}).`, {
    hint: `\`fleet attach\`, \`fleet prompt\` or \`fleet kill\` it; \`fleet create --replace\` ends it first if nothing would be lost.`,
    data: { branch: record.branch, id: record.id, status: record.status },
  });
}
