import { join } from "node:path";
import { toFleetError } from "../../errors/index.js";
import type { Deps } from "../deps.js";
import type { Entry } from "./entries.js";

/**
 * Finds where queued agents are to be started: the fleet of their repository, by its settings as they are now. Answers with
 * what stands against it where that cannot be opened. A repository is opened anew only where one of its files has changed.
 */
export function placesOf(deps: Deps): (entry: Entry) => Promise<Deps | string> {
  const known = new Map<string, { readonly stamp: string; readonly place: Deps | string }>();
  return async ({ record: { repo, commonDir }, ignoreProjectConfig }) => {
    const stamp = await stampOf(deps, [commonDir, deps.paths.config, deps.paths.trust, join(repo, ".aifleet", "config.toml")]);
    const key = `${ignoreProjectConfig} ${repo}`;
    const before = known.get(key);
    if (before?.stamp === stamp) return before.place;
    const place = await open(deps, repo, commonDir, ignoreProjectConfig);
    known.set(key, { stamp, place });
    return place;
  };
}

async function open(deps: Deps, repo: string, commonDir: string, ignoreProjectConfig: boolean): Promise<Deps | string> {
  try {
    const place = await deps.inRepository(repo, { ignoreProjectConfig });
    if (place.repo?.commonDir !== commonDir) return `${repo} is another repository by now`;
    place.requireTrust();
    return place;
  } catch (error) {
    return toFleetError(error).message.replace(/\.$/, "");
  }
}

/** What tells whether one of these was written: of the repository only whether it is there. */
async function stampOf({ host: { files } }: Deps, [commonDir = "", ...paths]: readonly string[]): Promise<string> {
  const isThere = (await files.stat(commonDir).catch(() => null)) !== null;
  const stats = await Promise.all(paths.map((path) => files.stat(path).catch(() => null)));
  return JSON.stringify([isThere, ...stats.map((stat) => (stat === null ? null : [stat.modifiedAt, stat.size]))]);
}
