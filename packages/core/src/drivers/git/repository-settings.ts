import { elapsedMs, type Repository } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { type ConfigEntry, parseConfig } from "./parse-config.js";

/** All that planning and making worktrees wants to know: one question instead of two. */
const KEYS =
  "^(remote\\..*\\.fetch|extensions\\.|hook\\.|filter\\..*\\.(smudge|process)$|includeif\\.onbranch:|checkout\\.(workers|thresholdforparallelism)$|core\\.(ignorecase|hookspath|sparsecheckout|sharedrepository)$|worktree\\.userelativepaths$)";
/** What was read for planning serves the making that follows it, if that comes this soon, milliseconds. */
const FRESH_MS = 1000;

const lately = new WeakMap<Repository, { readonly at: number; readonly entries: Promise<readonly ConfigEntry[]> }>();

/** The settings of a repository that decide how branches and worktrees are made in it. One git call. */
export async function repositorySettings(git: Git, repo: Repository, call?: Call): Promise<readonly ConfigEntry[]> {
  const entries = read(git, repo, call);
  lately.set(repo, { at: elapsedMs(), entries });
  return entries;
}

/** As {@link repositorySettings}, or what it answered a moment ago: that serves once. */
export async function latestSettings(git: Git, repo: Repository, call?: Call): Promise<readonly ConfigEntry[]> {
  const last = lately.get(repo);
  lately.delete(repo);
  if (last !== undefined && elapsedMs() - last.at < FRESH_MS) {
    const entries = await last.entries.catch(() => null);
    if (entries !== null) return entries;
  }
  return read(git, repo, call);
}

async function read(git: Git, repo: Repository, call?: Call): Promise<readonly ConfigEntry[]> {
  const args = ["config", "-z", "--get-regexp", KEYS];
  const { exitCode, stdout } = await git.run(repo.commonDir, args, { kind: "quick", accept: [0, 1] }, call);
  // Nothing found is 1.
  if (exitCode === 0 && !stdout.endsWith("\0")) throw senseless(args, stdout);
  return parseConfig(stdout);
}
