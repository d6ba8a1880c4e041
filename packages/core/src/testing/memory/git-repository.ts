import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { FleetError } from "../../errors/index.js";
import type { Repository, Worktree } from "../../model/index.js";
import type { MemoryDisk } from "./disk.js";

/** Text by relative path. */
export type Files = Map<string, string>;

/** The files of a worktree, as they lie on the disk at this moment. */
function filesIn(disk: MemoryDisk, folder: string): Files {
  const paths = disk.walk(folder).filter((path) => path !== ".git" && !path.startsWith(".git/"));
  return new Map(paths.map((path) => [path, disk.readText(join(folder, path)) ?? ""]));
}

/** A worktree in memory. */
export interface Tree {
  readonly path: string;
  readonly adminDir: string;
  branch: string | null;
  /** Commit of a detached HEAD; that of a branch is the branch's. */
  head: string | null;
  readonly files: Files;
  /** Whether the folder is there and names its admin directory back. */
  readonly present: boolean;
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

  constructor(
    path: string,
    private readonly disk: MemoryDisk,
  ) {
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

  /** Makes a worktree on the disk; the main one has no name. */
  addTree(path: string, branch: string | null, files: ReadonlyMap<string, string>, name: string | null): Tree {
    const { disk } = this;
    const adminDir = name === null ? this.commonDir : join(this.commonDir, "worktrees", name);
    disk.makeFolder(adminDir, 0o755);
    for (const [file, text] of files) writeText(disk, join(path, file), text);
    if (name !== null) writeText(disk, join(path, ".git"), linkTo(adminDir));
    writeText(disk, join(adminDir, "index"), "");
    const tree: Tree = {
      path,
      adminDir,
      branch,
      head: null,
      mark: null,
      excluded: new Set(),
      get files() {
        return filesIn(disk, path);
      },
      get present() {
        return name === null
          ? disk.list(path) !== null
          : disk.entry(join(path, ".git")) !== null && disk.readText(join(path, ".git")) === linkTo(adminDir);
      },
    };
    this.trees.push(tree);
    return tree;
  }

  /** Puts another commit's files in the place of those that differ. Throws where one of them is not as it was committed. */
  moveTo(tree: Tree, commit: string): void {
    const [before, after, now] = [this.filesOf(this.headOf(tree)), this.filesOf(commit), tree.files];
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
    const inTheWay = changed.find((path) => now.get(path) !== before.get(path));
    if (inTheWay !== undefined) throw new FleetError("DRIVER_FAILED", `${inTheWay} would be overwritten in ${tree.path}.`);
    for (const path of changed) {
      const text = after.get(path);
      if (text === undefined) this.disk.remove(join(tree.path, path));
      else writeText(this.disk, join(tree.path, path), text);
    }
  }

  /** Forgets a worktree; its folder stays, no longer naming the registration. */
  dropTree(adminDir: string): Tree | null {
    const tree = this.trees.find((one) => one.adminDir === adminDir);
    if (tree === undefined) return null;
    if (tree.present) this.disk.remove(join(tree.path, ".git"));
    this.disk.removeTree(adminDir);
    this.trees.splice(this.trees.indexOf(tree), 1);
    return tree;
  }

  worktree(tree: Tree): Worktree {
    const { path, adminDir, branch, present } = tree;
    return { path, adminDir, head: this.headOf(tree), branch, main: adminDir === this.commonDir, locked: null, present };
  }

  /** The files a commit of everything would hold. */
  kept(tree: Tree): Files {
    const tracked = this.filesOf(this.headOf(tree));
    const { files } = tree;
    return new Map([...files].filter(([path]) => tracked.has(path) || ignoredBy(tree, path, files) === null));
  }

  status(tree: Tree): { modified: string[]; untracked: string[]; ignored: string[] } {
    const tracked = this.filesOf(this.headOf(tree));
    const { files } = tree;
    const modified = [...tracked.keys()].filter((path) => files.get(path) !== tracked.get(path));
    const others = [...files.keys()].filter((path) => !tracked.has(path));
    const untracked = others.filter((path) => ignoredBy(tree, path, files) === null);
    return { modified, untracked, ignored: [...new Set(others.flatMap((path) => ignoredBy(tree, path, files) ?? []))] };
  }
}

/** The file or folder (ending in `/`) that the tree's `.gitignore` or excludes catch a path by, null if none. Knows plain names and `*.ext`. */
export function ignoredBy(tree: Tree, path: string, files: Files = tree.files): string | null {
  if (tree.excluded.has(path)) return path;
  const parts = path.split("/");
  for (const line of (files.get(".gitignore") ?? "").split("\n").filter((text) => text !== "")) {
    const name = line.replace(/\/$/, "");
    const folder = parts.slice(0, -1).indexOf(name);
    if (folder >= 0) return `${parts.slice(0, folder + 1).join("/")}/`;
    const caught = line.startsWith("*") ? path.endsWith(line.slice(1)) : basename(path) === line;
    if (caught) return path;
  }
  return null;
}

/** Writes a file, with its folders. */
export function writeText(disk: MemoryDisk, path: string, text: string): void {
  disk.makeFolder(dirname(path), 0o755);
  disk.write(path, text, 0o644);
}

function linkTo(adminDir: string): string {
  return `gitdir: ${adminDir}\n`;
}
