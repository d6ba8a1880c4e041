import { basename, join } from "node:path";
import type { Repository, Worktree } from "../../model/index.js";
import type { Call, HostFiles, Locks } from "../../ports/index.js";
import type { Git } from "./client.js";
import { holdRepository } from "./repository-lock.js";

/*
 * Git has one exclude file for all worktrees of a repository (`info/exclude`). A file for each would
 * need `extensions.worktreeConfig`, which changes the repository's format for every other tool, or a
 * `core.excludesFile` that hides the user's own. So the lines go into the shared file: only for paths
 * that nothing ignores yet, each in a block that names its worktree, and gone with that worktree. The
 * price: meanwhile an untracked file of exactly that path is not listed in the other worktrees either.
 */

const begin = (name: string) => `# aifleet ${name}: begin`;
const end = (name: string) => `# aifleet ${name}: end`;

/** Keeps paths of a worktree out of `git add -A`. Writes nothing where git ignores them already. */
export async function exclude(
  git: Git,
  locks: Locks,
  repo: Repository,
  worktree: Pick<Worktree, "path" | "adminDir">,
  paths: readonly string[],
  call?: Call,
): Promise<void> {
  const ignored = await ignoredByOthers(git, worktree.path, paths, call);
  const lines = paths.filter((path) => !ignored.has(path)).map(patternFor);
  if (lines.length === 0) return;
  const name = basename(worktree.adminDir);
  await holdRepository(
    locks,
    repo,
    async () => {
      const { files } = git.host;
      const text = (await files.read(fileOf(repo))) ?? "";
      const all = new Set([...linesOf(text, name), ...lines]);
      const rest = without(text, name);
      const gap = rest === "" || rest.endsWith("\n") ? "" : "\n";
      await files.makeFolder(join(repo.commonDir, "info"), 0o755);
      await files.write(fileOf(repo), `${rest}${gap}${[begin(name), ...all, end(name)].join("\n")}\n`, 0o644, repo.commonDir);
    },
    call,
  );
}

/** Removes a worktree's lines again. */
export async function dropExclude(files: HostFiles, locks: Locks, repo: Repository, adminDir: string, call?: Call): Promise<void> {
  const name = basename(adminDir);
  if (!((await files.read(fileOf(repo))) ?? "").includes(begin(name))) return;
  await holdRepository(
    locks,
    repo,
    async () => {
      const text = (await files.read(fileOf(repo))) ?? "";
      const rest = without(text, name);
      if (rest !== text) await files.write(fileOf(repo), rest, 0o644, repo.commonDir);
    },
    call,
  );
}

/** The paths that git ignores on account of anything but a line of ours: that one goes with the worktree it was made for. */
async function ignoredByOthers(git: Git, worktree: string, paths: readonly string[], call?: Call): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  const input = paths.map((path) => `${path}\0`).join("");
  // 1: none of them.
  const { stdout } = await git.run(worktree, ["check-ignore", "-z", "-v", "--stdin"], { kind: "quick", input, accept: [0, 1] }, call);
  const fields = stdout.split("\0");
  const ignored = new Set<string>();
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [source = "", , pattern = "", path = ""] = fields.slice(at, at + 4);
    if (pattern.startsWith("!") || (source.endsWith("info/exclude") && pattern === patternFor(path))) continue;
    ignored.add(path);
  }
  return ignored;
}

function fileOf(repo: Repository): string {
  return join(repo.commonDir, "info", "exclude");
}

/** Splits the file at our block of that name: what is before, in, and after it. */
function cut(text: string, name: string): readonly [before: string[], inside: string[], after: string[]] | null {
  const lines = text.split("\n");
  const from = lines.indexOf(begin(name));
  if (from < 0) return null;
  const to = lines.indexOf(end(name), from);
  // A block whose end someone removed: only its first line is surely ours.
  return to < 0
    ? [lines.slice(0, from), [], lines.slice(from + 1)]
    : [lines.slice(0, from), lines.slice(from + 1, to), lines.slice(to + 1)];
}

function linesOf(text: string, name: string): string[] {
  return cut(text, name)?.[1] ?? [];
}

function without(text: string, name: string): string {
  const parts = cut(text, name);
  return parts === null ? text : [...parts[0], ...parts[2]].join("\n");
}

/** A pattern that matches exactly this path of the worktree, whatever characters it is made of. */
export function patternFor(path: string): string {
  return `/${path.replace(/^\.?\/+/, "").replace(/[\\*?[\]!# ]/g, "\\$&")}`;
}
