import { dirname, join, resolve } from "node:path";
import type { Repository } from "../../model/index.js";
import type { HostFiles, KeptReads } from "../../ports/index.js";
import { cutNewline, namesAdminDir } from "./links.js";

/** One admin directory as its files tell, without asking git. */
export interface Registration {
  readonly adminDir: string;
  /** Folder it names, there or not. */
  readonly path: string;
  readonly present: boolean;
}

/** What is kept of one repository's registrations between two looks at them. */
export interface KeptRegistrations {
  readonly gitdirs: KeptReads;
  readonly links: KeptReads;
  readonly marks: KeptReads;
}

/** Every linked worktree's admin directory. File reads only. */
export async function readRegistrations(files: HostFiles, commonDir: string, kept?: KeptRegistrations): Promise<Registration[]> {
  const folder = join(commonDir, "worktrees");
  const adminDirs = ((await files.list(folder)) ?? []).map((name) => join(folder, name));
  const gitdirs = await files.readMany(
    adminDirs.map((dir) => `${dir}/gitdir`),
    kept?.gitdirs,
  );
  const named = adminDirs.flatMap((adminDir, i) => {
    const text = gitdirs[i];
    return text === null || text === undefined ? [] : [{ adminDir, path: folderOf(cutNewline(text), adminDir) }];
  });
  const links = await files.readMany(
    named.map(({ path }) => `${path}/.git`),
    kept?.links,
  );
  const found = await Promise.all(
    named.map(async ({ adminDir, path }, i): Promise<Registration> => {
      // As git writes it; what a person or a moved folder made of it takes a closer look.
      const plain = links[i] === `gitdir: ${adminDir}\n`;
      return { adminDir, path, present: plain || (links[i] !== null && (await namesAdminDir(files, path, adminDir))) };
    }),
  );
  return found.sort((a, b) => (a.adminDir < b.adminDir ? -1 : 1));
}

/** The folder whose `.git` a registration names. As git writes it that takes no resolving, which would be most of the reading of many. */
function folderOf(named: string, adminDir: string): string {
  const isPlain = /^\/.+\/\.git$/.test(named) && !/\/\.{0,2}\//.test(named);
  return isPlain ? named.slice(0, -"/.git".length) : dirname(resolve(adminDir, named));
}

/** A branch some worktree has in hand, by its short name -> that worktree's folder. */
export type HeldBranches = ReadonlyMap<string, string>;

/** Files that name the branch a worktree stands on, or will stand on again when its rebase or bisect ends. */
const HOLDING = ["HEAD", "rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"];

/**
 * Branches that worktrees have checked out, counting those in the middle of a rebase or a bisect,
 * where HEAD itself is detached. File reads only; right for every ref storage, as HEAD stays a file
 * in all but reftable (`null` is answered there, and git must be asked).
 */
export async function readHeldBranches(files: HostFiles, repo: Repository): Promise<HeldBranches | null> {
  const places = (await readRegistrations(files, repo.commonDir)).map(({ adminDir, path }) => ({ adminDir, path }));
  if (!repo.bare) places.unshift({ adminDir: repo.commonDir, path: repo.path });
  const texts = await files.readMany(places.flatMap(({ adminDir }) => HOLDING.map((name) => join(adminDir, name))));
  const held = new Map<string, string>();
  for (const [i, text] of texts.entries()) {
    const place = places[Math.floor(i / HOLDING.length)];
    const file = HOLDING[i % HOLDING.length];
    if (text === null || place === undefined) continue;
    const line = cutNewline(text);
    if (line === "ref: refs/heads/.invalid") return null;
    const branch = file === "BISECT_START" ? line.replace(/^refs\/heads\//, "") : /^(?:ref: )?refs\/heads\/(.+)$/.exec(line)?.[1];
    if (branch !== undefined && branch !== "" && !held.has(branch)) held.set(branch, place.path);
  }
  return held;
}
