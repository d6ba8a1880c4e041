import { basename, dirname, join } from "node:path";
import { checkBranchName } from "../../drivers/git/branch-name.js";
import { FleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import type { BranchFacts, Repository, Worktree } from "../../model/index.js";
import type { Call, GitDriver, WorktreeResult, WorktreeSpec } from "../../ports/index.js";
import type { GitWorkbench } from "../contracts/git-subject.js";
import { MemoryDisk } from "./disk.js";
import { diffText, numbers } from "./git-diff.js";
import { ignoredBy, MemoryRepository, type Tree, writeText } from "./git-repository.js";

/** A {@link GitDriver} whose repositories exist in this object only. */
export interface MemoryGit extends GitDriver {
  /** What a person would do by hand: make repositories, write files, commit. */
  readonly bench: GitWorkbench;
}

/** What {@link memoryGit} takes. */
export interface MemoryGitOptions {
  /** Where the worktrees' files lie; give it to a host in memory too, and both see the same. @default a disk of its own */
  readonly disk?: MemoryDisk;
}

/** Repositories, branches and worktrees in memory: text files only, `.gitignore` with plain names and `*.ext`. */
export function memoryGit({ disk = new MemoryDisk() }: MemoryGitOptions = {}): MemoryGit {
  const repositories = new Map<string, MemoryRepository>();
  let counter = 0;

  const of = (repo: Pick<Repository, "commonDir">): MemoryRepository => {
    const found = repositories.get(repo.commonDir);
    if (found === undefined) throw new FleetError("DRIVER_FAILED", `There is no repository at ${repo.commonDir}.`);
    return found;
  };
  const treeAt = (folder: string): readonly [MemoryRepository, Tree] | null => {
    const found = [...repositories.values()].flatMap((repository) =>
      repository.trees
        .filter(({ path, present }) => (folder === path || folder.startsWith(`${path}/`)) && present)
        .map((tree) => [repository, tree] as const),
    );
    // One worktree may lie inside another.
    return found.sort(([, a], [, b]) => b.path.length - a.path.length)[0] ?? null;
  };
  const inTree = (folder: string): readonly [MemoryRepository, Tree] => {
    const found = treeAt(folder);
    if (found === null) throw new FleetError("DRIVER_FAILED", `${folder} is no worktree.`);
    return found;
  };
  const isTaken = (path: string) => disk.entry(path) !== null;

  function add(repository: MemoryRepository, spec: WorktreeSpec): Worktree {
    const { path } = spec;
    const branch = spec.mode === "detach" ? null : spec.branch;
    const place = branch === null ? null : repository.placeOf(branch);
    if (branch !== null && place !== null)
      throw new FleetError("BRANCH_IN_USE", `The branch ${branch} is checked out at ${place}.`, { data: { branch, place } });
    const head = repository.resolve(spec.mode === "use" ? `refs/heads/${branch}` : spec.base, null);
    if (head === null) throw new FleetError("REF_NOT_FOUND", `There is no commit to start ${branch ?? path} at.`);
    const there = repository.trees.find(({ adminDir }) => adminDir === spec.adminDir);
    if (spec.adminDir !== undefined && (there?.path !== path || !there.present))
      throw new FleetError("DRIVER_FAILED", `${path} is not the worktree that was registered there any more.`);
    if (there === undefined && isTaken(path)) throw new FleetError("DRIVER_FAILED", `The folder ${path} exists already.`);
    if (branch !== null && spec.mode !== "use") {
      const blockedBy = repository.blockedBy(branch);
      if (blockedBy !== null) throw new FleetError("BRANCH_IN_USE", `${blockedBy} is in the way.`, { data: { branch, place: blockedBy } });
      if (repository.branches.has(branch))
        throw new FleetError("BRANCH_EXISTS", `The branch ${branch} exists already.`, { data: { branch } });
    }
    if (there !== undefined) repository.moveTo(there, head);
    if (branch !== null && spec.mode !== "use") repository.branches.set(branch, head);
    if (there !== undefined) {
      there.branch = branch;
      return repository.worktree(there);
    }
    const tree = repository.addTree(path, branch, repository.filesOf(head), `${basename(path)}-${++counter}`);
    if (branch === null) tree.head = head;
    const worktree = repository.worktree(tree);
    if (spec.mark !== undefined) tree.mark = spec.mark(worktree);
    return worktree;
  }

  function drop(repo: Repository, worktree: Pick<Worktree, "path" | "adminDir">): Tree | null {
    if (worktree.adminDir === repo.commonDir) throw new FleetError("DRIVER_FAILED", `${worktree.path} is the repository itself.`);
    return of(repo).dropTree(worktree.adminDir);
  }

  const bench: GitWorkbench = {
    async makeRepo(files = { "README.md": "# A repository\n" }) {
      const path = `/memory/repo-${++counter}`;
      const repository = new MemoryRepository(path, disk);
      repositories.set(repository.commonDir, repository);
      repository.commit(repository.addTree(path, "main", new Map(Object.entries(files)), null));
      return path;
    },
    newPath: () => `/memory/new-${++counter}/tree`,
    async writeFile(folder, path, text) {
      writeText(disk, join(folder, path), text);
    },
    async readFile(folder, path) {
      return disk.readText(join(folder, path));
    },
    async removeFolder(folder) {
      disk.removeTree(folder);
    },
    async commit(folder) {
      const [repository, tree] = inTree(folder);
      return repository.commit(tree);
    },
    async detach(folder) {
      const [repository, tree] = inTree(folder);
      tree.head = repository.headOf(tree);
      tree.branch = null;
    },
  };

  const driver: GitDriver = {
    version: async () => "2.36.0",
    root: async (folder) => treeAt(folder)?.[0].repo ?? null,
    resolve: async (folder, revision) => {
      const [repository, tree] = inTree(folder);
      return repository.resolve(revision, tree);
    },
    isDirty: async (folder) => {
      const [repository, tree] = inTree(folder);
      const { modified, untracked } = repository.status(tree);
      return modified.length + untracked.length > 0;
    },
    checkBranchName,
    branches: async (repo, names) => {
      const repository = of(repo);
      return new Map(
        names.map((name): [string, BranchFacts] => {
          const tip = repository.branches.get(name) ?? null;
          return [name, { name, tip, remotes: [], checkedOutAt: repository.placeOf(name), blockedBy: repository.blockedBy(name) }];
        }),
      );
    },
    listBranches: async (repo) => [...of(repo).branches.keys()],
    worktrees: async (repo) => {
      const repository = of(repo);
      return repository.trees.map((tree) => repository.worktree(tree));
    },
    async *addWorktrees(repo, specs, _options, call = {}) {
      for (const spec of specs) {
        throwIfAborted(call.signal);
        yield result(spec, () => add(of(repo), spec));
      }
    },
    removeWorktree: async (repo, worktree) => {
      const ours = treeAt(worktree.path)?.[1].adminDir === worktree.adminDir;
      drop(repo, worktree);
      if (ours) disk.removeTree(worktree.path);
    },
    removeWorktrees: async (repo, worktrees, _options) => {
      const errors = new Map<string, Error>();
      for (const worktree of worktrees) {
        try {
          await driver.removeWorktree(repo, worktree);
        } catch (error) {
          errors.set(worktree.adminDir, toFleetError(error));
        }
      }
      return errors;
    },
    moveAway: async (repo, worktree, to) => {
      if (isTaken(to)) throw new FleetError("DRIVER_FAILED", `${to} exists already.`);
      const ours = treeAt(worktree.path)?.[1].adminDir === worktree.adminDir;
      drop(repo, worktree);
      if (!ours) return;
      disk.makeFolder(dirname(to));
      disk.rename(worktree.path, to);
    },
    inspect: async (repo, worktree) => {
      const repository = of(repo);
      const [, tree] = inTree(worktree.path);
      const head = repository.headOf(tree);
      const unreachable = tree.branch === null && head !== null ? repository.onlyFrom(head, tree) : [];
      return { ...repository.status(tree), ...QUIET, head, branch: tree.branch, unreachable };
    },
    inspectRegistration: async (repo, worktree) => {
      const repository = of(repo);
      const tree = repository.trees.find(({ adminDir }) => adminDir === worktree.adminDir);
      const head = tree === undefined ? null : repository.headOf(tree);
      const unreachable = tree !== undefined && tree.branch === null && head !== null ? repository.onlyFrom(head, tree) : [];
      return { modified: [], untracked: [], ignored: [], ...QUIET, head, branch: tree?.branch ?? null, unreachable };
    },
    save: async (repo, worktree, id) => {
      const repository = of(repo);
      const [, tree] = inTree(worktree.path);
      const commit = repository.write(repository.kept(tree), repository.headOf(tree));
      const ref = `refs/fleet/trash/${id}`;
      repository.fleetRefs.set(ref, commit);
      return { ref, commit };
    },
    setFleetRef: async (repo, name, commit) => {
      const ref = `refs/fleet/${name.replace(/^refs\/fleet\//, "")}`;
      if (commit === null) of(repo).fleetRefs.delete(ref);
      else of(repo).fleetRefs.set(ref, commit);
    },
    fleetRefs: async (repo) => new Map(of(repo).fleetRefs),
    isReachable: async (repo, commit, { except }) => {
      const repository = of(repo);
      return [...repository.branches].some(([name, tip]) => name !== except && repository.history(tip).includes(commit));
    },
    makeBranch: async (repo, name, commit) => {
      const { branches } = of(repo);
      const now = branches.get(name);
      if (now !== undefined && now !== commit)
        throw new FleetError("BRANCH_EXISTS", `The branch "${name}" exists and stands elsewhere.`, { data: { branch: name } });
      branches.set(name, commit);
    },
    deleteBranch: async (repo, name, tip) => {
      const repository = of(repo);
      const place = repository.placeOf(name);
      if (place !== null) throw new FleetError("BRANCH_IN_USE", `${name} is checked out at ${place}.`, { data: { branch: name, place } });
      const now = repository.branches.get(name);
      if (now !== undefined && now !== tip) throw new FleetError("DRIVER_FAILED", `The branch ${name} has moved on and was kept.`);
      repository.branches.delete(name);
    },
    deleteBranches: async (repo, branches) => {
      const repository = of(repo);
      const listed = new Set(branches.map(({ name }) => name));
      const others = [...repository.branches].filter(([name]) => !listed.has(name)).map(([, tip]) => tip);
      const held = new Set(others.flatMap((tip) => repository.history(tip)));
      const gone = new Set<string>();
      for (const { name, keepTip } of branches) {
        const tip = repository.branches.get(name);
        if (tip !== undefined && (repository.placeOf(name) !== null || (!held.has(tip) && keepTip === null))) continue;
        if (tip !== undefined && !held.has(tip)) repository.fleetRefs.set(`refs/fleet/${keepTip}`, tip);
        repository.branches.delete(name);
        gone.add(name);
      }
      return gone;
    },
    changes: async (worktree, base) => {
      const [repository, tree] = inTree(worktree.path);
      const status = repository.status(tree);
      const history = repository.history(repository.headOf(tree));
      const older = repository.history(repository.requireCommit(base));
      const main = repository.trees.find(({ adminDir }) => adminDir === repository.commonDir);
      return {
        ...numbers(repository.filesOf(base), repository.kept(tree)),
        ahead: history.filter((commit) => !older.includes(commit)).length,
        behind: repository.history(main === undefined ? null : repository.headOf(main)).filter((commit) => !history.includes(commit))
          .length,
        dirty: status.modified.length + status.untracked.length > 0,
      };
    },
    changedPaths: async (repo, from, to) => {
      const repository = of(repo);
      const [before, after] = [from, to].map((commit) => repository.filesOf(repository.requireCommit(commit)));
      const paths = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
      return [...paths].filter((path) => before?.get(path) !== after?.get(path)).map((path) => ({ path, submodule: false }));
    },
    diff: async (worktree, base, options) => {
      const [repository, tree] = inTree(worktree.path);
      return diffText(repository.filesOf(repository.requireCommit(base)), repository.kept(tree), options.stat);
    },
    ignored: async (folder, paths) => {
      const [repository, tree] = inTree(folder);
      const tracked = repository.filesOf(repository.headOf(tree));
      return new Set(paths.filter((path) => !tracked.has(path) && ignoredBy(tree, path) !== null));
    },
    exclude: async (_repo, worktree, paths) => {
      const [, tree] = inTree(worktree.path);
      for (const path of paths) tree.excluded.add(path);
    },
    // Nothing here is killed in the middle.
    lockFiles: async () => [],
    readMarks: async (commonDir) =>
      (repositories.get(commonDir)?.trees ?? []).flatMap(({ adminDir, path, present, mark }) =>
        mark === null ? [] : [{ adminDir, worktreePath: path, present, text: mark }],
      ),
    readMark: async (adminDir) => {
      const tree = repositories.get(dirname(dirname(adminDir)))?.trees.find((one) => one.adminDir === adminDir);
      return tree?.mark ?? null;
    },
    writeMark: async (adminDir, text) => {
      const tree = repositories.get(dirname(dirname(adminDir)))?.trees.find((one) => one.adminDir === adminDir);
      if (tree !== undefined) tree.mark = text;
      else if (text !== null) throw new FleetError("DRIVER_FAILED", `${join(adminDir)} is not there.`);
    },
    readLink: async (folder) => {
      const found = treeAt(folder);
      if (found === null) return null;
      const [{ commonDir }, { path, adminDir }] = found;
      return path === folder && adminDir !== commonDir ? { adminDir, commonDir } : null;
    },
  };
  return { ...abortable(driver), bench };
}

/** What this repository knows nothing of. */
const QUIET = { operation: null, locked: null, submodules: [], leftBehind: [] } as const;

function result(spec: WorktreeSpec, make: () => Worktree): WorktreeResult {
  try {
    return { key: spec.key, ok: true, worktree: make() };
  } catch (error) {
    return { key: spec.key, ok: false, error: error as Error };
  }
}

/** Every call with an aborted signal, which comes last everywhere, rejects before it does anything. */
function abortable(driver: GitDriver): GitDriver {
  const guarded = Object.entries(driver).map(([name, method]) => {
    if (name === "checkBranchName" || name === "addWorktrees") return [name, method];
    return [
      name,
      async (...args: unknown[]) => {
        throwIfAborted((args.at(-1) as Call | null | undefined)?.signal);
        return (method as (...args: unknown[]) => unknown)(...args);
      },
    ];
  });
  return Object.fromEntries(guarded) as GitDriver;
}
