import { dirname, join } from "node:path";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";

/** What of an index `git status` does not look at, or not into. */
export interface IndexOddities {
  /** Files that were marked assume-unchanged or skip-worktree: status says nothing of what is done to them. */
  readonly flagged: readonly string[];
  /** Paths of submodules. */
  readonly links: readonly string[];
}

const NONE: IndexOddities = { flagged: [], links: [] };
const SUBMODULE = 0o160000;

/** Read from the index itself, which takes no process; git is asked only about a kind of index that is not known here. */
export async function indexOddities(git: Git, folder: string, adminDir: string, call?: Call): Promise<IndexOddities> {
  const { files } = git.host;
  const bytes = await readIndexFile(files, adminDir);
  if (bytes === null) return NONE;
  const known = (await hasSha1(files, adminDir)) ? parseIndex(bytes) : null;
  return known ?? parseListing((await git.run(folder, ["ls-files", "-z", "-s", "-v"], { kind: "scan" }, call)).stdout);
}

/** A git directory's index as it is, null where there is none. */
export async function readIndexFile(files: HostFiles, adminDir: string): Promise<Buffer | null> {
  const file = join(adminDir, "index");
  const stat = await files.stat(file);
  const bytes = stat === null ? null : await files.readRange(file, 0, stat.size);
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether a repository's ids have 20 bytes. */
export async function hasSha1(files: HostFiles, adminDir: string): Promise<boolean> {
  const common = (await files.read(join(adminDir, "commondir"))) === null ? adminDir : dirname(dirname(adminDir));
  return !/objectformat/i.test((await files.read(join(common, "config"))) ?? "");
}

/** Flags and submodules of an index with 20-byte ids; null for one that is split or of another kind. */
export function parseIndex(bytes: Buffer): IndexOddities | null {
  const flagged: string[] = [];
  const links: string[] = [];
  const end = eachEntry(bytes, 20, (at, flags, extended, path) => {
    if (isFlagged(flags, extended)) flagged.push(path().toString("utf8"));
    if ((bytes.readUInt32BE(at + 24) & 0o170000) === SUBMODULE) links.push(path().toString("utf8"));
  });
  // A split index keeps its entries in another file.
  return end === null || bytes.toString("latin1", end, end + 4) === "link" ? null : { flagged, links };
}

/** One entry of an index. */
export interface IndexEntry {
  /** Where it begins, with what lstat(2) said of the file. */
  readonly at: number;
  readonly mode: number;
  readonly path: Buffer;
  /** Marked assume-unchanged or skip-worktree. */
  readonly flagged: boolean;
  /** Nothing but a path, an id and what the file is like: no stage of a merge, no intent to add. */
  readonly plain: boolean;
}

/** Entries of an index of version 2 to 4, and where they end; null for one of another kind. */
export function readIndex(bytes: Buffer, idBytes: number): { readonly entries: readonly IndexEntry[]; readonly end: number } | null {
  const entries: IndexEntry[] = [];
  const end = eachEntry(bytes, idBytes, (at, flags, extended, path) => {
    entries.push({
      at,
      mode: bytes.readUInt32BE(at + 24),
      path: path(),
      flagged: isFlagged(flags, extended),
      plain: (flags & 0xb000) === 0 && extended === 0,
    });
  });
  return end === null ? null : { entries, end };
}

function isFlagged(flags: number, extended: number): boolean {
  return (flags & 0x8000) !== 0 || (extended & 0x4000) !== 0;
}

/** Goes through the entries without making anything of them, as there may be very many; `path` tells that of the one at hand. Answers with where they end. */
function eachEntry(
  bytes: Buffer,
  idBytes: number,
  visit: (at: number, flags: number, extended: number, path: () => Buffer) => void,
): number | null {
  if (bytes.length < 12 || bytes.toString("latin1", 0, 4) !== "DIRC") return null;
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return null;
  let previous: Buffer = Buffer.alloc(0);
  let at = 12;
  let start = 0;
  let end = 0;
  const path = (): Buffer => (version === 4 ? previous : bytes.subarray(start, end));
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    const head = at + 40 + idBytes;
    if (head + 4 > bytes.length) return null;
    const flags = bytes.readUInt16BE(head);
    const isExtended = (flags & 0x4000) !== 0;
    const extended = isExtended ? bytes.readUInt16BE(head + 2) : 0;
    start = head + (isExtended ? 4 : 2);
    let cut = 0;
    if (version === 4) {
      // How many bytes of the path before are dropped, as git's packs write numbers.
      let byte = bytes[start++] ?? 0;
      cut = byte & 0x7f;
      while ((byte & 0x80) !== 0) {
        byte = bytes[start++] ?? 0;
        cut = ((cut + 1) << 7) | (byte & 0x7f);
      }
    }
    // Its length stands before it, unless it is very long, or cut.
    const length = flags & 0xfff;
    const told = version < 4 && length < 0xfff && bytes[start + length] === 0;
    end = told ? start + length : bytes.indexOf(0, start);
    if (end < 0) return null;
    if (version === 4) previous = Buffer.concat([previous.subarray(0, previous.length - cut), bytes.subarray(start, end)]);
    visit(at, flags, extended, path);
    at = version === 4 ? end + 1 : at + (((end - at + 8) >> 3) << 3);
  }
  return at;
}

/** `git ls-files -z -s -v`: tag, mode, id, stage, tab, path. */
function parseListing(text: string): IndexOddities {
  const flagged: string[] = [];
  const links: string[] = [];
  for (const record of text.split("\0")) {
    const [, tag, mode, path] = /^(\S) (\d+) [0-9a-f]+ \d\t([\s\S]+)$/.exec(record) ?? [];
    if (tag === undefined || path === undefined) continue;
    if (tag === "S" || tag !== tag.toUpperCase()) flagged.push(path);
    if (mode === "160000") links.push(path);
  }
  return { flagged, links };
}
