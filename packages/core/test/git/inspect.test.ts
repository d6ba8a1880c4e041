import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Repository, Worktree } from "../../src/model/index.js";
import type { GitDriver } from "../../src/ports/index.js";
import { makeWorld, type World } from "../support/world.js";
import { addOne, makeDriver, rootOf, spec } from "./support/driver.js";

let world: World;
let path: string;
let git: GitDriver;
let repo: Repository;
let tree: Worktree;
beforeEach(async () => {
  world = makeWorld("git-inspect");
  path = world.repo("repo", { "a.txt": "one\ntwo\n", "b.txt": "b\n", ".gitignore": "*.log\nnode_modules/\n.env\n" });
  git = makeDriver(world).git;
  repo = await rootOf(git, path);
  tree = await addOne(git, repo, spec(join(world.root, "t"), "work", world.git(path, "rev-parse", "HEAD").trim()));
});
afterEach(() => world.dispose());

const at = (name: string) => join(tree.path, name);
const rev = (text: string, folder = tree.path) => world.git(folder, "rev-parse", text).trim();
/** The empty blob is left out: git writes it for a file that is only meant to be added. */
const objectsOf = (folder: string) =>
  world
    .git(folder, "cat-file", "--batch-all-objects", "--batch-check")
    .split("\n")
    .filter((line) => !line.endsWith(" blob 0"));
const clean = {
  modified: [],
  untracked: [],
  ignored: [],
  operation: null,
  branch: "work",
  unreachable: [],
  locked: null,
  submodules: [],
  leftBehind: [],
};

describe("a look into a worktree", () => {
  it("finds a new one clean", async () => {
    expect(await git.inspect(repo, tree)).toEqual({ ...clean, head: rev("HEAD") });
    expect(await git.isDirty(tree.path)).toBe(false);
  });

  it("tells modified, staged, deleted, untracked and ignored apart, and sees a repository inside an untracked folder", async () => {
    world.write(at("a.txt"), "changed\n");
    rmSync(at("b.txt"));
    world.write(at("staged with space\nand line"), "s");
    world.git(tree.path, "add", "staged with space\nand line");
    world.write(at("new/deep/file"), "n");
    world.write(at("node_modules/x/y"), "i");
    world.write(at("sub/debug.log"), "i");
    world.write(at(".env"), "SECRET=1");
    world.git(tree.path, "init", "-q", "vendor/nested");
    world.write(at("vendor/nested/file"), "x");
    const facts = await git.inspect(repo, tree);
    expect({
      ...facts,
      modified: [...facts.modified].sort(),
      untracked: [...facts.untracked].sort(),
      ignored: [...facts.ignored].sort(),
    }).toEqual({
      ...clean,
      head: rev("HEAD"),
      modified: ["a.txt", "b.txt", "staged with space\nand line"],
      untracked: ["new/deep/file", "vendor/nested/"],
      ignored: [".env", "node_modules/", "sub/debug.log"],
    });
    expect(await git.isDirty(at("new"))).toBe(true);
  });

  it("sees work in a clean-looking worktree: user settings that hide things do not hide them", async () => {
    world.git(path, "config", "status.showUntrackedFiles", "no");
    world.git(path, "config", "color.ui", "always");
    world.write(at("new"), "n");
    expect((await git.inspect(repo, tree)).untracked).toEqual(["new"]);
    expect(await git.isDirty(tree.path)).toBe(true);
  });

  it("names the operation under way and the branch it holds", async () => {
    world.write(at("a.txt"), "mine\n");
    world.git(tree.path, "commit", "-qam", "mine");
    world.write(join(path, "a.txt"), "theirs\n");
    world.git(path, "commit", "-qam", "theirs");
    const attempt = (...args: string[]) => {
      try {
        world.git(tree.path, ...args);
      } catch {
        // Conflicts on purpose.
      }
    };
    for (const [operation, start, end] of [
      ["rebase", ["rebase", "main"], ["rebase", "--abort"]],
      ["merge", ["merge", "main"], ["merge", "--abort"]],
      ["cherry-pick", ["cherry-pick", "main"], ["cherry-pick", "--abort"]],
      ["bisect", ["bisect", "start", "HEAD", "HEAD~1"], ["bisect", "reset"]],
    ] as const) {
      attempt(...start);
      expect((await git.inspect(repo, tree)).operation).toBe(operation);
      expect([operation, (await git.branches(repo, ["work"])).get("work")?.checkedOutAt]).toEqual([operation, tree.path]);
      attempt(...end);
      expect((await git.inspect(repo, tree)).operation).toBeNull();
    }
  });

  it("lists the commits of a detached HEAD that nothing else holds", async () => {
    world.git(tree.path, "checkout", "-q", "--detach");
    world.git(tree.path, "commit", "-q", "--allow-empty", "-m", "1");
    world.git(tree.path, "commit", "-q", "--allow-empty", "-m", "2");
    expect(await git.inspect(repo, tree)).toEqual({ ...clean, branch: null, head: rev("HEAD"), unreachable: [rev("HEAD"), rev("HEAD~1")] });
    world.git(path, "worktree", "add", "-q", "--detach", join(world.root, "u"), rev("HEAD~1"));
    expect((await git.inspect(repo, tree)).unreachable).toEqual([rev("HEAD")]);
    world.git(path, "tag", "keep", rev("HEAD"));
    expect((await git.inspect(repo, tree)).unreachable).toEqual([]);
  });

  it("throws where the folder is gone or is no worktree any more", async () => {
    rmSync(at(".git"));
    await expect(git.inspect(repo, tree)).rejects.toMatchObject({ code: "DRIVER_FAILED" });
    rmSync(tree.path, { recursive: true });
    await expect(git.inspect(repo, tree)).rejects.toMatchObject({ code: "DRIVER_FAILED" });
  });
});

describe("saving a worktree", () => {
  const mess = () => {
    world.write(at("a.txt"), "staged\n");
    world.git(tree.path, "add", "a.txt");
    world.write(at("a.txt"), "changed again\n");
    rmSync(at("b.txt"));
    world.write(at("new/file"), "new\n");
    world.write(at(".env"), "SECRET=1");
  };

  it("keeps work tree, untracked files, staged state and HEAD, no ignored file, and touches nothing", async () => {
    mess();
    world.git(path, "config", "commit.gpgsign", "true");
    world.git(path, "config", "gpg.program", "false");
    const before = [
      readFileSync(join(tree.adminDir, "index")),
      statSync(join(tree.adminDir, "index")).mtimeMs,
      statSync(at("a.txt")).mtimeMs,
    ];
    const { ref, commit } = await git.save(repo, tree, "abc");
    expect(ref).toBe("refs/fleet/trash/abc");
    expect(rev("refs/fleet/trash/abc")).toBe(commit);
    expect(world.git(path, "ls-tree", "-r", "--name-only", `${commit}`).split("\n").filter(Boolean)).toEqual([
      ".gitignore",
      "a.txt",
      "new/file",
    ]);
    expect(world.git(path, "show", `${commit}:a.txt`)).toBe("changed again\n");
    expect(world.git(path, "show", `${commit}^2:a.txt`)).toBe("staged\n");
    expect(rev(`${commit}^1`)).toBe(rev("HEAD"));
    expect([
      readFileSync(join(tree.adminDir, "index")),
      statSync(join(tree.adminDir, "index")).mtimeMs,
      statSync(at("a.txt")).mtimeMs,
    ]).toEqual(before);
    expect(existsSync(at("b.txt"))).toBe(false);
  });

  it("sees a change made in the same instant as the index", async () => {
    const instant = new Date(1_700_000_000_000);
    world.git(path, "config", "core.trustctime", "false");
    world.write(at("a.txt"), "ONE\nTWO\n");
    utimesSync(at("a.txt"), instant, instant);
    world.git(tree.path, "add", "a.txt");
    writeFileSync(at("a.txt"), "uno\ndos\n");
    utimesSync(at("a.txt"), instant, instant);
    utimesSync(join(tree.adminDir, "index"), instant, instant);
    const { commit } = await git.save(repo, tree, "racy");
    expect(world.git(path, "show", `${commit}:a.txt`)).toBe("uno\ndos\n");
  });

  it("works without a user name, in the middle of a conflict, and beside a nested repository", async () => {
    world.write(at("a.txt"), "mine\n");
    world.git(tree.path, "commit", "-qam", "mine");
    world.write(join(path, "a.txt"), "theirs\n");
    world.git(path, "commit", "-qam", "theirs");
    expect(() => world.git(tree.path, "merge", "main")).toThrow();
    world.git(tree.path, "init", "-q", "nested");
    world.write(at("nested/file"), "x");
    world.write(at("new"), "n");
    world.write(join(world.home, ".gitconfig"), "[user]\n\tuseConfigOnly = true\n");
    const { commit } = await git.save(repo, tree, "conflict");
    expect(world.git(path, "show", `${commit}:a.txt`)).toContain("<<<<<<<");
    expect(world.git(path, "show", `${commit}:new`)).toBe("n");
    expect(world.git(tree.path, "ls-files", "-u")).not.toBe("");
  });
});

describe("what has changed since the base", () => {
  it("counts committed, staged, changed and untracked lines, and the diff shows them, the index untouched", async () => {
    const base = rev("HEAD");
    world.write(at("a.txt"), "one\ntwo\nthree\n");
    world.git(tree.path, "commit", "-qam", "three");
    rmSync(at("b.txt"));
    world.write(at("new file\n"), "1\n2\n");
    world.git(tree.path, "init", "-q", "nested");
    world.write(at("nested/file"), "x");
    world.git(path, "commit", "-q", "--allow-empty", "-m", "upstream");
    const index = readFileSync(join(tree.adminDir, "index"));
    const objects = objectsOf(path);
    expect(await git.changes(tree, base)).toEqual({ added: 3, removed: 1, files: 3, ahead: 1, behind: 1, dirty: true });
    const text = await git.diff(tree, base, { stat: false, color: false });
    for (const line of ["+three", "-b", "+1", "+2"]) expect(text.split("\n")).toContain(line);
    expect(text).not.toContain("\u001b[");
    expect(await git.diff(tree, base, { stat: false, color: true })).toContain("\u001b[");
    expect(await git.diff(tree, base, { stat: true, color: false })).toContain("3 files changed, 3 insertions(+), 1 deletion(-)");
    expect(readFileSync(join(tree.adminDir, "index"))).toEqual(index);
    expect(objectsOf(path)).toEqual(objects);
  });

  it("is nothing in a new worktree, and an error for a base that is gone", async () => {
    expect(await git.changes(tree, rev("HEAD"))).toEqual({ added: 0, removed: 0, files: 0, ahead: 0, behind: 0, dirty: false });
    expect(await git.diff(tree, rev("HEAD"), { stat: false, color: false })).toBe("");
    await expect(git.diff(tree, "f".repeat(40), { stat: false, color: false })).rejects.toMatchObject({ code: "REF_NOT_FOUND" });
  });
});

describe("keeping credential copies out of git add -A", () => {
  it("writes nothing where git ignores them, else keeps them out until the worktree goes", async () => {
    const file = join(repo.commonDir, "info/exclude");
    const before = readFileSync(file, "utf8");
    await git.exclude(repo, tree, [".env"]);
    expect(readFileSync(file, "utf8")).toBe(before);
    const odd = "conf/[key] *#1.pem";
    world.write(at(odd), "secret");
    world.write(at("conf/other.pem"), "fine");
    await git.exclude(repo, tree, [odd]);
    await git.exclude(repo, tree, [odd, "!x"]);
    expect(await git.ignored(tree.path, [odd, ".env", "conf/other.pem", "!x", "a.txt"])).toEqual(new Set([odd, ".env", "!x"]));
    world.git(tree.path, "add", "-A");
    expect(world.git(tree.path, "diff", "--cached", "--name-only")).toBe("conf/other.pem\n");
    const sibling = await addOne(git, repo, spec(join(world.root, "u"), "other", rev("main")));
    await git.exclude(repo, sibling, ["mine"]);
    await git.removeWorktree(repo, tree);
    expect(readFileSync(file, "utf8")).not.toContain("pem");
    expect(await git.ignored(sibling.path, ["mine"])).toEqual(new Set(["mine"]));
    await git.moveAway(repo, sibling, join(world.root, "away"));
    expect(readFileSync(file, "utf8")).toBe(before);
  });
});
