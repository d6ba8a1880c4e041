import { dirname, join } from "node:path";
import type { HostFiles, Mark } from "../../ports/index.js";
import { type KeptRegistrations, readRegistrations } from "./registrations.js";

/** Name of our mark in a worktree's admin directory. */
export const MARK_FILE = "aifleet.json";

/** Every mark in the repository's admin directories. */
export async function readMarks(files: HostFiles, commonDir: string, kept?: KeptRegistrations): Promise<Mark[]> {
  const registrations = await readRegistrations(files, commonDir, kept);
  const texts = await files.readMany(
    registrations.map(({ adminDir }) => `${adminDir}/${MARK_FILE}`),
    kept?.marks,
  );
  return registrations.flatMap(({ adminDir, path, present }, i) => {
    const text = texts[i];
    return text === null || text === undefined ? [] : [{ adminDir, worktreePath: path, present, text }];
  });
}

/**
 * Reads marks again and again, each file only when it may have changed. To know that, it is looked at before it is read, for which
 * the first time is too soon: most processes look once.
 */
export function markReader(files: HostFiles): (commonDir: string) => Promise<Mark[]> {
  const repositories = new Map<string, KeptRegistrations | null>();
  return (commonDir) => {
    if (!repositories.has(commonDir)) {
      repositories.set(commonDir, null);
      return readMarks(files, commonDir);
    }
    const kept = repositories.get(commonDir) ?? { gitdirs: new Map(), links: new Map(), marks: new Map() };
    repositories.set(commonDir, kept);
    return readMarks(files, commonDir, kept);
  };
}

export function readMark(files: HostFiles, adminDir: string): Promise<string | null> {
  return files.read(join(adminDir, MARK_FILE));
}

export async function writeMark(files: HostFiles, adminDir: string, text: string | null): Promise<void> {
  const file = join(adminDir, MARK_FILE);
  if (text === null) await files.remove(file);
  // Not beside it: each admin directory would have to be searched for what a killed process left.
  else await files.write(file, text, 0o600, dirname(dirname(adminDir)));
}
