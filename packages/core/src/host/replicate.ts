import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";
import { FleetError, throwIfAborted, toFleetError } from "../errors/index.js";
import { type Call, type FilePath, STAT_WORDS, type TreeEntry } from "../ports/index.js";

/** A file from this size on is copied by the system, which shares its blocks where the file system can, bytes. */
const LARGE = 64 * 1024;
/** How long the process may be busy at a stretch, milliseconds: signals and other work come in between. */
const SLICE_MS = 4;
/** So much older than now are the files, seconds: git looks again into every file that is as new as its index. */
const AGE_S = 2;

/** A folder that is being filled. */
interface Target {
  readonly folder: string;
  readonly words: Uint32Array;
  failed: Error | null;
}

/**
 * Copies the entries of a tree into many folders: each file is read once and written to all of them, which takes less than half of
 * what git takes to unpack it for each. Synchronous in slices: to write a small file takes some microseconds, and its way
 * through the thread pool several times as long.
 */
export async function replicate(
  from: string,
  entries: readonly TreeEntry[],
  known: Uint32Array,
  to: readonly string[],
  call: Call = {},
): Promise<readonly (Uint32Array | Error)[]> {
  const targets: Target[] = to.map((folder) => ({ folder, words: new Uint32Array(entries.length * STAT_WORDS), failed: null }));
  const time = Math.floor(Date.now() / 1000) - AGE_S;
  const buffer = Buffer.allocUnsafe(LARGE);
  const folders = new Set<string>();
  let began = performance.now();
  for (const [i, { path, kind }] of entries.entries()) {
    const at = i * STAT_WORDS;
    const each = (make: (place: FilePath) => BigIntStats) => {
      for (const target of targets) attempt(target, () => noteStats(make(inside(target.folder, path)), target.words, at));
    };
    makeParents(path, folders, targets);
    const source = inside(from, path);
    const stats = kind === "folder" ? null : lstatSync(source, { bigint: true });
    if (stats !== null) requireKnown(stats, known, at, source);
    if (stats === null) each(makeFolder);
    else if (stats.isSymbolicLink()) {
      const target = readlinkSync(source, "buffer");
      each((place) => makeLink(place, target));
    } else if (stats.size < LARGE) {
      const bytes = buffer.subarray(0, readSmall(source, buffer, stats));
      const mode = kind === "program" ? 0o777 : 0o666;
      each((place) => writeSmall(place, bytes, mode, time));
    } else {
      for (const target of targets) {
        throwIfAborted(call.signal);
        const place = inside(target.folder, path);
        if (target.failed !== null) continue;
        const error = await copyFile(source, place, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE).catch((cause: Error) => cause);
        attempt(target, () => {
          if (error !== undefined) throw error;
          utimesSync(place, time, time);
          noteStats(lstatSync(place, { bigint: true }), target.words, at);
        });
      }
      requireKnown(lstatSync(source, { bigint: true }), known, at, source);
    }
    if (performance.now() - began < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted(call.signal);
    began = performance.now();
  }
  return targets.map(({ words, failed }) => failed ?? words);
}

/** A folder in which something fails is not gone on with; the others are. */
function attempt(target: Target, work: () => void): void {
  if (target.failed !== null) return;
  try {
    work();
  } catch (error) {
    target.failed = toFleetError(error, `Cannot fill ${target.folder}`);
  }
}

function inside(folder: string, path: FilePath): FilePath {
  return typeof path === "string" ? `${folder}/${path}` : Buffer.concat([Buffer.from(`${folder}/`), path]);
}

/** Makes the folders on the way to an entry that no entry before it had on its way. */
function makeParents(path: FilePath, made: Set<string>, targets: readonly Target[]): void {
  const end = path.lastIndexOf("/");
  if (end < 0) return;
  const parent = typeof path === "string" ? path.slice(0, end) : path.subarray(0, end);
  const name = typeof parent === "string" ? parent : parent.toString("latin1");
  if (made.has(name)) return;
  makeParents(parent, made, targets);
  made.add(name);
  for (const target of targets) attempt(target, () => makeFolder(inside(target.folder, parent)));
}

function makeFolder(path: FilePath): BigIntStats {
  try {
    mkdirSync(path);
  } catch (error) {
    // Not where a link stands in its place: on a disk that takes `A` for `a` a tree may hold both.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !lstatSync(path).isDirectory()) throw error;
  }
  return lstatSync(path, { bigint: true });
}

function makeLink(path: FilePath, target: Buffer): BigIntStats {
  symlinkSync(target, path);
  return lstatSync(path, { bigint: true });
}

/** Reads a file whole, as it was looked at. */
function readSmall(path: FilePath, buffer: Buffer, { size }: BigIntStats): number {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(file, buffer, length, buffer.length - length, length);
      if (read === 0) break;
      length += read;
    }
    if (BigInt(length) !== size) throw changed(path);
    return length;
  } finally {
    closeSync(file);
  }
}

function writeSmall(path: FilePath, bytes: Buffer, mode: number, time: number): BigIntStats {
  const file = openSync(path, "wx", mode);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
    futimesSync(file, time, time);
    return fstatSync(file, { bigint: true });
  } finally {
    closeSync(file);
  }
}

/** Puts down what git keeps in its index of a file, as {@link STAT_WORDS} says. */
function noteStats(stats: BigIntStats, words: Uint32Array, at: number): void {
  const { ctimeNs, mtimeNs } = stats;
  const values = [
    ctimeNs / NS,
    ctimeNs % NS,
    mtimeNs / NS,
    mtimeNs % NS,
    stats.dev,
    stats.ino,
    stats.mode,
    stats.uid,
    stats.gid,
    stats.size,
  ];
  for (const [i, value] of values.entries()) words[at + i] = Number(BigInt.asUintN(32, value));
}

const NS = 1_000_000_000n;

/** The words of a file that change when it does: times, number, size. */
const TELLING = [0, 1, 2, 3, 5, 9] as const;

function requireKnown(stats: BigIntStats, known: Uint32Array, at: number, path: FilePath): void {
  const words = new Uint32Array(STAT_WORDS);
  noteStats(stats, words, 0);
  if (TELLING.some((i) => words[i] !== known[at + i])) throw changed(path);
}

function changed(path: FilePath): FleetError {
  return new FleetError("DRIVER_FAILED", `${path} is not as git made it any more.`);
}
