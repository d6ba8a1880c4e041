import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { FleetError } from "../../errors/index.js";
import type { Repository, Worktree } from "../../model/index.js";

/** Text by relative path. */
export type Files = Map<string, string>;

/** A worktree in memory. */
export interface Tree {
  readonly path: string;
  readonly adminDir: string;
  branch: string | null;
  /** Commit of a detached HEAD; that of a branch is the branch's. */
  head: string | null;
  readonly files: Files;
  present: boolean;
  mark: string | null;
  readonly excluded: Set<string>;
}

interface Commit {
  readonly files: Files;
  readonly parent: string | null;
}

/** One repository in memory: commits, branches, worktrees. */
export class MemoryRepository {
  readonly commonDir: string;
  readonly repo: Repository;
  readonly branches = new Map<string, string>();
  readonly fleetRefs = new Map<string, string>();
  /** The main one first. */
  readonly trees: Tree[] = [];
  readonly #commits = new Map<string, Commit>();

  constructor(path: string) {
    this.commonDir = join(path, ".git");
    this.repo = { commonDir: this.commonDir, path, bare: false };
  }

  write(files: Files, parent: string | null): string {
    const id = createHash("sha1")
      .update(JSON.stringify([...files, parent, this.#commits.size]))
      .digest("hex");
    this.#commits.set(id, { files: new Map(files), parent });
    return id;
  }

  commit(tree: Tree): string {
    const id = this.write(this.kept(tree), this.headOf(tree));
    if (tree.branch === null) tree.head = id;
    else this.branches.set(tree.branch, id);
    return id;
  }

  headOf(tree: Tree): string | null {
    return tree.branch === null ? tree.head : (this.branches.get(tree.branch) ?? null);
  }

  filesOf(commit: string | null): Files {
    return (commit === null ? undefined : this.#commits.get(commit)?.files) ?? new Map();
  }

  requireCommit(id: string): string {
    if (this.#commits.has(id)) return id;
    throw new FleetError("REF_NOT_FOUND", `The base ${id} is no commit of the repository.`, { data: { ref: id } });
  }

  /** The commit and those before it, newest first. */
  history(from: string | null): string[] {
    const found: string[] = [];
    for (let id = from; id !== null; id = this.#commits.get(id)?.parent ?? null) found.push(id);
    return found;
  }

  onlyFrom(head: string, tree: Tree): string[] {
    const others = [...this.branches.values(), ...this.trees.filter((one) => one !== tree).map((one) => this.headOf(one))];
    const held = new Set(others.flatMap((tip) => this.history(tip)));
    return this.history(head).filter((commit) => !held.has(commit));
  }

  resolve(revision: string, tree: Tree | null): string | null {
    if (revision === "HEAD") return tree === null ? null : this.headOf(tree);
    if (this.#commits.has(revision)) return revision;
    return this.branches.get(revision.replace(/^refs\/heads\//, "")) ?? this.fleetRefs.get(revision) ?? null;
  }

  placeOf(branch: string): string | null {
    return this.trees.find((tree) => tree.branch === branch)?.path ?? null;
  }

  blockedBy(branch: string): string | null {
    return [...this.branches.keys()].find((name) => name.startsWith(`${branch}/`) || branch.startsWith(`${name}/`)) ?? null;
  }

  addTree(path: string, branch: string, head: string, name: string): Tree {
    const adminDir = join(this.commonDir, "worktrees", name);
    const tree: Tree = { path, adminDir, branch, head, files: new Map(this.filesOf(head)), present: true, mark: null, excluded: new Set() };
    this.trees.push(tree);
    return tree;
  }

  worktree(tree: Tree): Worktree {
    const { path, adminDir, branch, present } = tree;
    return { path, adminDir, head: this.headOf(tree), branch, main: adminDir === this.commonDir, locked: null, present };
  }

  /** The files a commit of everything would hold. */
  kept(tree: Tree): Files {
    const tracked = this.filesOf(this.headOf(tree));
    return new Map([...tree.files].filter(([path]) => tracked.has(path) || ignoredBy(tree, path) === null));
  }

  status(tree: Tree): { modified: string[]; untracked: string[]; ignored: string[] } {
    const tracked = this.filesOf(this.headOf(tree));
    const modified = [...tracked.keys()].filter((path) => tree.files.get(path) !== tracked.get(path));
    const others = [...tree.files.keys()].filter((path) => !tracked.has(path));
    const untracked = others.filter((path) => ignoredBy(tree, path) === null);
    return { modified, untracked, ignored: [...new Set(others.flatMap((path) => ignoredBy(tree, path) ?? []))] };
  }
}

/** The file or folder (ending in `/`) that the tree's `.gitignore` or excludes catch a path by, null if none. Knows plain names and `*.ext`. */
export function ignoredBy(tree: Tree, path: string): string | null {
  if (tree.excluded.has(path)) return path;
  const parts = path.split("/");
  for (const line of (tree.files.get(".gitignore") ?? "").split("\n").filter((text) => text !== "")) {
    const name = line.replace(/\/$/, "");
    const folder = parts.slice(0, -1).indexOf(name);
    if (folder >= 0) return `${parts.slice(0, folder + 1).join("/")}/`;
    const caught = line.startsWith("*") ? path.endsWith(line.slice(1)) : basename(path) === line;
    if (caught) return path;
  }
  return null;
}
