import { join } from "node:path";
import type { MemoryDisk } from "./disk.js";
import type { MemoryCommand } from "./host.js";

/**
 * The few POSIX programs that the core runs on a host's files, in the very forms it runs them:
 * `find FOLDER… ! -type d -print0`, `cp -a -- FROM/. TO` and `mv -- FROM TO`.
 */
export function memoryTools(disk: MemoryDisk): Readonly<Record<string, MemoryCommand>> {
  return {
    find({ argv, cwd }) {
      // Nothing here has a time of change: whoever asks by it has to look for itself.
      if (!argv.includes("!")) return { exitCode: 1 };
      const folders = argv.slice(1, argv.indexOf("!"));
      const files = folders.flatMap((folder) => disk.walk(join(cwd, folder)).map((path) => `${folder}/${path}\0`));
      return { stdout: files.join("") };
    },
    cp({ argv }) {
      const [from, to] = argv.slice(-2) as [string, string];
      disk.copyInto(from.replace(/\/\.$/, ""), to);
      return {};
    },
    mv({ argv }) {
      const [from, to] = argv.slice(-2) as [string, string];
      disk.rename(from, to);
      return {};
    },
  };
}
