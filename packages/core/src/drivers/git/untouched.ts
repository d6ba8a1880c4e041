import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Worktree } from "../../model/index.js";
import type { Call, ExactStat, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { headOf, treeOf } from "./head-tree.js";
import { hasSha1, readIndex, readIndexFile } from "./index-file.js";
import { namesAdminDir } from "./links.js";

/** A larger index is looked through by git, which is as fast then and takes a processor of its own, bytes: some 700 files. */
const MOST_INDEX = 60_000;
/** Files that have to be read come to no more than this, bytes. */
const MOST_READ = 1_000_000;

const EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const SECOND = 1_000_000_000n;
/** Longer than any kernel's clock for files takes from one time to the next, nanoseconds. */
const TICKS = 20_000_000n;
const FILE = 0o100000;
const LINK = 0o120000;

/** A file as the index has it. */
interface Entry {
  readonly mode: number;
  readonly oid: string;
  /** Changed and modified (seconds, nanoseconds each), inode, owner, group, size, as git cuts them to 32 bits. */
  readonly stat: readonly number[];
}

export interface UntouchedOptions {
  /** A larger index is git's to look through, bytes. @default 60_000 */
  readonly mostIndex?: number;
  /**
   * Whether anything would be lost by a wrong answer. Then a file that was changed in the second in which the index was written is read, as git
   * does; else only one changed in the last clock ticks before it. @default true
   */
  readonly losable?: boolean;
}

/** Where a worktree stands that holds nothing but what its HEAD holds. */
export interface Untouched {
  readonly head: string;
  readonly branch: string;
}

/**
 * Proves without starting git that a small worktree holds exactly the files of its branch's commit, none changed, none
 * more, none less: the index is that commit's tree; each file is as the index knows it, or, where times do not tell, has that content;
 * and nothing else is there, ignored or not. Null wherever any of it is not so or not plain: then git is asked, whose answer to all
 * of this would be the same.
 */
export async function untouched(
  git: Git,
  commonDir: string,
  worktree: Pick<Worktree, "path" | "adminDir">,
  call?: Call,
  { mostIndex = MOST_INDEX, losable = true }: UntouchedOptions = {},
): Promise<Untouched | null> {
  const { files } = git.host;
  // Looked at before it is read: taken for older than it is, it proves less, never more.
  const [written] = (await files.exactStats?.([join(worktree.adminDir, "index")])) ?? [];
  if (written == null || written.size > mostIndex || !(await hasSha1(files, worktree.adminDir))) return null;
  const index = await readIndexFile(files, worktree.adminDir);
  const parsed = index === null ? null : parseEntries(index);
  if (parsed === null) return null;
  // The main worktree has its admin directory in it.
  const isMain = worktree.adminDir === commonDir;
  if (!isMain && !(await namesAdminDir(files, worktree.path, worktree.adminDir))) return null;
  const at = await headOf(files, commonDir, worktree.adminDir);
  const isOlder = losable
    ? ({ modifiedAt }: ExactStat) => modifiedAt / SECOND < written.modifiedAt / SECOND
    : ({ changedAt }: ExactStat) => changedAt + TICKS < written.modifiedAt;
  if (at === null || !(await isAsKnown(files, worktree.path, parsed.entries, isOlder, isMain ? "folder" : "file"))) return null;
  return (await treeOf(git, commonDir, at.head, call)) === parsed.tree ? at : null;
}

/** The files of an index of the plain kind, and the tree that they make up; null for any other. */
function parseEntries(bytes: Buffer): { readonly entries: ReadonlyMap<string, Entry>; readonly tree: string } | null {
  const index = readIndex(bytes, 20);
  if (index === null) return null;
  const entries = new Map<string, Entry>();
  for (const { at, mode, path, flagged, plain } of index.entries) {
    const kind = mode & 0o170000;
    const name = path.toString("utf8");
    // A submodule is another's to judge; a name that is no text cannot be compared.
    if (flagged || !plain || (kind !== FILE && kind !== LINK) || name.includes("\ufffd")) return null;
    const stat = [0, 4, 8, 12, 20, 28, 32, 36].map((word) => bytes.readUInt32BE(at + word));
    entries.set(name, { mode, oid: bytes.toString("hex", at + 40, at + 60), stat });
  }
  const tree = entries.size === index.entries.length ? wholeTree(bytes, index.end, entries.size) : null;
  return tree === null ? null : { entries, tree };
}

/** The id of the tree that the index notes for all of its entries; null where it notes none, or has what is not known here. */
function wholeTree(bytes: Buffer, from: number, entries: number): string | null {
  let tree: string | null = null;
  // A checksum comes last.
  for (let at = from; at + 8 <= bytes.length - 20; ) {
    const name = bytes.toString("latin1", at, at + 4);
    const begin = at + 8;
    at = begin + bytes.readUInt32BE(at + 4);
    // Without a capital letter it changes what the entries mean.
    if (!/^[A-Z]/.test(name) || at > bytes.length - 20) return null;
    if (name !== "TREE") continue;
    const head = /^\0(\d+) \d+\n/.exec(bytes.toString("latin1", begin, Math.min(at, begin + 32)));
    if (head === null || Number(head[1]) !== entries) return null;
    const id = begin + head[0].length;
    if (id + 20 > at) return null;
    tree = bytes.toString("hex", id, id + 20);
  }
  return tree;
}

/** Whether a folder holds those files and no others, each unchanged. */
async function isAsKnown(
  files: HostFiles,
  root: string,
  entries: ReadonlyMap<string, Entry>,
  isOlder: (stat: ExactStat) => boolean,
  git: "file" | "folder",
): Promise<boolean> {
  const folders = foldersOf(entries.keys());
  const known: (readonly [path: string, Entry])[] = [];
  for (const folder of folders) {
    const there = await files.listKinds?.(join(root, folder));
    if (there == null) return false;
    for (const { name, kind } of there) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const entry = entries.get(path);
      if (entry !== undefined) known.push([path, entry]);
      else if (path === ".git" ? kind !== git : kind !== "folder" || !folders.has(path)) return false;
    }
  }
  if (known.length < entries.size) return false;
  const stats = (await files.exactStats?.(known.map(([path]) => `${root}/${path}`))) ?? [];
  const unsure: { readonly path: string; readonly oid: string; readonly size: number }[] = [];
  for (const [i, [path, entry]] of known.entries()) {
    const stat = stats[i] ?? null;
    if (stat === null || !isSameKind(stat, entry)) return false;
    if (isOlder(stat) && isSameStat(stat, entry)) continue;
    if (stat.target === null) unsure.push({ path: join(root, path), oid: entry.oid, size: stat.size });
    else if (!isBlob(stat.target, entry.oid)) return false;
  }
  return haveContent(files, unsure);
}

/** The folders that files lie in, each before those inside it. */
function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set([""]);
  for (const path of paths) for (let cut = path.indexOf("/"); cut > 0; cut = path.indexOf("/", cut + 1)) folders.add(path.slice(0, cut));
  return folders;
}

function isSameKind({ kind, mode }: ExactStat, entry: Entry): boolean {
  return (entry.mode & 0o170000) === LINK ? kind === "link" : kind === "file" && (mode & 0o100) === (entry.mode & 0o100);
}

/** Whether the file is the one that the index was written for, if it is older than that: one as young may have been changed once more in that instant. */
function isSameStat(stat: ExactStat, { stat: known, oid }: Entry): boolean {
  if (stat.size === 0 && oid !== EMPTY_BLOB) return false;
  const now = [
    Number(stat.changedAt / SECOND),
    Number(stat.changedAt % SECOND),
    Number(stat.modifiedAt / SECOND),
    Number(stat.modifiedAt % SECOND),
    Number(stat.inode & 0xffffffffn),
    stat.owner,
    stat.group,
    stat.size,
  ];
  return now.every((value, i) => value === known[i]);
}

/** Whether the files, byte for byte, are the blobs of those ids. One that is no text is left to git. */
async function haveContent(
  files: HostFiles,
  wanted: readonly { readonly path: string; readonly oid: string; readonly size: number }[],
): Promise<boolean> {
  if (wanted.reduce((sum, { size }) => sum + size, 0) > MOST_READ) return false;
  const texts = await files.readMany(wanted.map(({ path }) => path));
  return wanted.every(({ oid }, i) => isBlob(texts[i] ?? null, oid));
}

/** Whether a text is the blob of that id. */
function isBlob(text: string | null, oid: string): boolean {
  if (text === null || text.includes("\ufffd")) return false;
  const hash = createHash("sha1").update(`blob ${Buffer.byteLength(text)}\0`);
  return hash.update(text).digest("hex") === oid;
}
