import { lstatSync, type Stats } from "node:fs";

/** A file that changed less than this ago may change again with no mark of it: clocks of file systems are coarse, milliseconds. */
const COARSE_MS = 2000;

/** What the system says of a file, undefined where it does not. Following no final link. */
export function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/**
 * Whether a file is still what it was. Proof is what git takes for it in its index: the same inode, size and times, among
 * them the one of the last change of any kind, which no program can set.
 */
export function isSameFile(before: Stats, now: Stats): boolean {
  return (
    before.ctimeMs === now.ctimeMs &&
    before.mtimeMs === now.mtimeMs &&
    before.size === now.size &&
    before.ino === now.ino &&
    before.dev === now.dev
  );
}

/** Whether each later change of a file will show, if it was looked at now and then read. A link's own times say nothing of what it leads to. */
export function willShowChange(stats: Stats, now: number): boolean {
  return stats.isFile() && now - stats.ctimeMs > COARSE_MS;
}
