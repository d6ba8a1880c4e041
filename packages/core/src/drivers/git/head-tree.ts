import { join } from "node:path";
import { inflateSync } from "node:zlib";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { cutNewline } from "./links.js";

const OID = /^[0-9a-f]{40}$/;
/** A larger file of packed refs is left to git, bytes. */
const MOST_PACKED = 1_000_000;
/** No commit's text is longer, bytes; git is asked then. */
const MOST_COMMIT = 1_000_000;

/** The branch a worktree stands on and its commit, read from their files; null where they do not tell. */
export async function headOf(
  files: HostFiles,
  commonDir: string,
  adminDir: string,
): Promise<{ readonly head: string; readonly branch: string } | null> {
  const [text] = await files.readMany([join(adminDir, "HEAD")]);
  const branch = /^ref: refs\/heads\/([^\n]+)$/.exec(cutNewline(text ?? ""))?.[1];
  if (branch === undefined || branch === ".invalid") return null;
  // One that may not be read is not one that is not there.
  const loose = await files.read(join(commonDir, "refs/heads", branch)).catch(() => undefined);
  if (loose === undefined) return null;
  const head = loose === null ? await packedTip(files, commonDir, branch) : cutNewline(loose);
  return head !== null && OID.test(head) ? { head, branch } : null;
}

/** A branch without a file of its own. */
async function packedTip(files: HostFiles, commonDir: string, branch: string): Promise<string | null> {
  const file = join(commonDir, "packed-refs");
  if (((await files.stat(file))?.size ?? 0) > MOST_PACKED) return null;
  const [text] = await files.readMany([file]);
  const line = ` refs/heads/${branch}\n`;
  const at = text?.indexOf(line) ?? -1;
  return at < 40 ? null : (text?.slice(at - 40, at) ?? null);
}

/** Trees of commits, which never change, by repository and commit. */
const known = new WeakMap<Git, Map<string, Promise<string | null>>>();

/** The tree of a commit. Of one that was made lately from its own file; else git is asked, once. */
export function treeOf(git: Git, commonDir: string, commit: string, call?: Call): Promise<string | null> {
  const trees = known.get(git) ?? new Map<string, Promise<string | null>>();
  known.set(git, trees);
  const key = `${commonDir} ${commit}`;
  const tree = trees.get(key) ?? readTree(git, commonDir, commit, call);
  trees.set(key, tree);
  tree.catch(() => trees.delete(key));
  return tree;
}

async function readTree(git: Git, commonDir: string, commit: string, call?: Call): Promise<string | null> {
  const file = join(commonDir, "objects", commit.slice(0, 2), commit.slice(2));
  const bytes = await git.host.files.readRange(file, 0, MOST_COMMIT).catch(() => null);
  const loose = bytes === null ? null : /^commit \d+\0tree ([0-9a-f]{40})\n/.exec(inflated(bytes))?.[1];
  if (loose != null) return loose;
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${commit}^{tree}`];
  const { stdout } = await git.run(commonDir, args, { kind: "quick", accept: [0, 1, 128] }, call);
  return OID.test(cutNewline(stdout)) ? cutNewline(stdout) : null;
}

function inflated(bytes: Uint8Array): string {
  try {
    return inflateSync(bytes, { maxOutputLength: MOST_COMMIT }).toString("latin1");
  } catch {
    return "";
  }
}
