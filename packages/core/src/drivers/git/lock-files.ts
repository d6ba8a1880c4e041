import { join } from "node:path";
import type { HostFiles } from "../../ports/index.js";

const LOCK = ".lock";

/** git's own lock files in a repository's administration, as far as commands of the fleet take them. */
export async function lockFiles(files: HostFiles, commonDir: string, branches: readonly string[]): Promise<readonly string[]> {
  const names = ["config", "packed-refs", ...branches.map((branch) => `refs/heads/${branch}`)];
  const places = names.map((name) => join(commonDir, `${name}${LOCK}`));
  const standing = await Promise.all(places.map(async (place) => ((await files.stat(place))?.kind === "file" ? [place] : [])));
  return [...standing.flat(), ...(await locksBelow(files, join(commonDir, "refs/fleet")))];
}

async function locksBelow(files: HostFiles, folder: string): Promise<string[]> {
  const names = (await files.list(folder).catch(() => null)) ?? [];
  const found = names.map(async (name) => (name.endsWith(LOCK) ? [join(folder, name)] : locksBelow(files, join(folder, name))));
  return (await Promise.all(found)).flat();
}
