import type * as NodeFs from "node:fs";
import type { BigIntStats } from "node:fs";
import type { TreeEntry } from "../ports/index.js";

/** As Node takes paths. */
type Place = string | Buffer;

/** What is to be copied where. Plain data: it may go to another thread. */
export interface FillJob {
  readonly from: string;
  readonly entries: readonly TreeEntry[];
  /** How each entry is, as many numbers for each as `stride`. */
  readonly known: Uint32Array;
  readonly stride: number;
  readonly to: readonly string[];
  /** When the files are to count as written, seconds. */
  readonly time: number;
  /** From this size on, in bytes, a file is not written but asked to be copied by the system. */
  readonly large: number;
}

/** A folder that is being filled: how its files are, or what went wrong. */
export interface Filled {
  readonly folder: string;
  readonly words: Uint32Array;
  failed: NodeJS.ErrnoException | null;
}

/** Asks the one who drives the copying to copy a large file to these places, and to say of each what went wrong, null if nothing did. */
export interface LargeFile {
  readonly source: Place;
  readonly places: readonly Place[];
  errors: readonly (NodeJS.ErrnoException | null)[];
}

/**
 * Copies entries into folders, each read once and written to all of them; stops after every entry, and for large files. Throws where a
 * source is not as it is known to be. Its text is what other threads run: it may use nothing but its parameters.
 */
export function* fillFolders(fs: typeof NodeFs, job: FillJob): Generator<LargeFile | null, readonly Filled[], void> {
  const { from, entries, known, stride, time, large } = job;
  const targets: Filled[] = job.to.map((folder) => ({ folder, words: new Uint32Array(entries.length * stride), failed: null }));
  const buffer = Buffer.allocUnsafe(large);
  const made = new Set<string>();
  const billion = BigInt(1e9);

  const inside = (folder: string, path: Place): Place =>
    typeof path === "string" ? `${folder}/${path}` : Buffer.concat([Buffer.from(`${folder}/`), path]);
  const lookAt = (path: Place) => fs.lstatSync(path, { bigint: true });
  /** What git keeps of a file in its index. */
  const note = ({ ctimeNs, mtimeNs, dev, ino, mode, uid, gid, size }: BigIntStats, words: Uint32Array, at: number) => {
    words[at] = Number(ctimeNs / billion);
    words[at + 1] = Number(ctimeNs % billion);
    words[at + 2] = Number(mtimeNs / billion);
    words[at + 3] = Number(mtimeNs % billion);
    for (const [i, value] of [dev, ino, mode, uid, gid, size].entries()) words[at + 4 + i] = Number(BigInt.asUintN(32, value));
  };
  const seen = new Uint32Array(stride);
  const requireKnown = (stats: BigIntStats, at: number, path: Place) => {
    note(stats, seen, 0);
    // Times, number, size: one of them changes whenever the file does.
    for (const i of [0, 1, 2, 3, 5, 9]) if (seen[i] !== known[at + i]) throw new Error(`${path} is not as git made it any more.`);
  };
  /** A folder in which something fails is not gone on with; the others are. */
  const each = (path: Place, at: number | null, make: (place: Place) => BigIntStats) => {
    for (const target of targets) {
      if (target.failed !== null) continue;
      try {
        const stats = make(inside(target.folder, path));
        if (at !== null) note(stats, target.words, at);
      } catch (error) {
        target.failed = error as Error;
      }
    }
  };
  const makeFolder = (path: Place) => {
    try {
      fs.mkdirSync(path);
    } catch (error) {
      // Not where a link stands in its place: on a disk that takes `A` for `a` a tree may hold both.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !fs.lstatSync(path).isDirectory()) throw error;
    }
    return lookAt(path);
  };
  const makeParents = (path: Place): void => {
    const end = path.lastIndexOf("/");
    if (end < 0) return;
    const parent = typeof path === "string" ? path.slice(0, end) : path.subarray(0, end);
    const name = typeof parent === "string" ? parent : parent.toString("latin1");
    if (made.has(name)) return;
    makeParents(parent);
    made.add(name);
    each(parent, null, makeFolder);
  };
  const readSmall = (path: Place, stats: BigIntStats): Buffer => {
    const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    try {
      let length = 0;
      for (let read = 1; read > 0 && length < buffer.length; length += read)
        read = fs.readSync(file, buffer, length, buffer.length - length, length);
      if (BigInt(length) !== stats.size) throw new Error(`${path} changed while it was read.`);
      return buffer.subarray(0, length);
    } finally {
      fs.closeSync(file);
    }
  };
  const writeSmall = (path: Place, bytes: Buffer, mode: number): BigIntStats => {
    const file = fs.openSync(path, "wx", mode);
    try {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(file, bytes, at, bytes.length - at);
      fs.futimesSync(file, time, time);
      return fs.fstatSync(file, { bigint: true });
    } finally {
      fs.closeSync(file);
    }
  };

  for (const [i, entry] of entries.entries()) {
    const at = i * stride;
    // Bytes that come from another thread are no Buffer any more.
    const path = typeof entry.path === "string" ? entry.path : Buffer.from(entry.path);
    makeParents(path);
    if (entry.kind === "folder") {
      each(path, at, makeFolder);
      continue;
    }
    const source = inside(from, path);
    const stats = lookAt(source);
    requireKnown(stats, at, source);
    if (stats.isSymbolicLink()) {
      const target = fs.readlinkSync(source, "buffer");
      each(path, at, (place) => {
        fs.symlinkSync(target, place);
        return lookAt(place);
      });
    } else if (stats.size < large) {
      const bytes = readSmall(source, stats);
      each(path, at, (place) => writeSmall(place, bytes, entry.kind === "program" ? 0o777 : 0o666));
    } else {
      const alive = targets.filter(({ failed }) => failed === null);
      const request: LargeFile = { source, places: alive.map(({ folder }) => inside(folder, path)), errors: [] };
      yield request;
      for (const [n, target] of alive.entries()) target.failed = request.errors[n] ?? null;
      each(path, at, (place) => {
        fs.utimesSync(place, time, time);
        return lookAt(place);
      });
      requireKnown(lookAt(source), at, source);
    }
    yield null;
  }
  return targets;
}
