import assert from "node:assert/strict";
import { isFleetError } from "../../errors/index.js";
import type { Repository, Worktree } from "../../model/index.js";
import type { GitDriver, WorktreeSpec } from "../../ports/index.js";
import { gitChangesCases } from "./git-changes.js";
import { addAll, type GitSubject, rejectsWith, repositoryOf, withWorktree } from "./git-subject.js";
import type { ContractCase, ContractSuite } from "./suite.js";

export type { GitSubject, GitWorkbench } from "./git-subject.js";

const linked = async (git: GitDriver, repo: Repository): Promise<Worktree[]> => (await git.worktrees(repo)).filter(({ main }) => !main);

const cases: readonly ContractCase<GitSubject>[] = [
  {
    name: "any folder of a repository or of its worktrees stands for the repository, any other for none",
    async run(subject) {
      const { folder, repo, tree } = await withWorktree(subject, "work", { "a/b": "x" });
      assert.equal(repo.path, folder);
      assert.equal(repo.bare, false);
      for (const place of [folder, `${folder}/a`, tree.path, `${tree.path}/a`]) assert.deepEqual(await subject.git.root(place), repo);
      assert.equal(await subject.git.root(subject.bench.newPath()), null);
    },
  },
  {
    name: "a revision is seen from its folder, and what names nothing is null",
    async run(subject) {
      const { folder, base, tree } = await withWorktree(subject);
      await subject.bench.writeFile(tree.path, "new", "n");
      const tip = await subject.bench.commit(tree.path, "more");
      assert.equal(await subject.git.resolve(tree.path, "HEAD"), tip);
      assert.equal(await subject.git.resolve(folder, "HEAD"), base);
      assert.equal(await subject.git.resolve(folder, "work"), tip);
      for (const text of ["nothing", "--all", ""]) assert.equal(await subject.git.resolve(folder, text), null);
    },
  },
  {
    name: "branch names are judged as git judges them",
    async run({ git }) {
      for (const name of ["fix", "feat/x", "a#(b)", "🚀"]) git.checkBranchName(name);
      for (const name of ["", "-x", "HEAD", "a b", "a..b", "a.lock", "/a"]) {
        assert.throws(
          () => git.checkBranchName(name),
          (error) => isFleetError(error, "INVALID_BRANCH"),
        );
      }
    },
  },
  {
    name: "worktrees come up with branch, files and mark",
    async run({ git, bench }) {
      const folder = await bench.makeRepo({ file: "text" });
      const repo = await repositoryOf(git, folder);
      const base = (await git.resolve(folder, "HEAD")) ?? "";
      const parent = bench.newPath();
      const specs = ["a", "b/c", "d"].map((branch, i): WorktreeSpec => {
        return { key: `k${i}`, path: `${parent}/${i}`, branch, mode: "create", base, mark: (worktree) => `mark ${worktree.branch}` };
      });
      const results = await addAll(git, repo, specs);
      assert.deepEqual(results.map(({ key, ok }) => `${key} ${ok}`).sort(), ["k0 true", "k1 true", "k2 true"]);
      assert.deepEqual((await git.listBranches(repo)).toSorted(), ["a", "b/c", "d", "main"]);
      for (const tree of await linked(git, repo)) {
        assert.equal(await bench.readFile(tree.path, "file"), "text");
        assert.equal(tree.head, base);
        assert.equal(tree.present, true);
        assert.equal(tree.locked, null);
        const link = await git.readLink(tree.path);
        assert.deepEqual(link, { adminDir: tree.adminDir, commonDir: repo.commonDir });
      }
      const marks = await git.readMarks(repo.commonDir);
      assert.deepEqual(marks.map(({ text }) => text).sort(), ["mark a", "mark b/c", "mark d"]);
      assert.equal(await git.readLink(folder), null);
    },
  },
  {
    name: "a detached worktree is on no branch, and is switched to one with what git does not track",
    async run({ git, bench }) {
      const folder = await bench.makeRepo({ file: "one", ".gitignore": "made\n" });
      const repo = await repositoryOf(git, folder);
      const base = (await git.resolve(folder, "HEAD")) ?? "";
      await bench.writeFile(folder, "file", "two");
      const next = await bench.commit(folder, "two");
      const paths = [bench.newPath(), bench.newPath()] as const;
      const made = await addAll(
        git,
        repo,
        paths.map((path): WorktreeSpec => ({ key: path, path, branch: "", mode: "detach", base, mark: () => "warm" })),
      );
      assert.deepEqual(
        (await linked(git, repo)).map(({ branch, head }) => [branch, head]),
        [
          [null, base],
          [null, base],
        ],
      );
      const [same, moved] = paths.map((path) => {
        const result = made.find(({ key }) => key === path);
        if (result?.ok !== true) throw result?.error ?? new Error("it was not made");
        return result.worktree;
      }) as [Worktree, Worktree];
      for (const { path } of [same, moved]) await bench.writeFile(path, "made", "by setup");
      const results = await addAll(git, repo, [
        { key: "same", path: same.path, branch: "same", mode: "create", base, adminDir: same.adminDir },
        { key: "moved", path: moved.path, branch: "moved", mode: "create", base: next, adminDir: moved.adminDir },
      ]);
      assert.deepEqual(results.map(({ key, ok }) => `${key} ${ok}`).sort(), ["moved true", "same true"]);
      for (const [tree, branch, head, text] of [
        [same, "same", base, "one"],
        [moved, "moved", next, "two"],
      ] as const) {
        const facts = await git.inspect(repo, tree);
        assert.deepEqual([facts.branch, facts.head, facts.modified, facts.untracked], [branch, head, [], []]);
        assert.equal(await bench.readFile(tree.path, "file"), text);
        assert.equal(await bench.readFile(tree.path, "made"), "by setup");
      }
      assert.deepEqual(await git.changedPaths(repo, base, next), [{ path: "file", submodule: false }]);
      assert.deepEqual(await git.changedPaths(repo, base, base), []);
    },
  },
  {
    name: "a worktree that cannot be switched stays as it was, and the branch is not made",
    async run({ git, bench }) {
      const folder = await bench.makeRepo({ file: "one" });
      const repo = await repositoryOf(git, folder);
      const base = (await git.resolve(folder, "HEAD")) ?? "";
      await bench.writeFile(folder, "file", "two");
      const next = await bench.commit(folder, "two");
      const path = bench.newPath();
      const [made] = await addAll(git, repo, [{ key: "", path, branch: "", mode: "detach", base }]);
      if (made?.ok !== true) throw made?.error ?? new Error("it was not made");
      const { worktree } = made;
      await bench.writeFile(worktree.path, "file", "somebody's");
      const [result] = await addAll(git, repo, [
        { key: "work", path: worktree.path, branch: "work", mode: "create", base: next, adminDir: worktree.adminDir },
      ]);
      assert.equal(result?.ok, false);
      assert.deepEqual(await git.listBranches(repo), ["main"]);
      const facts = await git.inspect(repo, worktree);
      assert.deepEqual([facts.branch, facts.head, facts.modified], [null, base, ["file"]]);
      assert.equal(await bench.readFile(worktree.path, "file"), "somebody's");
    },
  },
  {
    name: "branch facts name tip, place, and what stands in the way",
    async run(subject) {
      const { git } = subject;
      const { folder, repo, base, tree } = await withWorktree(subject, "feat/x");
      const facts = await git.branches(repo, ["feat/x", "feat", "feat/x/y", "main", "free"]);
      const plain = { tip: null, remotes: [], checkedOutAt: null, blockedBy: null };
      assert.deepEqual(facts.get("feat/x"), { ...plain, name: "feat/x", tip: base, checkedOutAt: tree.path });
      assert.deepEqual(facts.get("main"), { ...plain, name: "main", tip: base, checkedOutAt: folder });
      assert.deepEqual(facts.get("feat"), { ...plain, name: "feat", blockedBy: "feat/x" });
      assert.deepEqual(facts.get("feat/x/y"), { ...plain, name: "feat/x/y", blockedBy: "feat/x" });
      assert.deepEqual(facts.get("free"), { ...plain, name: "free" });
    },
  },
  {
    name: "what cannot be made leaves nothing, says why, and keeps none of the others from it",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, base, tree } = await withWorktree(subject, "taken");
      const parent = bench.newPath();
      const spec = (branch: string, change: Partial<WorktreeSpec> = {}): WorktreeSpec => {
        return { key: branch, path: `${parent}/${branch.replace("/", "-")}`, branch, mode: "create", base, ...change };
      };
      const results = await addAll(git, repo, [
        spec("taken"),
        spec("taken/x"),
        spec("occupied", { path: tree.path }),
        spec("gone", { mode: "use" }),
        spec("fine"),
      ]);
      const codes = results.map(
        (result) => `${result.key} ${result.ok ? "ok" : isFleetError(result.error) ? result.error.code : result.error}`,
      );
      assert.deepEqual(codes.sort(), [
        "fine ok",
        "gone REF_NOT_FOUND",
        "occupied DRIVER_FAILED",
        "taken BRANCH_IN_USE",
        "taken/x BRANCH_IN_USE",
      ]);
      assert.deepEqual((await git.listBranches(repo)).toSorted(), ["fine", "main", "taken"]);
      assert.equal((await linked(git, repo)).length, 2);
    },
  },
  {
    name: "an aborted call makes nothing and rejects with INTERRUPTED",
    async run({ git, bench }) {
      const repo = await repositoryOf(git, await bench.makeRepo());
      const base = (await git.resolve(repo.path, "HEAD")) ?? "";
      const signal = AbortSignal.abort("stop");
      await rejectsWith("INTERRUPTED", addAll(git, repo, [{ key: "a", path: bench.newPath(), branch: "a", mode: "create", base }], signal));
      await rejectsWith("INTERRUPTED", git.worktrees(repo, { signal }));
      assert.deepEqual(await git.listBranches(repo), ["main"]);
      assert.deepEqual(await linked(git, repo), []);
    },
  },
  {
    name: "removing a worktree takes its folder and registration, not its branch; once more is fine",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, tree } = await withWorktree(subject, "work", { file: "text" });
      await git.removeWorktree(repo, tree);
      await git.removeWorktree(repo, tree);
      assert.equal(await bench.readFile(tree.path, "file"), null);
      assert.deepEqual(await linked(git, repo), []);
      assert.ok((await git.listBranches(repo)).includes("work"));
      await rejectsWith("DRIVER_FAILED", git.removeWorktree(repo, { path: repo.path, adminDir: repo.commonDir }));
    },
  },
  {
    name: "a worktree deleted by hand is still listed, as not present, and can be removed",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, tree } = await withWorktree(subject);
      await git.writeMark(tree.adminDir, "mine");
      await bench.removeFolder(tree.path);
      assert.deepEqual(
        (await linked(git, repo)).map(({ path, present }) => ({ path, present })),
        [{ path: tree.path, present: false }],
      );
      assert.deepEqual(await git.readMarks(repo.commonDir), [
        { adminDir: tree.adminDir, worktreePath: tree.path, present: false, text: "mine" },
      ]);
      assert.equal(await git.readLink(tree.path), null);
      await git.removeWorktree(repo, tree);
      assert.deepEqual(await linked(git, repo), []);
      assert.deepEqual(await git.readMarks(repo.commonDir), []);
    },
  },
  {
    name: "moving a worktree away keeps its files and frees its place",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, base, tree } = await withWorktree(subject, "work", { file: "text" });
      await bench.writeFile(tree.path, "new", "n");
      const to = `${bench.newPath()}/tree`;
      await git.moveAway(repo, tree, to);
      assert.equal(await bench.readFile(to, "new"), "n");
      assert.equal(await bench.readFile(to, "file"), "text");
      assert.deepEqual(await linked(git, repo), []);
      const [again] = await addAll(git, repo, [{ key: "k", path: tree.path, branch: "work", mode: "use", base: "" }]);
      assert.equal(again?.ok, true);
      assert.equal(await git.resolve(tree.path, "HEAD"), base);
    },
  },
  {
    name: "a mark is replaced whole and removed",
    async run(subject) {
      const { git } = subject;
      const { repo, tree } = await withWorktree(subject);
      assert.deepEqual(await git.readMarks(repo.commonDir), []);
      await git.writeMark(tree.adminDir, "a long first text");
      await git.writeMark(tree.adminDir, "short");
      assert.deepEqual(
        (await git.readMarks(repo.commonDir)).map(({ text }) => text),
        ["short"],
      );
      await git.writeMark(tree.adminDir, null);
      await git.writeMark(tree.adminDir, null);
      assert.deepEqual(await git.readMarks(repo.commonDir), []);
    },
  },
  {
    name: "a branch is deleted only where it was seen last and nobody stands on it",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, base, tree } = await withWorktree(subject);
      await bench.writeFile(tree.path, "new", "n");
      const tip = await bench.commit(tree.path, "more");
      await rejectsWith("BRANCH_IN_USE", git.deleteBranch(repo, "work", tip));
      await git.removeWorktree(repo, tree);
      await rejectsWith("DRIVER_FAILED", git.deleteBranch(repo, "work", base));
      assert.equal(await git.isReachable(repo, tip, {}), true);
      assert.equal(await git.isReachable(repo, tip, { except: "work" }), false);
      assert.equal(await git.isReachable(repo, base, { except: "work" }), true);
      await git.deleteBranch(repo, "work", tip);
      await git.deleteBranch(repo, "work", tip);
      assert.deepEqual(await git.listBranches(repo), ["main"]);
    },
  },
  {
    name: "several branches go at once, but never with the only name of a commit, unless a ref keeps it",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, base, tree } = await withWorktree(subject);
      await bench.writeFile(tree.path, "new", "n");
      const tip = await bench.commit(tree.path, "more");
      const ends = ["work", "twin", "gone"].map((name) => ({ name, keepTip: null }));
      // Checked out, never made, never made.
      assert.deepEqual([...(await git.deleteBranches(repo, ends))].sort(), ["gone", "twin"]);
      assert.equal((await git.removeWorktrees(repo, [tree])).size, 0);
      const spec = { key: "t", path: `${tree.path}-t`, branch: "twin", mode: "create" as const, base: tip };
      for await (const twin of git.addWorktrees(repo, [spec], { parallel: 1 })) {
        assert.ok(twin.ok);
        await git.removeWorktrees(repo, [twin.worktree]);
      }
      // Each holds the other's commits, so neither may go for the other's sake.
      assert.deepEqual([...(await git.deleteBranches(repo, ends))], ["gone"]);
      const kept = await git.deleteBranches(repo, [{ name: "work", keepTip: null }]);
      assert.deepEqual([...kept], ["work"]);
      assert.deepEqual([...(await git.deleteBranches(repo, [{ name: "twin", keepTip: "trash/t-branch" }]))], ["twin"]);
      assert.equal(await git.resolve(repo.path, "refs/fleet/trash/t-branch"), tip);
      assert.notEqual(tip, base);
      assert.deepEqual(await git.listBranches(repo), ["main"]);
    },
  },
  ...gitChangesCases,
];

/** The promises of the {@link GitDriver} port. */
export const gitDriverContract: ContractSuite<GitSubject> = { port: "GitDriver", cases };
