import { dirname, isAbsolute, join, normalize, relative } from "node:path";
import { diskFailure, FleetError, isFleetError } from "../errors/index.js";
import type { Repository, Warning, Worktree } from "../model/index.js";
import type { Call, HostFiles } from "../ports/index.js";
import { isDisposable } from "./baseline.js";
import type { Deps } from "./deps.js";
import { matchesGlob } from "./glob.js";

/** How much of what `cp` says is kept, bytes: it has a line for each file that fails. */
const KEPT_OUTPUT = 64 * 1024;

/** A folder or file that is to be shared, from where to where. */
interface Shared {
  /** Relative to the repository and to the worktree. */
  readonly path: string;
  readonly origin: string;
  readonly place: string;
  readonly isFolder: boolean;
}

/**
 * Takes what `setup.share` names from the repository's main worktree to a new one, as `setup.share_how` says, and answers with the
 * relative paths. Only what git ignores there, and nothing where something lies already; nothing is read from or written to
 * a place outside the two, whatever links say.
 */
export async function placeShared(
  deps: Deps,
  repo: Repository,
  worktree: Worktree,
  call: Call & { readonly warn: (warning: Warning) => void },
  branch: string | null,
  onPath: (path: string) => void = () => {},
): Promise<readonly string[]> {
  const { share, shareHow, timeout } = deps.settings.config.setup;
  if (share.length === 0 || repo.bare) return [];
  const { files } = deps.host;
  const source = await files.realPath(repo.path);
  const target = await files.realPath(worktree.path);
  if (source === null || target === null) return [];
  const warn = (code: string, message: string) =>
    call.warn({ code, message: `setup.share: ${message}`, ...(branch === null ? {} : { branch }) });
  const skip = (path: string, why: string) => warn("SHARE_SKIPPED", `${path} ${why} and was not shared.`);

  const wanted: Shared[] = [];
  for (const pattern of share) {
    const paths = await expand(files, source, pattern);
    if (paths.length === 0) warn("SHARE_MISSING", `nothing matches "${pattern}".`);
    for (const path of paths) {
      const found = await look(files, source, target, path);
      if (typeof found === "string") skip(path, found);
      else if (found !== null && !wanted.some((other) => isInside(other.path, path))) wanted.push(found);
    }
  }
  // The slash: it is not there yet, and git is to know what it will be.
  const asked = (entry: Shared) => (entry.isFolder ? `${entry.path}/` : entry.path);
  const ignored = wanted.length === 0 ? new Set() : await deps.git.ignored(target, wanted.map(asked), call);

  const done: string[] = [];
  for (const entry of wanted) {
    if (!ignored.has(asked(entry))) {
      skip(entry.path, "is not ignored by git");
      continue;
    }
    onPath(entry.path);
    await files.makeFolder(dirname(entry.place), 0o755);
    const why = await take(deps, entry, shareHow, timeout, call);
    if (why === null) done.push(entry.path);
    else skip(entry.path, why);
  }
  // `node_modules/` in a .gitignore means a folder, which a link is not.
  if (shareHow === "link" && done.length > 0) await deps.git.exclude(repo, worktree, done, call);
  return done;
}

/** Whether any of what was shared would count as somebody's work if it were not noted as setup's. */
export function isToBeNoted(deps: Deps, shared: readonly string[]): boolean {
  const disposable = new Set(deps.settings.config.worktree.disposable);
  return shared.some((path) => !isDisposable(path, disposable));
}

/** Null where something lies in its place already, a word on why it is not to be shared, or where it lies. */
async function look(files: HostFiles, source: string, target: string, path: string): Promise<Shared | string | null> {
  const origin = await files.realPath(join(source, path));
  if (origin === null || !isInside(source, origin)) return "leads out of the repository";
  const place = join(target, path);
  if (isInside(origin, target)) return "holds the worktrees";
  const kind = (await files.stat(origin))?.kind;
  if (kind !== "folder" && kind !== "file") return "is neither a folder nor a file";
  for (let folder = dirname(place); folder !== target; folder = dirname(folder)) {
    const there = (await files.stat(folder))?.kind;
    if (there !== undefined && there !== "folder") return "would lie behind a link";
  }
  return (await files.stat(place)) === null ? { path, origin, place, isFolder: kind === "folder" } : null;
}

/** Copies or links one; answers with why it could not be, where that is no error. What is half copied goes. */
async function take(deps: Deps, { origin, place, path }: Shared, how: "copy" | "reflink" | "link", seconds: number, call: Call) {
  const commands: readonly (readonly [string, ...string[]])[] =
    how === "link"
      ? [["ln", "-s"]]
      : how === "reflink"
        ? [["cp", "-a", "--reflink=always"]]
        : // What GNU's does; and those that know no such option, and clone by another one or not at all.
          [
            ["cp", "-a", "--reflink=auto"],
            ["cp", "-pRc"],
            ["cp", "-pR"],
          ];
  let said = "";
  try {
    for (const command of commands) {
      const options = { timeoutMs: seconds * 1000, keepBytes: KEPT_OUTPUT };
      const { exitCode, stderr } = await deps.host.run([...command, "--", origin, place], options, call);
      if (exitCode === 0) return null;
      said = stderr;
      await deps.host.files.removeTree(place);
      if (!/(unrecognized|illegal|invalid|unknown) option/.test(stderr)) break;
    }
  } catch (error) {
    if (!isFleetError(error, "TIMEOUT")) throw error;
    throw failed(path, `took longer than ${seconds} s (setup.timeout)`);
  }
  if (how === "reflink" && /failed to clone|option/.test(said)) return "lies on a file system that cannot share blocks with the worktree's";
  const [line = ""] = said.trim().split("\n");
  throw diskFailure(said, `setup.share: ${path} could not be copied`) ?? failed(path, `could not be copied: ${line}`);
}

function failed(path: string, what: string): FleetError {
  return new FleetError("SETUP_FAILED", `setup.share: ${path} ${what}`, {
    hint: "Take it out of setup.share, or share it as a link.",
    data: { command: "setup.share", exitCode: null, output: "" },
  });
}

/** Paths in a folder that match a pattern. Follows no link, and looks for nothing below what matches. */
async function expand(files: HostFiles, root: string, pattern: string): Promise<readonly string[]> {
  const clean = normalize(pattern).replace(/\/+$/, "");
  if (clean === "." || isAbsolute(clean) || clean.split("/").includes("..") || clean.split("/").includes(".git")) return [];
  if (!/[*?[]/.test(clean)) return (await files.stat(join(root, clean))) === null ? [] : [clean];
  const found = new Set<string>();
  const walk = async (at: string, [part, ...rest]: readonly string[]): Promise<void> => {
    if (part === undefined) return void found.add(at);
    if (part === "**") await walk(at, rest);
    for (const name of (await files.list(join(root, at))) ?? []) {
      const path = at === "" ? name : `${at}/${name}`;
      if (name === ".git" || found.has(path)) continue;
      const isFolder = (await files.stat(join(root, path)))?.kind === "folder";
      if (part === "**") {
        if (isFolder && name !== "node_modules") await walk(path, [part, ...rest]);
      } else if (matchesGlob(part, name, { sets: true }) && (isFolder || rest.length === 0)) await walk(path, rest);
    }
  };
  await walk(
    "",
    clean.split("/").filter((part, i, parts) => part !== "**" || parts[i - 1] !== "**"),
  );
  return [...found].filter((path) => path !== "");
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}
