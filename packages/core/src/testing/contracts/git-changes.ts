import assert from "node:assert/strict";
import { type GitSubject, rejectsWith, withWorktree } from "./git-subject.js";
import type { ContractCase } from "./suite.js";

const FILES = { "a.txt": "one\ntwo\n", ".gitignore": ".env\nnode_modules/\n" };

/** The part of the git driver's contract that looks at what was done in a worktree. */
export const gitChangesCases: readonly ContractCase<GitSubject>[] = [
  {
    name: "a new worktree is clean",
    async run(subject) {
      const { git } = subject;
      const { repo, base, tree } = await withWorktree(subject, "work", FILES);
      const clean = {
        modified: [],
        untracked: [],
        ignored: [],
        operation: null,
        head: base,
        branch: "work",
        unreachable: [],
        locked: null,
        submodules: [],
        leftBehind: [],
      };
      assert.deepEqual(await git.inspect(repo, tree), clean);
      assert.equal(await git.isDirty(tree.path), false);
      assert.deepEqual(await git.changes(tree, base), { added: 0, removed: 0, files: 0, ahead: 0, behind: 0, dirty: false });
      assert.equal(await git.diff(tree, base, { stat: false, color: false }), "");
    },
  },
  {
    name: "modified, untracked and ignored files are told apart, ignored folders as one",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, tree } = await withWorktree(subject, "work", FILES);
      await bench.writeFile(tree.path, "a.txt", "one\n2\n");
      await bench.writeFile(tree.path, "new/file", "n\n");
      await bench.writeFile(tree.path, ".env", "SECRET=1");
      await bench.writeFile(tree.path, "node_modules/x/y", "i");
      const facts = await git.inspect(repo, tree);
      assert.deepEqual(facts.modified, ["a.txt"]);
      assert.deepEqual(facts.untracked, ["new/file"]);
      assert.deepEqual(facts.ignored.toSorted(), [".env", "node_modules/"]);
      assert.equal(await git.isDirty(tree.path), true);
      const ignored = await git.ignored(tree.path, [".env", "a.txt", "new/file", "node_modules/x/y"]);
      assert.deepEqual([...ignored].sort(), [".env", "node_modules/x/y"]);
    },
  },
  {
    name: "commits that only a detached HEAD holds are listed, newest first",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, tree } = await withWorktree(subject);
      await bench.detach(tree.path);
      await bench.writeFile(tree.path, "a", "1");
      const first = await bench.commit(tree.path, "1");
      await bench.writeFile(tree.path, "a", "2");
      const second = await bench.commit(tree.path, "2");
      const facts = await git.inspect(repo, tree);
      assert.equal(facts.branch, null);
      assert.deepEqual(facts.unreachable, [second, first]);
    },
  },
  {
    name: "changes and diff count from the base: committed, changed and untracked",
    async run(subject) {
      const { git, bench } = subject;
      const { folder, base, tree } = await withWorktree(subject, "work", FILES);
      await bench.writeFile(tree.path, "b.txt", "b\n");
      await bench.commit(tree.path, "b");
      await bench.writeFile(tree.path, "a.txt", "one\nTWO\n");
      await bench.writeFile(tree.path, "c.txt", "c1\nc2\n");
      await bench.writeFile(folder, "main.txt", "m\n");
      await bench.commit(folder, "main goes on");
      assert.deepEqual(await git.changes(tree, base), { added: 4, removed: 1, files: 3, ahead: 1, behind: 1, dirty: true });
      const lines = (await git.diff(tree, base, { stat: false, color: false })).split("\n");
      for (const line of ["+b", "-two", "+TWO", "+c1", "+c2"]) assert.ok(lines.includes(line), `the diff holds ${line}`);
      const stat = await git.diff(tree, base, { stat: true, color: false });
      for (const name of ["a.txt", "b.txt", "c.txt"]) assert.ok(stat.includes(name));
      await rejectsWith("REF_NOT_FOUND", git.diff(tree, "f".repeat(40), { stat: false, color: false }));
    },
  },
  {
    name: "saving keeps tracked and untracked files under a ref, and changes nothing in the worktree",
    async run(subject) {
      const { git, bench } = subject;
      const { folder, repo, tree } = await withWorktree(subject, "work", FILES);
      await bench.writeFile(tree.path, "a.txt", "changed\n");
      await bench.writeFile(tree.path, "new", "n");
      await bench.writeFile(tree.path, ".env", "SECRET=1");
      const before = await git.inspect(repo, tree);
      const saved = await git.save(repo, tree, "abc");
      assert.equal(saved.ref, "refs/fleet/trash/abc");
      assert.ok(saved.commit);
      assert.equal(await git.resolve(folder, "refs/fleet/trash/abc"), saved.commit);
      assert.deepEqual(await git.inspect(repo, tree), before);
      await git.removeWorktree(repo, tree);
      const path = bench.newPath();
      for await (const result of git.addWorktrees(repo, [{ key: "k", path, branch: "again", mode: "create", base: saved.commit }], {
        parallel: 1,
      })) {
        assert.equal(result.ok, true);
      }
      assert.equal(await bench.readFile(path, "a.txt"), "changed\n");
      assert.equal(await bench.readFile(path, "new"), "n");
      assert.equal(await bench.readFile(path, ".env"), null);
      await git.setFleetRef(repo, "trash/abc", null);
      assert.equal(await git.resolve(folder, "refs/fleet/trash/abc"), null);
    },
  },
  {
    name: "excluded paths are no work of the worktree's",
    async run(subject) {
      const { git, bench } = subject;
      const { repo, tree } = await withWorktree(subject, "work", FILES);
      await bench.writeFile(tree.path, "secret.pem", "s");
      assert.deepEqual((await git.inspect(repo, tree)).untracked, ["secret.pem"]);
      await git.exclude(repo, tree, ["secret.pem", ".env"]);
      assert.deepEqual((await git.inspect(repo, tree)).untracked, []);
      assert.deepEqual([...(await git.ignored(tree.path, ["secret.pem"]))], ["secret.pem"]);
      assert.equal(await git.isDirty(tree.path), false);
    },
  },
];
