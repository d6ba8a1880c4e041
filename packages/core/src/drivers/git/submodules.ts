import { join, relative, resolve } from "node:path";
import type { SubmoduleLoss } from "../../model/index.js";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { indexOddities } from "./index-file.js";
import { cutNewline } from "./links.js";
import { parseStatus } from "./parse-status.js";
import { parseCount } from "./rev-list.js";

/** What the submodules of a worktree hold that goes with it. */
export interface SubmoduleFacts {
  /** Ignored files in them, relative to the worktree. */
  readonly ignored: readonly string[];
  /** Those with commits of their own. */
  readonly submodules: readonly SubmoduleLoss[];
}

/**
 * Looks into submodules: their repositories lie in the worktree's admin directory, or in the worktree, so
 * that commits made in them are nowhere else until they are pushed. Status tells of none that is recorded or not checked out.
 */
export async function inspectSubmodules(
  git: Git,
  worktree: { readonly path: string; readonly adminDir: string },
  links: readonly string[],
  call?: Call,
): Promise<SubmoduleFacts> {
  const ignored: string[] = [];
  const submodules: SubmoduleLoss[] = [];
  const seen = new Set<string>();
  const visit = async (folder: string, paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      const place = join(folder, path);
      const gitDir = await gitDirOf(git.host.files, place);
      if (gitDir === null || seen.has(gitDir)) continue;
      seen.add(gitDir);
      const name = relative(worktree.path, place);
      const args = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignored=matching", "--no-renames"];
      const status = await git.run(place, args, { kind: "scan" }, call);
      const parsed = parseStatus(status.stdout);
      if (parsed === null) throw senseless(args, status.stdout);
      ignored.push(...parsed.ignored.map((file) => `${name}/${file}`));
      await judge(gitDir, name);
      await visit(place, (await indexOddities(git, place, gitDir, call)).links);
    }
  };
  const judge = async (gitDir: string, name: string): Promise<void> => {
    const commits = await ownCommits(git, gitDir, call);
    if (commits > 0) submodules.push({ path: name, commits });
  };
  await visit(worktree.path, links);
  for (const gitDir of await modulesIn(git.host.files, join(worktree.adminDir, "modules"))) {
    if (!seen.has(gitDir)) await judge(gitDir, relative(join(worktree.adminDir, "modules"), gitDir));
  }
  return { ignored, submodules };
}

/** A submodule's git directory; null where it is not checked out. */
async function gitDirOf(files: HostFiles, folder: string): Promise<string | null> {
  const file = join(folder, ".git");
  const kind = (await files.stat(file))?.kind;
  if (kind === "folder") return files.realPath(file);
  if (kind !== "file") return null;
  const named = /^gitdir: ([\s\S]+)$/.exec(cutNewline((await files.read(file)) ?? ""))?.[1];
  return named === undefined ? null : files.realPath(resolve(folder, named));
}

/** Repositories below an admin directory's `modules`: names of submodules may have slashes, and they may have submodules. */
async function modulesIn(files: HostFiles, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await files.list(folder)) ?? []) {
    const place = join(folder, name);
    if ((await files.stat(place))?.kind !== "folder") continue;
    const isRepository = (await files.stat(join(place, "HEAD"))) !== null && (await files.stat(join(place, "objects"))) !== null;
    if (isRepository) found.push((await files.realPath(place)) ?? place);
    found.push(...(await modulesIn(files, isRepository ? join(place, "modules") : place)));
  }
  return found;
}

/** Commits of HEAD, branches and stash that no remote branch holds. What was fetched by its id alone came from a remote, too. */
async function ownCommits(git: Git, gitDir: string, call?: Call): Promise<number> {
  const fetched = ((await git.host.files.read(join(gitDir, "FETCH_HEAD"))) ?? "").match(/^[0-9a-f]{40,64}/gm) ?? [];
  // A pattern, or git would look for refs below it.
  const tips = ["--branches", "--glob=refs/stas[h]", "--not", "--remotes", ...new Set(fetched)];
  // The folder it was checked out to may be gone: no work tree is needed to count.
  const env = { GIT_DIR: gitDir, GIT_WORK_TREE: gitDir };
  const args = ["rev-list", "--count", "--ignore-missing"];
  const count = async (revisions: readonly string[], accept: readonly number[]) =>
    git.run(gitDir, [...args, ...revisions], { kind: "scan", env, accept }, call);
  const all = await count(["HEAD", ...tips], [0, 128]);
  // 128: HEAD is on a branch without a commit.
  return parseCount(args, (all.exitCode === 0 ? all : await count(tips, [0])).stdout);
}
