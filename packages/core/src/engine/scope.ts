import { FleetError } from "../errors/index.js";
import type { Repository } from "../model/index.js";
import type { Deps } from "./deps.js";
import type { Scope } from "./reconcile.js";

/** The repository a making call needs, with the folder it was named by. Throws `NOT_A_REPOSITORY`. */
export function requireRepo(deps: Deps): { readonly repo: Repository; readonly folder: string } {
  if (deps.repo !== null) return { repo: deps.repo, folder: deps.folder ?? deps.repo.path };
  throw new FleetError("NOT_A_REPOSITORY", "This needs a git repository, and none was named.", {
    hint: "Run it inside a repository, or name one with --repo.",
  });
}

/** What this fleet looks at: its repository, or all of the home. */
export function scopeOf(deps: Deps, allRepos = false): Scope {
  return { commonDir: allRepos || deps.repo === null ? null : deps.repo.commonDir };
}
