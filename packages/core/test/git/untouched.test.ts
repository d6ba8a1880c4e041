import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { simpleGitDriver } from "../../src/drivers/git/simple-git.js";
import { localHost } from "../../src/host/index.js";
import type { Repository, Worktree } from "../../src/model/index.js";
import type { GitDriver } from "../../src/ports/index.js";
import { makeWorld, type World } from "../support/world.js";
import { addOne, makeDriver, processLocks, rootOf, spec, type TestDriver } from "./support/driver.js";

let world: World;
let path: string;
let driver: TestDriver;
/** The same without the short way. */
let slow: GitDriver;
let repo: Repository;
let tree: Worktree;
let base: string;
beforeAll(async () => {
  world = makeWorld("git-untouched");
  path = world.repo("repo", { "a.txt": "one\n", "sub/deep/b.txt": "two\n", "sub/ü.txt": "three\n", empty: "", ".gitignore": "*.log\n" });
  symlinkSync("a.txt", join(path, "link"));
  world.write(join(path, "run.sh"), "#!/bin/sh\n", 0o755);
  world.git(path, "add", "-A");
  world.git(path, "commit", "-qm", "more");
  base = world.git(path, "rev-parse", "HEAD").trim();
  driver = makeDriver(world);
  const host = localHost({ env: world.env, runner: "spawn" });
  const { exactStats: _, ...files } = host.files;
  slow = simpleGitDriver({ host: { ...host, files }, locks: processLocks(), timeoutMs: 60_000 });
  repo = await rootOf(driver.git, path);
  tree = await addOne(driver.git, repo, spec(join(world.root, "t"), "work", base));
});
afterAll(() => world.dispose());

const at = (name: string) => join(tree.path, name);
const git = (...args: string[]) => world.git(tree.path, ...args);
/** The index as if it had been written long after, or before, every file. */
const written = (year: number) => utimesSync(join(tree.adminDir, "index"), new Date(year, 1), new Date(year, 1));

beforeEach(() => {
  git("symbolic-ref", "HEAD", "refs/heads/work");
  rmSync(join(tree.adminDir, "index"));
  git("reset", "-q", "--hard", base);
  git("clean", "-qffdx");
  // Of the resets here.
  rmSync(join(tree.adminDir, "logs"), { recursive: true });
  written(2090);
  driver.commands.length = 0;
});

async function look() {
  const facts = await driver.git.inspect(repo, tree);
  const asked = driver.commands.map(({ argv }) => argv[0]);
  return { asked, facts, byGit: await slow.inspect(repo, tree) };
}

const CLEAN = { modified: [], untracked: [], ignored: [] };

describe("a worktree with nothing in it but its commit's files is known without git", () => {
  it.each<[what: string, change: () => void, asked?: string[]]>([
    ["where the index tells by its times", () => {}],
    ["where it does not, and each file has to be read", () => git("reset", "-q", "--hard")],
    ["when the index is no younger than its files, by their content", () => written(2001)],
    ["when a file was only touched", () => utimesSync(at("a.txt"), 1, 1)],
    ["with a commit of its own", () => git("commit", "-q", "--allow-empty", "-m", "own")],
    ["with an index of version 4", () => git("update-index", "--index-version", "4")],
    ["when its branch is packed", () => git("pack-refs", "--all")],
    ["when its commit is packed: git is asked for that alone", () => git("gc", "-q"), ["rev-parse"]],
  ])("%s", async (_what, change, asked = []) => {
    change();
    // A driver of its own: what is known of a commit is kept.
    driver = makeDriver(world);
    const seen = await look();
    expect(seen).toMatchObject({ asked, facts: CLEAN });
    expect(seen.facts).toEqual(seen.byGit);
  });
});

describe("git is asked about a worktree with", () => {
  it.each<[what: string, change: () => void]>([
    [
      "a changed file of the same size and time",
      () => {
        const { atime, mtime } = statSync(at("a.txt"));
        writeFileSync(at("a.txt"), "0ne\n");
        utimesSync(at("a.txt"), atime, mtime);
      },
    ],
    [
      "a changed file, when the index is no younger",
      () => {
        writeFileSync(at("a.txt"), "0ne\n");
        written(2001);
      },
    ],
    ["a file that is empty now", () => writeFileSync(at("a.txt"), "")],
    ["a file that is empty no more", () => writeFileSync(at("empty"), "x")],
    ["a file whose mode has changed", () => chmodSync(at("run.sh"), 0o644)],
    ["a deleted file", () => unlinkSync(at("sub/deep/b.txt"))],
    ["an untracked file", () => writeFileSync(at("sub/new"), "x")],
    ["an ignored file", () => writeFileSync(at("x.log"), "x")],
    ["a folder more", () => mkdirSync(at("nothing"))],
    ["a repository inside", () => git("init", "-q", "sub/deep")],
    [
      "a link that leads elsewhere",
      () => {
        unlinkSync(at("link"));
        symlinkSync("run.sh", at("link"));
      },
    ],
    [
      "a file in a link's place",
      () => {
        unlinkSync(at("link"));
        writeFileSync(at("link"), "a.txt");
      },
    ],
    [
      "a folder that has another name",
      () => {
        unlinkSync(at("a.txt"));
        mkdirSync(at("a.txt"));
      },
    ],
    [
      "a link in a folder's place",
      () => {
        renameSync(at("sub"), join(world.root, "elsewhere"));
        symlinkSync(join(world.root, "elsewhere"), at("sub"));
      },
    ],
    [
      "a file that git was told not to look at",
      () => {
        git("update-index", "--assume-unchanged", "a.txt");
        writeFileSync(at("a.txt"), "0ne\n");
      },
    ],
    [
      "a file left out by skip-worktree",
      () => {
        git("update-index", "--skip-worktree", "a.txt");
        unlinkSync(at("a.txt"));
      },
    ],
    [
      "a file that is only meant to be added",
      () => {
        writeFileSync(at("new"), "x");
        git("add", "-N", "new");
      },
    ],
    [
      "a staged file",
      () => {
        writeFileSync(at("new"), "x");
        git("add", "new");
        git("write-tree");
      },
    ],
    ["a file taken out of the index", () => git("rm", "-q", "--cached", "a.txt")],
    [
      "an index that is another commit's",
      () => {
        writeFileSync(at("a.txt"), "other\n");
        git("commit", "-qam", "other");
        git("reset", "-q", "--soft", base);
      },
    ],
    ["a detached HEAD", () => git("checkout", "-q", "--detach")],
    ["a branch that is not there yet", () => git("symbolic-ref", "HEAD", "refs/heads/unborn")],
    ["a split index", () => git("update-index", "--split-index")],
    ["a submodule", () => git("update-index", "--add", "--cacheinfo", `160000,${base},sub/module`)],
  ])("%s, whose answer stands", async (_what, change) => {
    change();
    const seen = await look();
    expect(seen.asked).toContain("status");
    expect(seen.facts).toEqual(seen.byGit);
    rmSync(join(world.root, "elsewhere"), { recursive: true, force: true });
  });

  it("line ends that are not as in the repository, where the index does not tell by times", async () => {
    git("config", "core.autocrlf", "true");
    try {
      rmSync(at("a.txt"));
      git("checkout", "-q", "--", "a.txt");
      expect(readFileSync(at("a.txt"), "utf8")).toBe("one\r\n");
      written(2090);
      expect(await look()).toMatchObject({ asked: [], facts: CLEAN });
      written(2001);
      const seen = await look();
      expect(seen.asked).toContain("status");
      expect(seen.facts).toEqual(seen.byGit);
    } finally {
      world.git(path, "config", "--unset", "core.autocrlf");
    }
  });
});

describe("whether the repository's own folder has changes is known without git, if it has none", () => {
  let own: string;
  const asks = async (folder = own) => {
    driver.commands.length = 0;
    const dirty = await driver.git.isDirty(folder);
    return { dirty, asked: driver.commands.map(({ argv }) => argv[0]) };
  };
  beforeEach(() => {
    rmSync(join(world.root, "own"), { recursive: true, force: true });
    own = world.repo("own", { "a.txt": "one\n", "sub/b.txt": "two\n", ".gitignore": "*.log\n" });
  });

  it.each<[what: string, folder: string]>([
    ["from its folder", ""],
    ["from one inside it", "sub"],
  ])("%s", async (_, folder) => {
    expect(await asks(join(own, folder))).toEqual({ dirty: false, asked: [] });
  });

  it.each<[what: string, change: (write: (name: string, text: string) => void, git: (...args: string[]) => void) => void, dirty: boolean]>([
    ["a file that was changed", (write) => write("a.txt", "two\n"), true],
    ["one that is gone", () => unlinkSync(join(own, "sub/b.txt")), true],
    ["a new one", (write) => write("sub/new", ""), true],
    ["a folder that has another name", () => renameSync(join(own, "sub"), join(own, "a.txt.d")), true],
    ["a repository of somebody's in it", (_, git) => git("init", "-q", "inner"), true],
    [
      "what is staged alone",
      (write, git) => {
        write("a.txt", "two\n");
        git("add", "a.txt");
        write("a.txt", "one\n");
      },
      true,
    ],
    [
      "files of a commit that HEAD has left",
      (write, git) => {
        write("a.txt", "two\n");
        git("commit", "-qam", "next");
        git("update-ref", "HEAD", "HEAD~1");
      },
      true,
    ],
    ["an ignored file", (write) => write("x.log", ""), false],
    ["an empty folder", () => mkdirSync(join(own, "none")), false],
    ["a detached HEAD", (_, git) => git("checkout", "-q", "--detach"), false],
  ])("git is asked beside %s", async (_, change, dirty) => {
    change(
      (name, text) => writeFileSync(join(own, name), text),
      (...args) => world.git(own, ...args),
    );
    const { asked, ...found } = await asks();
    expect(found).toEqual({ dirty });
    expect(asked).toContain("status");
  });
});

it("where HEAD stands is known without git on a branch, loose or packed, and asked for where it stands on none", async () => {
  const folder = world.repo("head", { "sub/a": "1" });
  const head = () => world.git(folder, "rev-parse", "HEAD").trim();
  const asks = async (revision = "HEAD", from = folder) => {
    driver.commands.length = 0;
    const commit = await driver.git.resolve(from, revision);
    return { commit, asked: driver.commands.length };
  };
  expect(await asks()).toEqual({ commit: head(), asked: 0 });
  world.git(folder, "commit", "-q", "--allow-empty", "-m", "next");
  expect(await asks("HEAD", join(folder, "sub"))).toEqual({ commit: head(), asked: 0 });
  world.git(folder, "pack-refs", "--all");
  expect(await asks()).toEqual({ commit: head(), asked: 0 });
  world.git(folder, "worktree", "add", "-q", "-b", "other", join(world.root, "head-other"), "HEAD~1");
  expect(await asks("HEAD", join(world.root, "head-other"))).toEqual({ commit: world.git(folder, "rev-parse", "other").trim(), asked: 0 });
  world.git(folder, "checkout", "-q", "--detach", "HEAD~1");
  expect(await asks()).toEqual({ commit: head(), asked: 1 });
  world.git(folder, "symbolic-ref", "HEAD", "refs/heads/unborn");
  expect((await asks()).commit).toBeNull();
});
