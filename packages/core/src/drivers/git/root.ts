import { basename, dirname, join, resolve } from "node:path";
import { FleetError, isFleetError } from "../../errors/index.js";
import type { Repository } from "../../model/index.js";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { USERS_SETTINGS } from "./environment.js";
import { senseless } from "./failure.js";
import { cutNewline, readLink } from "./links.js";

/** The repository a folder belongs to: git finds the git directory, its files say whose it is. Null if there is none. */
export async function findRoot(git: Git, folder: string, call?: Call): Promise<Repository | null> {
  const { files } = git.host;
  const start = await files.realPath(folder);
  if (start === null || (await files.stat(start))?.kind !== "folder") return null;
  const plain = git.host.id === "local" ? await plainPlace(files, start) : null;
  if (plain !== null) return plain.repo;
  const found = await askGit(git, start, call);
  if (found === null) return null;
  const gitDir = (await files.realPath(found.gitDir)) ?? found.gitDir;
  const pointer = await files.read(join(gitDir, "commondir"));
  const named = pointer === null ? gitDir : resolve(gitDir, cutNewline(pointer));
  const commonDir = (await files.realPath(named)) ?? named;
  // Inside a linked worktree git does not say whether the repository itself is bare.
  const bare = pointer === null ? found.bare : ((await askGit(git, commonDir, call, commonDir))?.bare ?? false);
  return { commonDir, bare, path: bare ? commonDir : await mainFolder(git, start, gitDir, commonDir, call) };
}

/** Settings that make a repository something else than its folders suggest. */
const UNUSUAL = /^\s*(?:bare\s*=\s*(?!\s|false)|bare\s*$|worktree\s*=|\[include)/im;

/** A worktree of the usual kind of repository. */
export interface PlainPlace {
  readonly repo: Repository;
  /** The worktree's folder. */
  readonly path: string;
  /** Where its HEAD and its index are; of the main worktree `.git` itself. */
  readonly adminDir: string;
}

/** {@link plainPlace} of a folder as somebody named it; null as well where the files are not this machine's. */
export async function plainPlaceOf(git: Git, folder: string): Promise<PlainPlace | null> {
  if (git.host.id !== "local") return null;
  const start = await git.host.files.realPath(folder);
  return start === null || (await git.host.files.stat(start))?.kind !== "folder" ? null : plainPlace(git.host.files, start);
}

/**
 * The usual repository, told from its files alone: a `.git` folder, or a linked worktree's `.git`
 * file that leads to one. Null: git has to be asked.
 */
async function plainPlace(files: HostFiles, start: string): Promise<PlainPlace | null> {
  for (let folder = start; ; folder = dirname(folder)) {
    const stat = await files.stat(join(folder, ".git"));
    if (stat !== null) {
      const { kind } = stat;
      // What belongs to somebody else git may refuse to look at: that is its decision.
      if (stat.owner !== process.getuid?.() || (await files.stat(folder))?.owner !== stat.owner) return null;
      const own = join(folder, ".git");
      const link = kind === "folder" ? { adminDir: own, commonDir: own } : kind === "file" ? await readLink(files, folder) : null;
      if (link === null || basename(link.commonDir) !== ".git") return null;
      const { adminDir, commonDir } = link;
      const [head, config] = await files.readMany([join(commonDir, "HEAD"), join(commonDir, "config")]);
      if (head == null || config == null || UNUSUAL.test(config)) return null;
      return { repo: { commonDir, bare: false, path: dirname(commonDir) }, path: folder, adminDir };
    }
    if (dirname(folder) === folder || (await files.stat(join(folder, "HEAD"))) !== null) return null;
  }
}

interface Found {
  readonly bare: boolean;
  readonly gitDir: string;
}

async function askGit(git: Git, folder: string, call?: Call, gitDir?: string): Promise<Found | null> {
  const where = gitDir === undefined ? [] : [`--git-dir=${gitDir}`];
  try {
    // The path comes last, so that a line break in it is no separator.
    const args = [...where, "rev-parse", "--is-bare-repository", "--absolute-git-dir"];
    // Where git may find a repository by chance is for the user's settings to say.
    const env = gitDir === undefined ? USERS_SETTINGS : {};
    const { stdout } = await git.run(folder, args, { kind: "quick", env }, call);
    if (!/^(true|false)\n\/[\s\S]*\n$/.test(stdout)) throw senseless(args, stdout);
    const cut = stdout.indexOf("\n");
    return { bare: stdout.slice(0, cut) === "true", gitDir: cutNewline(stdout.slice(cut + 1)) };
  } catch (error) {
    const stderr = isFleetError(error, "DRIVER_FAILED") ? String(error.data.stderr ?? "") : "";
    if (/^fatal: not a git repository \(or any/m.test(stderr)) return null;
    if (/^fatal: not a git repository: /m.test(stderr)) {
      throw new FleetError("NOT_A_REPOSITORY", `${folder} belongs to a repository that is not where its .git file says.`, {
        cause: error,
        hint: "If the repository was moved, run `git worktree repair` in it.",
      });
    }
    throw error;
  }
}

/** The main worktree's folder. It is the parent of `.git` but for submodules and `--separate-git-dir`. */
async function mainFolder(git: Git, start: string, gitDir: string, commonDir: string, call?: Call): Promise<string> {
  if (basename(commonDir) === ".git") return dirname(commonDir);
  const set = await git.run(commonDir, ["config", "--type=path", "-z", "--get", "core.worktree"], { kind: "quick", accept: [0, 1] }, call);
  if (set.exitCode === 0) return resolve(commonDir, set.stdout.replace(/\0$/, ""));
  if (gitDir !== commonDir) return commonDir;
  const top = await git.run(start, ["rev-parse", "--show-toplevel"], { kind: "quick", accept: [0, 128] }, call);
  return top.exitCode === 0 ? cutNewline(top.stdout) : commonDir;
}
