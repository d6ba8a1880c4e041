import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { appendFile, chmod, lstat, open, realpath, rename, rm, rmdir, unlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { toFleetError } from "../errors/index.js";
import type { ExactStat, FileStat, HostFiles } from "../ports/index.js";
import { makeFolders } from "./folder.js";
import { readManyKept, TEXT } from "./kept-reads.js";
import { removeTree } from "./remove-tree.js";
import { replicate } from "./replicate.js";
import { token } from "./token.js";
import { watchFolders } from "./watch-folders.js";

/**
 * Files of this machine. Modes are what is asked for, whatever the umask.
 *
 * What only looks is synchronous on purpose: a look takes some microseconds, and its way through the thread pool
 * ten times as long; a thousand files under /proc take a tenth of the time.
 */
export const localFiles: HostFiles = {
  read: (path) => orNull(path, async () => readFileSync(path, TEXT)),

  async readMany(paths, kept) {
    if (kept !== undefined) return readManyKept(paths, kept);
    return paths.map((path) => {
      try {
        return readFileSync(path, TEXT);
      } catch {
        return null;
      }
    });
  },

  async listMany(paths) {
    return paths.map((path) => {
      try {
        return readdirSync(path).map((name) => ({ name, modifiedAt: lstatSync(join(path, name)).mtimeMs }));
      } catch {
        return null;
      }
    });
  },

  exactStats: async (paths) => paths.map(exactStat),

  async listKinds(path) {
    try {
      return readdirSync(path, { withFileTypes: true }).map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
    } catch {
      return null;
    }
  },

  watch: watchFolders,

  readRange: (path, offset, bytes) =>
    orNull(path, async () => {
      const file = openSync(path, "r");
      try {
        const { size } = fstatSync(file);
        const from = offset < 0 ? Math.max(0, size + offset) : offset;
        const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(bytes, size - from)));
        let filled = 0;
        while (filled < buffer.length) {
          const read = readSync(file, buffer, filled, buffer.length - filled, from + filled);
          if (read === 0) break;
          filled += read;
        }
        return buffer.subarray(0, filled);
      } finally {
        closeSync(file);
      }
    }),

  readWithin: (root, path) =>
    orNull(path, async () => {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const handle = await open(await realpath(path), flags).catch((error: NodeJS.ErrnoException) => {
        // What was no link a moment ago is one now.
        if (error.code === "ELOOP") return null;
        throw error;
      });
      if (handle === null) return null;
      try {
        const opened = await handle.stat();
        // What was opened is what lies inside now: a link that was put on the way meanwhile leads to another file.
        const real = await realpath(path);
        const inside = await lstat(real);
        const same = opened.dev === inside.dev && opened.ino === inside.ino;
        return opened.isFile() && same && real.startsWith(`${root}/`) ? await handle.readFile() : null;
      } finally {
        await handle.close();
      }
    }),

  write: (path, content, mode = 0o600, scratch = dirname(path)) =>
    orThrow(`write ${path}`, async () => {
      const temporary = join(scratch, `.tmp-${process.pid}-${token()}`);
      try {
        const handle = await open(temporary, "wx", mode);
        try {
          await handle.chmod(mode);
          await handle.writeFile(content);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, path);
      } catch (error) {
        // Why it was only half made is what the caller is to learn.
        await rm(temporary, { force: true }).catch(() => undefined);
        throw error;
      }
      await syncFolder(dirname(path));
    }),

  append: (path, content) => orThrow(`write ${path}`, () => appendFile(path, content, { mode: 0o600 })),

  replicate: (from, entries, known, to, call) => replicate(from, entries, known, to, call),

  stat: (path) => orNull(path, async () => describe(lstatSync(path))),
  list: (path) => orNull(path, async () => readdirSync(path)),

  makeFolder: (path, mode = 0o700) =>
    orThrow(`make ${path}`, async () => {
      const first = makeFolders(path, mode);
      if (first === undefined) return;
      const made: string[] = [];
      for (let folder = path; folder.length >= first.length; folder = dirname(folder)) made.push(folder);
      try {
        for (const folder of made) await chmod(folder, mode);
      } catch (error) {
        // Nobody would know of them.
        for (const folder of made) await rmdir(folder).catch(() => undefined);
        throw error;
      }
    }),

  rename: (from, to) => orThrow(`move ${from} to ${to}`, () => rename(from, to)),

  remove: (path) =>
    orThrow(`remove ${path}`, async () => {
      try {
        await unlink(path);
      } catch (error) {
        if (isGone(error)) return;
        const { code } = error as NodeJS.ErrnoException;
        // Linux says EISDIR, macOS EPERM.
        if (code !== "EISDIR" && code !== "EPERM") throw error;
        await rmdir(path);
      }
    }),

  removeTree: (path) => orThrow(`remove ${path}`, () => removeTree(path)),
  realPath: (path) => orNull(path, async () => realpathSync.native(path)),
  setTime: (path, modifiedAt) => orThrow(`change ${path}`, () => utimes(path, modifiedAt / 1000, modifiedAt / 1000)),

  setMode: (path, mode) => orThrow(`change ${path}`, () => chmod(path, mode)),
};

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function orNull<T>(path: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isGone(error)) return null;
    throw toFleetError(error, `Cannot read ${path}`);
  }
}

async function orThrow<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFleetError(error, `Cannot ${doing}`);
  }
}

function exactStat(path: string): ExactStat | null {
  try {
    const stats = lstatSync(path, { bigint: true });
    return {
      kind: kindOf(stats),
      changedAt: stats.ctimeNs,
      modifiedAt: stats.mtimeNs,
      inode: stats.ino,
      mode: Number(stats.mode),
      owner: Number(stats.uid),
      group: Number(stats.gid),
      size: Number(stats.size),
      target: stats.isSymbolicLink() ? readlinkSync(path) : null,
    };
  } catch {
    return null;
  }
}

function kindOf(stats: Pick<Stats, "isFile" | "isDirectory" | "isSymbolicLink">): FileStat["kind"] {
  return stats.isFile() ? "file" : stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "other";
}

function describe(stats: Stats): FileStat {
  return {
    kind: kindOf(stats),
    size: stats.size,
    modifiedAt: stats.mtimeMs,
    mode: stats.mode & 0o7777,
    owner: process.getuid === undefined ? null : stats.uid,
  };
}

/** Makes a rename durable. Some file systems cannot sync a folder; the rename has happened all the same. */
async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "EISDIR" && code !== "EPERM" && code !== "EACCES" && code !== "ENOTSUP") throw error;
  }
}
