import { join } from "node:path";
import { FleetError } from "../../errors/index.js";
import type { Worktree, WorktreeChanges } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { cutNewline, readLink } from "./links.js";
import { parseStatus } from "./parse-status.js";
import { requireOid } from "./refs.js";
import { resolveCommit } from "./resolve.js";
import { parseCount } from "./rev-list.js";
import { withScratchIndex } from "./scratch-index.js";

type Place = Pick<Worktree, "path" | "adminDir">;

/** What has happened since `base`, in numbers. */
export async function changesSince(git: Git, worktree: Place, base: string, call?: Call): Promise<WorktreeChanges> {
  const commit = await baseCommit(git, worktree, base, call);
  const status = ["status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--untracked-files=all", "--no-renames"];
  const [{ stdout }, ahead, behind] = await Promise.all([
    git.run(worktree.path, status, { kind: "scan" }, call),
    count(git, worktree.path, ["HEAD", "--not", commit], call),
    countBehind(git, worktree, call),
  ]);
  const found = parseStatus(stdout);
  if (found === null) throw senseless(status, stdout);
  const { modified, untracked } = found;
  const lines = await withUntracked(
    git,
    worktree,
    untracked,
    (env) => {
      const args = ["diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none", commit, "--"];
      return git.run(worktree.path, args, { kind: "scan", env }, call);
    },
    call,
  );
  return { ...parseNumstat(lines.stdout), ahead, behind, dirty: modified.length > 0 || untracked.length > 0 };
}

/** The diff against `base` as text for a person: what is committed, staged, changed and untracked. */
export async function diffSince(
  git: Git,
  worktree: Place,
  base: string,
  options: { readonly stat: boolean; readonly color: boolean },
  call?: Call,
): Promise<string> {
  const commit = await baseCommit(git, worktree, base, call);
  const others = ["ls-files", "-z", "--others", "--exclude-standard"];
  const { stdout } = await git.run(worktree.path, others, { kind: "scan" }, call);
  const untracked = stdout.split("\0").filter((path) => path !== "");
  const { stdout: text } = await withUntracked(
    git,
    worktree,
    untracked,
    (env) => {
      const shape = options.stat ? ["--stat"] : ["--patch"];
      const args = ["diff", ...shape, `--color=${options.color ? "always" : "never"}`, "--no-ext-diff", commit, "--"];
      return git.run(worktree.path, args, { kind: "scan", env }, call);
    },
    call,
  );
  return text;
}

/**
 * Runs a diff that sees untracked files: a copy of the index is told that they will be added, which
 * writes no object but the empty one. Nested repositories (their paths end in `/`) have no diff and are left out.
 */
async function withUntracked<T>(
  git: Git,
  worktree: Place,
  untracked: readonly string[],
  diff: (env: Record<string, string>) => Promise<T>,
  call?: Call,
): Promise<T> {
  const paths = untracked.filter((path) => !path.endsWith("/"));
  if (paths.length === 0) return diff({});
  return withScratchIndex(git.host, worktree.adminDir, async (file) => {
    const env = { GIT_INDEX_FILE: file };
    const input = paths.map((path) => `${path}\0`).join("");
    const add = [
      "--literal-pathspecs",
      "add",
      "--intent-to-add",
      "--force",
      "--ignore-errors",
      "--pathspec-from-file=-",
      "--pathspec-file-nul",
    ];
    // 1, 128: one of them went away meanwhile; the others are in.
    await git.run(worktree.path, add, { kind: "scan", env, input, accept: [0, 1, 128] }, call);
    return diff(env);
  });
}

/** Sums `git diff --numstat -z`: added, tab, removed, tab, path, NUL; `-` for binary files. */
export function parseNumstat(text: string): { added: number; removed: number; files: number } {
  let added = 0;
  let removed = 0;
  let files = 0;
  for (const record of text.split("\0")) {
    const [plus, minus, path] = record.split("\t");
    if (path === undefined) continue;
    added += Number(plus) || 0;
    removed += Number(minus) || 0;
    files++;
  }
  return { added, removed, files };
}

async function baseCommit(git: Git, worktree: Place, base: string, call?: Call): Promise<string> {
  const commit = await resolveCommit(git, worktree.path, base, call);
  if (commit === null)
    throw new FleetError("REF_NOT_FOUND", `The base ${base} is no commit of the repository any more.`, { data: { ref: base } });
  return requireOid(commit);
}

/**
 * Commits that the main worktree's branch, or its upstream, has and HEAD does not. A base is a commit
 * and remembers no branch: the branch the repository itself stands on is what agents' work goes back to.
 */
async function countBehind(git: Git, worktree: Place, call?: Call): Promise<number> {
  const link = await readLink(git.host.files, worktree.path);
  const head = cutNewline((await git.host.files.read(join(link?.commonDir ?? worktree.adminDir, "HEAD"))) ?? "");
  const branch = /^ref: (refs\/heads\/.+)$/.exec(head)?.[1];
  if (branch === undefined || branch === "refs/heads/.invalid") return 0;
  const args = ["for-each-ref", "--format=%(objectname)%0a%(upstream)", branch];
  const [tip, upstream] = (await git.run(worktree.path, args, { kind: "quick" }, call)).stdout.split("\n");
  if (tip === undefined || tip === "") return 0;
  const tips = [tip];
  const remote = upstream === undefined || upstream === "" ? null : await resolveCommit(git, worktree.path, upstream, call);
  if (remote !== null) tips.push(remote);
  return count(git, worktree.path, [...tips, "--not", "HEAD"], call);
}

/** 0 while HEAD is unborn. */
async function count(git: Git, folder: string, revisions: readonly string[], call?: Call): Promise<number> {
  const args = ["rev-list", "--count", ...revisions, "--"];
  const { exitCode, stdout } = await git.run(folder, args, { kind: "scan", accept: [0, 128] }, call);
  if (exitCode === 0) return parseCount(args, stdout);
  if ((await resolveCommit(git, folder, "HEAD", call)) === null) return 0;
  throw new FleetError("DRIVER_FAILED", `git could not count the commits of ${folder}.`);
}
