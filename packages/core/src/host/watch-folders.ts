import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import type { FolderWatch } from "../ports/index.js";

/** Watches folders by what the system tells of them: one descriptor of it serves all. Keeps no process alive. */
export function watchFolders(onChange: (folder: string) => void): FolderWatch {
  const watchers = new Map<string, FSWatcher>();
  const drop = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const add = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // It may be the folder itself that is gone; what is there then is watched anew.
        if (name === basename(folder)) drop(folder);
        onChange(folder);
      });
      // Gone, or no room for more: whoever asks looks at intervals as well.
      watcher.on("error", () => drop(folder));
      watchers.set(folder, watcher);
    } catch {
      // Not there, or no room for more.
    }
  };
  return {
    set(folders) {
      const wanted = new Set(folders);
      for (const folder of [...watchers.keys()]) if (!wanted.has(folder)) drop(folder);
      for (const folder of wanted) if (!watchers.has(folder)) add(folder);
    },
    close() {
      for (const folder of [...watchers.keys()]) drop(folder);
    },
  };
}
