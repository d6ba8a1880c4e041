import { createHash } from "node:crypto";
import { dirname, isAbsolute, join, normalize, relative } from "node:path";
import { FleetError } from "../errors/index.js";
import type { Repository, Warning, Worktree } from "../model/index.js";
import type { Call, HostFiles } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { matchesGlob } from "./glob.js";

/** Folders no credential pattern ever looks into. */
const SKIPPED = new Set([".git", "node_modules"]);

/**
 * Copies credential files from the repository into a worktree, 0600, and answers with their relative
 * paths. Nothing is read from or written to a place outside the two, whatever links say; what is
 * already in the checkout is left as it is.
 */
export async function copyCredentials(
  deps: Deps,
  from: string,
  to: string,
  patterns: readonly string[],
  warn: (warning: Warning) => void,
): Promise<readonly string[]> {
  const { files } = deps.host;
  const source = await files.realPath(from);
  const target = await files.realPath(to);
  if (source === null || target === null) return [];
  const copied: string[] = [];
  for (const path of await expand(files, source, patterns, warn)) {
    const origin = await files.realPath(join(source, path));
    if (origin === null || !isInside(source, origin)) {
      warn({ code: "CREDENTIAL_SKIPPED", message: `The credential file ${path} leads out of the repository and was not copied.` });
      continue;
    }
    const stat = await files.stat(origin);
    if (stat?.kind !== "file") {
      warn({ code: "CREDENTIAL_SKIPPED", message: `The credential file ${path} is no plain file and was not copied.` });
      continue;
    }
    const place = join(target, path);
    if ((await files.stat(place)) !== null) continue;
    if (!isInside(target, await nearest(files, dirname(place)))) {
      warn({ code: "CREDENTIAL_SKIPPED", message: `The credential file ${path} would land outside the worktree and was not copied.` });
      continue;
    }
    // The checks above say what is wrong; this one holds, also where a link is put in the way meanwhile.
    const content = await files.readWithin(source, join(source, path));
    if (content === null) {
      warn({ code: "CREDENTIAL_SKIPPED", message: `The credential file ${path} changed while it was looked at and was not copied.` });
      continue;
    }
    await files.makeFolder(dirname(place), 0o755);
    await files.write(place, content, 0o600);
    copied.push(path);
  }
  return copied;
}

/** Places the configured credential files in a new worktree and keeps them out of `git add -A`; answers with their relative paths. */
export async function placeCredentials(
  deps: Deps,
  repo: Repository,
  worktree: Worktree,
  call: Call & { readonly warn: (warning: Warning) => void },
  branch: string | null,
): Promise<readonly string[]> {
  const patterns = deps.settings.config.setup.credentialFiles;
  if (patterns.length === 0 || repo.bare) return [];
  const warn = (warning: Warning) => call.warn(branch === null ? warning : { ...warning, branch });
  const copied = await copyCredentials(deps, repo.path, worktree.path, patterns, warn);
  if (copied.length > 0) await deps.git.exclude(repo, worktree, copied, call);
  return copied;
}

/** What would be copied, each path with a hash of its content: if it is another one later, so are the copies. */
export async function credentialPrints(deps: Deps, from: string, patterns: readonly string[]): Promise<readonly string[]> {
  const { files } = deps.host;
  const source = patterns.length === 0 ? null : await files.realPath(from);
  if (source === null) return [];
  const paths = [...(await expand(files, source, patterns, () => {}))].sort();
  return Promise.all(
    paths.map(async (path) => {
      const content = await files.readWithin(source, join(source, path));
      return `${path}\0${content === null ? "none" : createHash("sha256").update(content).digest("hex")}`;
    }),
  );
}

/** The real path of a folder, or of the lowest one above it that is there. */
async function nearest(files: HostFiles, folder: string): Promise<string> {
  return (await files.realPath(folder)) ?? nearest(files, dirname(folder));
}

async function expand(
  files: HostFiles,
  root: string,
  patterns: readonly string[],
  warn: (warning: Warning) => void,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const clean = normalize(pattern);
    if (isAbsolute(clean) || clean.startsWith("..")) {
      throw new FleetError("CONFIG_INVALID", `setup.credential_files: "${pattern}" leads out of the repository.`, {
        hint: "Use paths relative to the repository.",
        data: { key: "setup.credential_files" },
      });
    }
    const matches = /[*?[]/.test(clean) ? await glob(files, root, partsOf(clean)) : await literal(files, root, clean);
    if (matches.length === 0) warn({ code: "CREDENTIAL_MISSING", message: `setup.credential_files: nothing matches "${pattern}".` });
    for (const match of matches) found.add(match);
  }
  return [...found];
}

/** `**` beside `**` says nothing more, and would be walked twice for each folder. */
function partsOf(pattern: string): readonly string[] {
  return pattern.split("/").filter((part, at, parts) => part !== "**" || parts[at - 1] !== "**");
}

async function literal(files: HostFiles, root: string, path: string): Promise<readonly string[]> {
  const stat = await files.stat(join(root, path));
  if (stat === null) return [];
  if (stat.kind !== "folder") return [path];
  return glob(files, root, [...path.split("/"), "**"]);
}

async function glob(files: HostFiles, root: string, parts: readonly string[], at = ""): Promise<readonly string[]> {
  const [part, ...rest] = parts;
  if (part === undefined) return [];
  const results: string[] = [];
  for (const name of (await files.list(join(root, at))) ?? []) {
    if (SKIPPED.has(name)) continue;
    const path = at === "" ? name : `${at}/${name}`;
    const kind = (await files.stat(join(root, path)))?.kind;
    if (part === "**") {
      if (kind === "folder") results.push(...(await glob(files, root, parts, path)));
      if (rest.length === 0 && kind !== "folder") results.push(path);
    } else if (!matchesGlob(part, name, { sets: true })) continue;
    else if (rest.length === 0) {
      if (kind !== "folder") results.push(path);
    } else if (kind === "folder") results.push(...(await glob(files, root, rest, path)));
  }
  if (part === "**" && rest.length > 0) results.push(...(await glob(files, root, rest, at)));
  return [...new Set(results)];
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}
