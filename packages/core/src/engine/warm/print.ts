import { createHash } from "node:crypto";
import type { Repository } from "../../model/index.js";
import { credentialPrints } from "../credentials.js";
import type { Deps } from "../deps.js";

/**
 * Hash over all that decides what setup makes of a checkout: the commands, what the adapter adds to their environment, the
 * credential files with their content, and what is shared. A warm worktree of another print is of no use.
 */
export async function setupPrint(deps: Deps, repo: Repository, commands: readonly string[], adapter: string): Promise<string> {
  const { agents, setup } = deps.settings.config;
  const env = Object.entries(agents[adapter]?.env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const credentials = repo.bare ? [] : await credentialPrints(deps, repo.path, setup.credentialFiles);
  const shared = setup.share.length > 0 ? [setup.share, setup.shareHow] : [];
  return createHash("sha256")
    .update(JSON.stringify([commands, env, setup.credentialFiles, credentials, ...shared]))
    .digest("hex");
}

/** What the pool is set up with: what an agent of the default adapter would be. */
export function poolPrint(deps: Deps, repo: Repository): Promise<string> {
  return setupPrint(deps, repo, poolCommands(deps), deps.settings.config.agent.default);
}

export function poolCommands({ settings: { config } }: Deps): readonly string[] {
  return config.setup.quick ? [] : config.setup.commands;
}
