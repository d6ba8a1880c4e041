import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { mapAtOnce } from "../../../model/index.js";
import { type Call, STAT_WORDS, type TreeEntry } from "../../../ports/index.js";
import type { Git } from "../client.js";
import { type IndexEntry, readIndex } from "../index-file.js";
import { AT_ONCE, adminFile, type Registered } from "./registered.js";

/** What an index may hold beside its entries that is as true of another worktree with the same files. */
const COMMON = new Set(["TREE", "EOIE", "IEOT"]);
/** So many files at a time, in all worktrees: what is known of each takes 40 bytes. */
const MOST_FILES = 1_000_000;
const SUBMODULE = 0o160000;
const LINK = 0o120000;

/**
 * Makes others like a worktree that git has just checked out and nobody else knows of: its files copied, and its index with what
 * lstat(2) says of the copies, so that `git status` has nothing to look into. Answers with those that are whole. The rest are left
 * without an index, as a checkout that was cut off: git can still fill them. Throws only where the caller aborts.
 */
export async function copyTo(
  git: Git,
  first: Registered,
  others: readonly Registered[],
  call: Call = {},
): Promise<ReadonlySet<Registered>> {
  const { files } = git.host;
  const whole = new Set<Registered>();
  const index = await readWholeIndex(git, first);
  if (index === null || files.replicate === undefined) return whole;
  const { bytes, entries } = index;
  const known = new Uint32Array(entries.length * STAT_WORDS);
  for (const [i, { at }] of entries.entries()) {
    for (let word = 0; word < STAT_WORDS; word++) known[i * STAT_WORDS + word] = bytes.readUInt32BE(at + 4 * word);
  }
  const tree = entries.map(describe);
  const notes = await readNotes(git, first);
  const some = Math.max(1, Math.floor(MOST_FILES / Math.max(1, entries.length)));
  for (let from = 0; from < others.length; from += some) {
    const group = others.slice(from, from + some);
    const folders = group.map(({ worktree }) => worktree.path);
    const results = await files.replicate(first.worktree.path, tree, known, folders, call).catch((error: unknown) => {
      if (call.signal?.aborted) throw error;
      return [];
    });
    await mapAtOnce(group, AT_ONCE, async (made, i) => {
      const words = results[i];
      if (words instanceof Uint32Array && (await complete(git, made, notes, indexWith(index, words)))) whole.add(made);
    });
  }
  return whole;
}

/** What a checkout writes down beside the index, by name. */
async function readNotes(git: Git, made: Registered): Promise<readonly (readonly [name: string, text: string])[]> {
  const notes: (readonly [string, string])[] = [];
  for (const name of ["ORIG_HEAD", join("logs", "HEAD")]) {
    const text = await git.host.files.read(adminFile(made, name));
    if (text !== null) notes.push([name, text]);
  }
  return notes;
}

/** Writes what a checkout would have; the index last, and whole at once: with it a worktree counts as filled. False if that cannot be. */
async function complete(git: Git, made: Registered, notes: Awaited<ReturnType<typeof readNotes>>, index: Buffer): Promise<boolean> {
  const { files } = git.host;
  try {
    await files.makeFolder(adminFile(made, "logs"), 0o755);
    for (const [name, text] of notes) await files.append(adminFile(made, name), text);
    await files.append(adminFile(made, "index.lock"), index);
    await files.rename(adminFile(made, "index.lock"), adminFile(made, "index"));
    return true;
  } catch {
    // Git says better what is wrong, if anything is.
    for (const name of ["index.lock", ...notes.map(([note]) => note)]) await files.remove(adminFile(made, name)).catch(() => undefined);
    return false;
  }
}

interface WholeIndex {
  readonly bytes: Buffer;
  readonly entries: readonly IndexEntry[];
  /** Length of ids and of the checksum at the end, bytes. */
  readonly idBytes: number;
}

/** The index of a fresh checkout; null where it holds anything that is true of that worktree alone, or is not understood. */
async function readWholeIndex(git: Git, made: Registered): Promise<WholeIndex | null> {
  const { files } = git.host;
  const idBytes = made.commit.length / 2;
  const stat = await files.stat(adminFile(made, "index"));
  const read = stat === null ? null : await files.readRange(adminFile(made, "index"), 0, stat.size);
  if (read === null) return null;
  const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
  const index = readIndex(bytes, idBytes);
  if (index === null || index.entries.some(({ plain, flagged }) => !plain || flagged)) return null;
  const end = bytes.length - idBytes;
  let at = index.end;
  while (at + 8 <= end) {
    if (!COMMON.has(bytes.toString("latin1", at, at + 4))) return null;
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  const whole: WholeIndex = { bytes, entries: index.entries, idBytes };
  return at === end && (isUnchecked(whole) || checksum(whole).equals(bytes.subarray(end))) ? whole : null;
}

/** `index.skipHash`: zeros stand where the checksum would. */
function isUnchecked({ bytes, idBytes }: WholeIndex): boolean {
  return bytes.subarray(bytes.length - idBytes).every((byte) => byte === 0);
}

function checksum({ bytes, idBytes }: WholeIndex): Buffer {
  return createHash(idBytes === 20 ? "sha1" : "sha256")
    .update(bytes.subarray(0, bytes.length - idBytes))
    .digest();
}

function indexWith(index: WholeIndex, words: Uint32Array): Buffer {
  const bytes = Buffer.from(index.bytes);
  for (const [i, { at }] of index.entries.entries()) {
    for (let word = 0; word < STAT_WORDS; word++) {
      // The mode is git's own word on the file, not the disk's.
      if (word !== 6) bytes.writeUInt32BE(words[i * STAT_WORDS + word] ?? 0, at + 4 * word);
    }
  }
  if (!isUnchecked(index)) checksum({ ...index, bytes }).copy(bytes, bytes.length - index.idBytes);
  return bytes;
}

function describe({ path, mode }: IndexEntry): TreeEntry {
  const type = mode & 0o170000;
  return {
    path: isUtf8(path) ? path.toString("utf8") : path,
    kind: type === SUBMODULE ? "folder" : type === LINK ? "link" : (mode & 0o100) !== 0 ? "program" : "file",
  };
}
