import { basename, dirname, join, resolve } from "node:path";
import type { HostFiles } from "../../ports/index.js";

/** What a linked worktree's `.git` file leads to. */
export interface Link {
  readonly adminDir: string;
  readonly commonDir: string;
}

/** The admin directory a folder's `.git` file names and the repository that one belongs to; null if it is no linked worktree. */
export async function readLink(files: HostFiles, folder: string): Promise<Link | null> {
  const adminDir = await namedBy(files, folder);
  if (adminDir === null) return null;
  const common = await files.read(join(adminDir, "commondir"));
  if (common === null) return null;
  const commonDir = resolve(adminDir, cutNewline(common));
  return { adminDir, commonDir: (await files.realPath(commonDir)) ?? commonDir };
}

/** The git directory a folder's `.git` file names, there or not; null without such a file. */
async function namedBy(files: HostFiles, folder: string): Promise<string | null> {
  const file = join(folder, ".git");
  if ((await files.stat(file))?.kind !== "file") return null;
  const named = /^gitdir: ([\s\S]+)$/.exec(cutNewline((await files.read(file)) ?? ""))?.[1];
  if (named === undefined) return null;
  const path = resolve(folder, named);
  return (await files.realPath(path)) ?? path;
}

/** Whether the folder's `.git` file names that admin directory. */
export async function namesAdminDir(files: HostFiles, folder: string, adminDir: string): Promise<boolean> {
  return (await namedBy(files, folder)) === ((await files.realPath(adminDir)) ?? adminDir);
}

/** Whether folder and admin directory name each other: the only state in which the folder may be deleted. */
export async function nameEachOther(files: HostFiles, folder: string, adminDir: string): Promise<boolean> {
  if (!(await namesAdminDir(files, folder, adminDir))) return false;
  const back = await files.read(join(adminDir, "gitdir"));
  if (back === null) return false;
  const registered = dirname(resolve(adminDir, cutNewline(back)));
  if (registered === folder) return true;
  const [a, b] = await Promise.all([files.realPath(registered), files.realPath(folder)]);
  return a !== null && a === b;
}

/** Throws-free check that a path is an entry of the repository's `worktrees` folder: nothing else is ever deleted as one. */
export function isAdminDirOf(commonDir: string, adminDir: string): boolean {
  const name = basename(adminDir);
  return name !== "" && name !== "." && name !== ".." && join(commonDir, "worktrees", name) === adminDir;
}

export function cutNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}
