import { chmodSync, constants, copyFileSync, lstatSync, renameSync, type Stats } from "node:fs";
import { makePrivateFolder, removeQuietly, writeDurably } from "../../config/durable.js";
import type { HomePaths } from "../../config/paths.js";
import { throwIfAborted, toFleetError } from "../../errors/index.js";
import { isSameFile, statsOf, willShowChange } from "../../host/index.js";
import type { Locks, Store } from "../../ports/index.js";
import { formatState, readState, readStateLeisurely } from "./state-file.js";

/**
 * The registry in state.json. Reading takes no lock, since the file is only ever replaced whole;
 * changing reads, changes and replaces it under the lock. A file that cannot be parsed is copied to
 * `state.json.broken-<time>` before the next change takes its place.
 */
export function fileStore(options: { readonly paths: Pick<HomePaths, "home" | "state">; readonly locks: Locks }): Store {
  const { paths, locks } = options;
  /** What was read last, good for as long as the file is the same. */
  let last: { readonly stats: Stats; readonly snapshot: Awaited<ReturnType<Store["read"]>> } | undefined;
  return {
    async read(call = {}) {
      throwIfAborted(call.signal);
      const stats = statsOf(paths.state);
      if (last !== undefined && stats !== undefined && isSameFile(last.stats, stats)) return last.snapshot;
      const now = Date.now();
      const { draft, problems } = await readStateLeisurely(paths.state);
      const snapshot = { ...draft, problems };
      last = stats !== undefined && problems.length === 0 && willShowChange(stats, now) ? { stats, snapshot } : undefined;
      return snapshot;
    },
    async update(change, call = {}) {
      makePrivateFolder(paths.home);
      return locks.hold(
        paths.state,
        async () => {
          const { draft, problems } = readState(paths.state);
          const before = formatState(draft);
          const result = change(draft);
          const after = formatState(draft);
          if (problems.length > 0) keepAside(paths.state);
          if (after !== before || problems.length > 0) writeDurably(paths.state, after);
          return result;
        },
        {},
        call,
      );
    },
  };
}

function keepAside(file: string): void {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  for (let again = 0; ; again++) {
    const copy = `${file}.broken-${stamp}${again === 0 ? "" : `-${again}`}`;
    try {
      if (lstatSync(file).isFile()) {
        copyFileSync(file, copy, constants.COPYFILE_EXCL);
        chmodSync(copy, 0o600);
        // A folder, a link or a pipe is moved away itself: no file could take its place.
      } else renameSync(file, copy);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        removeQuietly(copy);
        throw toFleetError(error, `Cannot keep a copy of ${file}`);
      }
    }
  }
}
