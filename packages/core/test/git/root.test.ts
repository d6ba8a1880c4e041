import { chownSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../support/world.js";
import { addOne, makeDriver, rootOf, spec } from "./support/driver.js";

let world: World;
beforeEach(() => {
  world = makeWorld("git-root");
});
afterEach(() => world.dispose());

describe("the repository of a folder", () => {
  it("is the same from its root, a subfolder, .git, inside .git, a worktree, its admin directory and through links", async () => {
    const path = world.repo("repo", { "a/b/c": "x" });
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    expect(repo).toEqual({ path, commonDir: join(path, ".git"), bare: false });
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), "b", world.git(path, "rev-parse", "HEAD").trim()));
    symlinkSync(path, join(world.root, "link"));
    const places = [
      join(path, "a/b"),
      join(path, ".git"),
      join(path, ".git/refs"),
      worktree.path,
      join(worktree.path, "a"),
      worktree.adminDir,
      join(world.root, "link/a"),
    ];
    for (const place of places) expect([place, await git.root(place)]).toEqual([place, repo]);
  });

  it("is null outside of any, for a file, and where nothing is", async () => {
    const { git } = makeDriver(world);
    const file = world.write(join(world.root, "plain/file"), "x");
    expect(await git.root(join(world.root, "plain"))).toBeNull();
    expect(await git.root(file)).toBeNull();
    expect(await git.root(join(world.root, "missing"))).toBeNull();
  });

  it("is found in a bare repository that lies in .git or .bare beside its worktrees", async () => {
    const source = world.repo("source");
    const { git } = makeDriver(world);
    for (const name of [".git", ".bare"]) {
      const folder = join(world.root, `project${name}`);
      mkdirSync(folder);
      world.git(folder, "clone", "-q", "--bare", source, name);
      if (name === ".bare") world.write(join(folder, ".git"), "gitdir: ./.bare\n");
      const repo = { path: join(folder, name), commonDir: join(folder, name), bare: true };
      world.git(join(folder, name), "worktree", "add", "-q", join(folder, "main"), "main");
      expect(await git.root(folder)).toEqual(repo);
      expect(await git.root(join(folder, "main"))).toEqual(repo);
    }
  });

  it("is a submodule's own, with the submodule's folder as its path", async () => {
    const part = world.repo("part");
    const path = world.repo("whole");
    world.git(path, "submodule", "add", "-q", part, "sub");
    const { git } = makeDriver(world);
    const repo = { path: join(path, "sub"), commonDir: join(path, ".git/modules/sub"), bare: false };
    expect(await git.root(join(path, "sub"))).toEqual(repo);
    world.git(join(path, "sub"), "worktree", "add", "-q", "-b", "x", join(world.root, "subtree"));
    expect(await git.root(join(world.root, "subtree"))).toEqual(repo);
  });

  it("is found behind a separate git directory", async () => {
    const path = join(world.root, "work");
    mkdirSync(path);
    world.git(path, "init", "-q", `--separate-git-dir=${join(world.root, "elsewhere")}`);
    const { git } = makeDriver(world);
    expect(await git.root(path)).toEqual({ path, commonDir: join(world.root, "elsewhere"), bare: false });
  });

  it("is not swayed by GIT_DIR and its like in the environment", async () => {
    const path = world.repo("repo");
    const other = world.repo("other");
    const { git } = makeDriver(world, {
      GIT_DIR: join(other, ".git"),
      GIT_WORK_TREE: other,
      GIT_INDEX_FILE: "/nowhere",
      GIT_CONFIG_COUNT: "x",
    });
    const repo = await rootOf(git, path);
    expect(repo.path).toBe(path);
    const base = world.git(path, "rev-parse", "HEAD").trim();
    await addOne(git, repo, spec(join(world.root, "t"), "b", base));
    expect(world.git(path, "branch", "--list", "b")).toContain("b");
    expect(world.git(other, "branch", "--list", "b")).toBe("");
  });

  // Only root can make a file another user's.
  it.runIf(process.getuid?.() === 0)("throws, and does not answer null, where git refuses to look because of who owns it", async () => {
    const path = world.repo();
    chownSync(path, 12345, 12345);
    chownSync(join(path, ".git"), 12345, 12345);
    const { git } = makeDriver(world);
    await expect(git.root(path)).rejects.toMatchObject({ code: "PERMISSION_DENIED", hint: expect.stringContaining("safe.directory") });
  });

  it("throws where a .git file leads nowhere any more", async () => {
    const path = world.repo();
    world.git(path, "worktree", "add", "-q", "-b", "x", join(world.root, "t"));
    renameSync(path, join(world.root, "moved"));
    const { git } = makeDriver(world);
    await expect(git.root(join(world.root, "t"))).rejects.toMatchObject({ code: "NOT_A_REPOSITORY" });
    rmSync(join(world.root, "t"), { recursive: true });
  });

  it("takes no git call where its files say all, and one where they do not", async () => {
    const path = world.repo();
    const { git, commands } = makeDriver(world);
    expect(await git.root(path)).toEqual({ commonDir: join(path, ".git"), bare: false, path });
    expect(commands).toHaveLength(0);
    world.git(path, "config", "core.worktree", path);
    expect(await git.root(path)).toMatchObject({ path });
    expect(commands.length).toBeGreaterThan(0);
  });
});

describe("a revision", () => {
  it("is resolved from the folder it is seen from; what names nothing is null, also when it looks like a flag", async () => {
    const path = world.repo();
    const { git } = makeDriver(world);
    const worktree = await addOne(
      git,
      await rootOf(git, path),
      spec(join(world.root, "t"), "b", world.git(path, "rev-parse", "HEAD").trim()),
    );
    world.git(worktree.path, "commit", "-q", "--allow-empty", "-m", "more");
    expect(await git.resolve(worktree.path, "HEAD")).toBe(world.git(worktree.path, "rev-parse", "HEAD").trim());
    expect(await git.resolve(path, "HEAD")).not.toBe(await git.resolve(worktree.path, "HEAD"));
    for (const text of ["nothing", "--all", "-x", "", "a b", "HEAD~999", "@{u}", "$(id)", "HEAD:README.md", "a\nb"]) {
      expect([text, await git.resolve(path, text)]).toEqual([text, null]);
    }
  });

  it("is null in a repository without commits", async () => {
    const path = join(world.root, "empty");
    mkdirSync(path);
    world.git(path, "init", "-q");
    const { git } = makeDriver(world);
    expect(await git.resolve(path, "HEAD")).toBeNull();
    expect(await git.worktrees(await rootOf(git, path))).toMatchObject([{ head: null, branch: "main", main: true }]);
    await expect(git.resolve(join(world.root), "HEAD")).rejects.toMatchObject({ code: "DRIVER_FAILED" });
  });
});
