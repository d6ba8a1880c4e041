import { basename, join } from "node:path";
import type { Repository, WarmState } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import { workSinceSetup } from "../baseline.js";
import type { Deps } from "../deps.js";
import type { Warm } from "./marks.js";

/** What an agent needs, or the next one would. */
export interface Wanted {
  /** Print of its setup. */
  readonly setup: string;
  /** Commit it starts from. */
  readonly base: string;
}

export interface Judgement {
  readonly state: WarmState;
  /** Null where it is ready, or in the making. */
  readonly reason: string | null;
}

/**
 * Files by whose change a setup may have to run as a whole, and those that change what git shows of files that are there.
 * Everything else that moves with the base is for `pool.refresh`.
 */
const DECISIVE: ReadonlySet<string> = new Set([
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  "bun.lockb",
  "deno.lock",
  "Cargo.lock",
  "Gemfile.lock",
  "composer.lock",
  "poetry.lock",
  "uv.lock",
  "pdm.lock",
  "Pipfile.lock",
  "requirements.txt",
  "go.mod",
  "go.sum",
  "mix.lock",
  "pubspec.lock",
  "Package.resolved",
  "Podfile.lock",
  "packages.lock.json",
  "gradle.lockfile",
  "flake.lock",
  ".tool-versions",
  ".gitattributes",
  ".gitignore",
  ".gitmodules",
]);

/**
 * What a warm worktree is good for at this moment, by facts: where it lies, what git says of it, what it was set up with and what has
 * changed since. `wanted` null: only whether somebody has worked in it.
 */
export async function judgeWarm(deps: Deps, repo: Repository, found: Warm, wanted: Wanted | null, call?: Call): Promise<Judgement> {
  const { warm, inPlace, path } = found;
  if (path === null) return { state: "gone", reason: "its folder is gone" };
  if (!inPlace) return { state: "dirty", reason: `it was moved from ${warm.worktree} to ${path}` };
  if (!warm.ready) return { state: "making", reason: null };
  const facts = await deps.git.inspect(repo, { path, adminDir: warm.adminDir }, call);
  const work = await workSinceSetup(deps, warm, facts);
  if (facts.branch !== null) work.push(`the branch ${facts.branch} checked out`);
  // That a branch was amended away from its base is no work in it.
  if (facts.leftBehind.length > 0) work.push("commits on no branch");
  if (facts.submodules.length > 0) work.push("commits in a submodule");
  if (facts.locked !== null) work.push("a git worktree lock");
  if ((await deps.host.files.stat(join(warm.adminDir, "index.lock"))) !== null)
    work.push("the lock of a git at work, or of one that was killed");
  if (work.length > 0) return { state: "dirty", reason: `it holds ${work.slice(0, 3).join(", ")}${work.length > 3 ? ", …" : ""}` };
  if (wanted === null) return { state: "ready", reason: null };
  if (warm.setup !== wanted.setup) return { state: "stale", reason: "setup or credential files are others now" };
  if (warm.base === wanted.base) return { state: "ready", reason: null };
  const seen = [...facts.modified, ...facts.untracked].filter((file) => !warm.credentials.includes(file));
  if (seen.length > 0) return { state: "stale", reason: `setup left ${seen[0]}, which git sees, and the base has moved on` };
  const changed = await deps.git.changedPaths(repo, warm.base, wanted.base, call);
  const decisive = changed.find(({ path: file, submodule }) => submodule || DECISIVE.has(basename(file)));
  if (decisive !== undefined) return { state: "stale", reason: `${decisive.path} has changed` };
  return { state: "ready", reason: null };
}
