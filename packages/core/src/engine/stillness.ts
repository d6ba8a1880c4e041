import { join } from "node:path";
import { isFleetError } from "../errors/index.js";
import type { Deps } from "./deps.js";

/** The kernel dates files by a clock that ticks: what is nearer to the moment than this counts as after it, milliseconds. */
export const TICK_MS = 50;

/** A moment that files can be compared with. */
export interface Moment {
  /**
   * Those of the folders in which anything, file or folder, was made, changed, renamed or removed since. All, where that cannot be told.
   * `within`: the folders themselves do not count, as one that was renamed has changed. `except`: nor what is in these folders.
   * `much`: there is much in them, and two shall look.
   */
  changedSince(
    folders: readonly string[],
    options?: { readonly within?: boolean; readonly except?: readonly string[]; readonly much?: boolean },
  ): Promise<ReadonlySet<string>>;
  /** Removes the file. */
  forget(): Promise<void>;
}

/**
 * Notes a moment by the time of a file, so that one `find` can say of any number of folders whether a
 * look taken after that moment still holds. By the time of the inode's last change, which no program can
 * set back.
 */
export async function noteMoment(deps: Deps): Promise<Moment> {
  const stamp = join(deps.paths.run, `.tmp-${process.pid}-moment-${deps.ids.next()}`);
  await deps.prepareHome();
  await deps.host.files.append(stamp, "");
  const at = (await deps.host.files.stat(stamp))?.modifiedAt ?? 0;
  await deps.host.files.setTime(stamp, at - TICK_MS);
  return {
    async changedSince(folders, options = {}) {
      try {
        if (folders.length === 0) return new Set();
        const within = options.within === true;
        const parts = within && options.much === true ? await halves(deps, folders) : [folders];
        const depth = within && parts.length === 1 ? ["-mindepth", "1"] : [];
        const found = await Promise.all(
          parts.map((part) => deps.host.run(["find", ...part, ...depth, "-cnewer", stamp, "-print0"], { brief: true })),
        );
        if (found.some(({ exitCode }) => exitCode !== 0)) return new Set(folders);
        const changed = found.flatMap(({ stdout }) => stdout.split("\0").filter((path) => path !== ""));
        const counts = changed.filter((path) => !options.except?.some((folder) => isIn(path, folder)));
        return new Set(folders.filter((folder) => counts.some((path) => isIn(path, folder))));
      } catch (error) {
        if (isFleetError(error, "TOOL_MISSING")) return new Set(folders);
        throw error;
      }
    },
    // One that cannot be removed now is swept away by a later command: it must not hide how this one ended.
    forget: () => deps.host.files.remove(stamp).catch(() => undefined),
  };
}

/** More than this in a folder is not told one by one. */
const MANY = 500;

/** What is in the folders, dealt out into two lists; the folders themselves where one of them is empty or holds too many. */
async function halves(deps: Deps, folders: readonly string[]): Promise<readonly (readonly string[])[]> {
  const listed = await Promise.all(folders.map((folder) => deps.host.files.list(folder)));
  const inside = folders.flatMap((folder, i) => (listed[i] ?? []).map((name) => join(folder, name)));
  if (inside.length < 2 || inside.length > MANY) return [folders];
  return [inside.filter((_, i) => i % 2 === 0), inside.filter((_, i) => i % 2 === 1)];
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
