import { basename } from "node:path";
import { type Repository, sha256 } from "../model/index.js";

const SLUG = /^[A-Za-z0-9_-]{1,80}$/;
const HASH_LENGTH = 6;

/** `<folder name made safe>-<6 hex of the common git directory>`: two repositories of one name differ. */
export function projectName(repo: Repository): string {
  const name = projects.get(repo) ?? `${makeSafe(basename(repo.path)) || "repo"}-${shortHash(repo.commonDir)}`;
  projects.set(repo, name);
  return name;
}

/** A batch asks for each of its agents. */
const projects = new WeakMap<Repository, string>();

/**
 * The branch as a folder and session name: itself where that is safe, else made safe, cut and hashed.
 * A name that is taken, or that a case-insensitive disk would fold onto one that is taken, is hashed too.
 */
export function slugFor(branch: string, taken: ReadonlySet<string>): string {
  const lower = new Set([...taken].map((name) => name.toLowerCase()));
  if (SLUG.test(branch) && !lower.has(branch.toLowerCase())) return branch;
  const cut = makeSafe(branch).slice(0, 80 - HASH_LENGTH - 1);
  const hash = shortHash(branch);
  const slug = cut === "" ? hash : `${cut}-${hash}`;
  for (let n = 2, name = slug; ; n += 1) {
    if (!lower.has(name.toLowerCase())) return name;
    name = `${slug}-${n}`;
  }
}

/** Every character that could mean something to tmux, a shell or a path becomes `-`. */
function makeSafe(text: string): string {
  return text
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 80);
}

export function shortHash(text: string): string {
  return sha256(text).slice(0, HASH_LENGTH);
}
