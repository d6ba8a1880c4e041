import { join } from "node:path";
import type { Snapshot } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { isProject } from "./given-up.js";

/**
 * The common git directories of every repository that may have agents of this home: those the
 * registry names and those that the worktrees under `worktree.root` name. The second half is what
 * finds the fleet again when the registry is lost.
 */
export async function discoverRepositories(deps: Deps, snapshot: Snapshot): Promise<readonly string[]> {
  const found = new Set([...snapshot.repositories, ...snapshot.agents.map((agent) => agent.commonDir)]);
  const { files } = deps.host;
  const root = deps.settings.config.worktree.root;
  for (const project of ((await files.list(root)) ?? []).filter(isProject)) {
    for (const slug of (await files.list(join(root, project)).catch(() => null)) ?? []) {
      const link = await deps.git.readLink(join(root, project, slug));
      if (link === null) continue;
      found.add(link.commonDir);
      // Every worktree of a project folder is of one repository: one answer is enough.
      break;
    }
  }
  return [...found].sort();
}
