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
  const file = join(adminDir, "index");
  const stat = await files.stat(file);
  if (stat === null) return NONE;
  const bytes = await files.readRange(file, 0, stat.size);
  const known = bytes === null || !(await hasSha1(files, adminDir)) ? null : parseIndex(Buffer.from(bytes));
  return known ?? parseListing((await git.run(folder, ["ls-files", "-z", "-s", "-v"], { kind: "scan" }, call)).stdout);
}

async function hasSha1(files: HostFiles, adminDir: string): Promise<boolean> {
  const common = (await files.read(join(adminDir, "commondir"))) === null ? adminDir : dirname(dirname(adminDir));
  return !/objectformat/i.test((await files.read(join(common, "config"))) ?? "");
}

/** Entries of an index of version 2 to 4 with 20-byte ids; null for one that is split or of another kind. */
export function parseIndex(bytes: Buffer): IndexOddities | null {
  if (bytes.length < 12 || bytes.toString("latin1", 0, 4) !== "DIRC") return null;
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return null;
  const flagged: string[] = [];
  const links: string[] = [];
  let previous: Buffer = Buffer.alloc(0);
  let at = 12;
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    if (at + 64 > bytes.length) return null;
    const mode = bytes.readUInt32BE(at + 24);
    const flags = bytes.readUInt16BE(at + 60);
    const extended = (flags & 0x4000) === 0 ? 0 : bytes.readUInt16BE(at + 62);
    let start = at + 62 + ((flags & 0x4000) === 0 ? 0 : 2);
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
    const end = bytes.indexOf(0, start);
    if (end < 0) return null;
    const own = bytes.subarray(start, end);
    const path = version === 4 ? Buffer.concat([previous.subarray(0, previous.length - cut), own]) : own;
    if (version === 4) previous = path;
    if ((flags & 0x8000) !== 0 || (extended & 0x4000) !== 0) flagged.push(path.toString("utf8"));
    if ((mode & 0o170000) === SUBMODULE) links.push(path.toString("utf8"));
    at = version === 4 ? end + 1 : at + (((end - at + 8) >> 3) << 3);
  }
  // A split index keeps its entries in another file.
  return bytes.toString("latin1", at, at + 4) === "link" ? null : { flagged, links };
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
