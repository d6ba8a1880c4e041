import { join } from "node:path";
import type { Repository } from "../../../model/index.js";
import type { Call } from "../../../ports/index.js";
import type { Git } from "../client.js";
import { isTrue } from "../parse-config.js";
import { latestSettings } from "../repository-settings.js";

/** What a repository's settings say about making worktrees in it. */
export interface AddSettings {
  /**
   * Whether an admin directory may be written by us: the layout that gitrepository-layout(5) describes
   * and nothing beyond it. Otherwise `git worktree add` does it.
   */
  readonly plain: boolean;
  /** Whether git may use as many processes for one checkout as there are processors: the user has not said how many. */
  readonly manyWorkers: boolean;
  /** Folder of hooks as set, null for the repository's own. May be relative to the worktree. */
  readonly hooksPath: string | null;
  /** Whether all worktrees of one commit get the same files: neither a filter of unknown ways nor a setting of some branches has a say. */
  readonly alike: boolean;
  /** Hooks may be set up in configuration (newer gits): git must be asked to run whichever there are. */
  readonly configuredHooks: boolean;
}

/** Extensions of the repository format that change nothing about admin directories. */
const HARMLESS = new Set([
  "extensions.objectformat",
  "extensions.compatobjectformat",
  "extensions.partialclone",
  "extensions.preciousobjects",
  "extensions.noop",
]);

/** What git-lfs writes into settings. It knows files by their content alone. */
const LFS = /^git[ -]lfs (smudge|filter-process)( |$)/;

export async function readAddSettings(git: Git, repo: Repository, call?: Call): Promise<AddSettings> {
  let plain = true;
  let alike = true;
  let manyWorkers = true;
  let configuredHooks = false;
  let hooksPath: string | null = null;
  for (const { key, value } of await latestSettings(git, repo, call)) {
    if (key.startsWith("hook.")) configuredHooks = true;
    else if (key.startsWith("filter.")) alike &&= key.startsWith("filter.lfs.") && value !== null && LFS.test(value);
    else if (key.startsWith("includeif.")) alike = false;
    else if (key.startsWith("checkout.")) manyWorkers = false;
    else if (key.startsWith("extensions.")) plain &&= HARMLESS.has(key) || (key === "extensions.refstorage" && value === "files");
    else if (key === "core.sharedrepository") plain &&= value === "umask" || value === "false" || value === "0";
    else if (key === "core.sparsecheckout" || key === "worktree.userelativepaths") plain &&= !isTrue(value);
    else if (key === "core.hookspath") {
      hooksPath = value === "" || value === null ? null : value.replace(/^~(?=\/|$)/, () => git.host.env.HOME ?? "~");
      // Another user's home, or git's own folder: only git knows where that is.
      if (/^~|^%\(/.test(hooksPath ?? "")) configuredHooks = true;
    }
  }
  return { plain, alike: plain && alike, manyWorkers, hooksPath, configuredHooks };
}

/** Whether a post-checkout hook may be there to run in that worktree. */
export async function mayHavePostCheckout(git: Git, repo: Repository, settings: AddSettings, worktree: string): Promise<boolean> {
  if (settings.configuredHooks) return true;
  const { hooksPath } = settings;
  const folder = hooksPath === null ? join(repo.commonDir, "hooks") : hooksPath.startsWith("/") ? hooksPath : join(worktree, hooksPath);
  return (await git.host.files.stat(join(folder, "post-checkout"))) !== null;
}
