import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isFleetError } from "../../src/errors/index.js";
import { makeWorld, type World } from "../support/world.js";
import { addAll, addOne, makeDriver, rootOf, spec } from "./support/driver.js";

let world: World;
beforeEach(() => {
  world = makeWorld("git-add");
});
afterEach(() => world.dispose());

const headOf = (path: string) => world.git(path, "rev-parse", "HEAD").trim();
const branchesOf = (path: string) =>
  world.git(path, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split("\n").filter(Boolean);
const listed = (path: string) => world.git(path, "worktree", "list", "--porcelain", "-z").split("\0\0").filter(Boolean).length;

/** Nothing but the main worktree and main is left, and nothing of ours in the git directory. */
function expectNothingLeft(repo: string, folder: string): void {
  expect(listed(repo)).toBe(1);
  expect(branchesOf(repo)).toEqual(["main"]);
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  expect(readdirSync(join(repo, ".git")).filter((name) => name.startsWith("aifleet"))).toEqual([]);
  expect(readFileSync(join(repo, ".git/config"), "utf8")).not.toContain("[branch");
}

describe("making worktrees", () => {
  it("gives each its branch, its files, a clean status and its mark", async () => {
    const path = world.repo();
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const base = headOf(path);
    const specs = Array.from({ length: 6 }, (_, i) =>
      spec(join(world.root, "trees", `t${i}`), `b${i}`, base, { mark: (w) => `mark of ${w.branch}` }),
    );
    const results = await addAll(git, repo, specs, 3);
    expect(results.map(({ ok }) => ok)).toEqual(Array(6).fill(true));
    expect(results.map(({ key }) => key).sort()).toEqual(["b0", "b1", "b2", "b3", "b4", "b5"]);
    for (const result of results) {
      if (!result.ok) throw result.error;
      const { worktree } = result;
      expect(world.git(worktree.path, "status", "--porcelain")).toBe("");
      expect(world.git(worktree.path, "symbolic-ref", "HEAD").trim()).toBe(`refs/heads/${worktree.branch}`);
      expect(readFileSync(join(worktree.path, "README.md"), "utf8")).toBe("# A repository\n");
    }
    expect(statSync(join(world.root, "trees")).mode & 0o777).toBe(0o700);
    const marks = await git.readMarks(repo.commonDir);
    expect(marks.map(({ text, present }) => [text, present]).sort()).toEqual([0, 1, 2, 3, 4, 5].map((i) => [`mark of b${i}`, true]));
    expect(world.git(path, "worktree", "prune", "-n", "-v")).toBe("");
    expect(await git.worktrees(repo)).toHaveLength(7);
    const fsck = world.git(path, "fsck", "--no-dangling");
    expect(fsck).toBe("");
  });

  it("is known to git as if git had made it", async () => {
    const path = world.repo();
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), "ours", headOf(path)));
    world.git(path, "worktree", "add", "-q", "-b", "theirs", join(world.root, "u"));
    world.git(worktree.path, "commit", "-q", "--allow-empty", "-m", "work");
    world.git(path, "worktree", "lock", worktree.path);
    world.git(path, "worktree", "unlock", worktree.path);
    world.git(path, "worktree", "move", worktree.path, join(world.root, "v"));
    world.git(path, "worktree", "remove", join(world.root, "v"));
    expect(listed(path)).toBe(2);
  });

  it.each([
    "it's",
    'say"hi"',
    "a;b",
    "$(touch\u0024{IFS}pwned)",
    "a#(touch\u0024{IFS}pwned)",
    "🚀/ü",
    "x".repeat(200),
    "refs/heads/main",
    "a&&b|c",
  ])("takes the branch name %s as data", async (branch) => {
    const path = world.repo();
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    git.checkBranchName(branch);
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), branch, headOf(path)));
    expect(world.git(worktree.path, "symbolic-ref", "HEAD").trim()).toBe(`refs/heads/${branch}`);
    expect((await git.branches(repo, [branch])).get(branch)).toMatchObject({
      tip: headOf(path),
      checkedOutAt: worktree.path,
      blockedBy: null,
    });
    await git.removeWorktree(repo, worktree);
    await git.deleteBranch(repo, branch, headOf(path));
    expectNothingLeft(path, join(world.root, "t"));
    expect(existsSync(join(path, "pwned"))).toBe(false);
  });

  it.each(["with space", 'it\'s "quoted"', "a#b$(x)", "ünï🚀", "line\nbreak"])("works in a repository at %j", async (name) => {
    const path = world.repo(name);
    const { git } = makeDriver(world);
    const repo = await rootOf(git, join(path));
    expect(repo).toEqual({ path, commonDir: join(path, ".git"), bare: false });
    const worktree = await addOne(git, repo, spec(join(world.root, `trees ${name}`, `t ${name}`), "b", headOf(path)));
    expect((await git.worktrees(repo)).map((w) => [w.path, w.adminDir, w.branch, w.present])).toEqual([
      [path, repo.commonDir, "main", true],
      [worktree.path, worktree.adminDir, "b", true],
    ]);
    expect(await git.root(worktree.path)).toEqual(repo);
    await git.removeWorktree(repo, worktree);
    expect(existsSync(worktree.path)).toBe(false);
  });

  it("keeps feat/x beside feat-x and a beside A apart", async () => {
    const path = world.repo();
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const names = ["feat/x", "feat-x", "a", "A"];
    const results = await addAll(
      git,
      repo,
      names.map((name, i) => spec(join(world.root, "t", String(i), "same"), name, headOf(path))),
    );
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(branchesOf(path).sort()).toEqual([...names, "main"].sort());
  });

  it("uses a branch that exists, and refuses one that is checked out, naming the place", async () => {
    const path = world.repo();
    world.git(path, "branch", "old");
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), "old", "", { mode: "use" }));
    const [again] = await addAll(git, repo, [spec(join(world.root, "u"), "old", "", { mode: "use" })]);
    expect(again).toMatchObject({ ok: false, error: { code: "BRANCH_IN_USE", data: { place: worktree.path } } });
    const [main] = await addAll(git, repo, [spec(join(world.root, "u"), "main", "", { mode: "use" })]);
    expect(main).toMatchObject({ ok: false, error: { code: "BRANCH_IN_USE", data: { place: path } } });
    expect(existsSync(join(world.root, "u"))).toBe(false);
  });

  it("tracks a remote branch with its settings", async () => {
    const upstream = world.repo("upstream");
    world.git(upstream, "branch", "topic");
    const path = join(world.root, "clone");
    world.git(world.root, "clone", "-q", upstream, path);
    world.git(path, "remote", "rename", "origin", "team/one");
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const facts = (await git.branches(repo, ["topic"])).get("topic");
    expect(facts).toMatchObject({ tip: null, remotes: [{ remote: "team/one", ref: "refs/remotes/team/one/topic" }] });
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), "topic", "refs/remotes/team/one/topic", { mode: "track" }));
    expect(world.git(worktree.path, "rev-parse", "--symbolic-full-name", "@{u}").trim()).toBe("refs/remotes/team/one/topic");
    await git.removeWorktree(repo, worktree);
    await git.deleteBranch(repo, "topic", headOf(upstream));
    expect(readFileSync(join(path, ".git/config"), "utf8")).not.toContain('[branch "topic"]');
  });

  it("says which of many cannot be made and makes the rest", async () => {
    const path = world.repo();
    world.git(path, "branch", "taken");
    world.git(path, "branch", "feat");
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    world.write(join(world.root, "t/occupied/file"), "mine");
    const results = await addAll(git, repo, [
      spec(join(world.root, "t/1"), "taken", headOf(path)),
      spec(join(world.root, "t/2"), "feat/x", headOf(path)),
      spec(join(world.root, "t/3"), "fine", headOf(path)),
      spec(join(world.root, "t/4"), "nowhere", "0123456789012345678901234567890123456789"),
      spec(join(world.root, "t/occupied"), "occ", headOf(path)),
      spec(join(world.root, "t/5"), "fine", headOf(path), { key: "twice" }),
    ]);
    const codes = Object.fromEntries(results.map((r) => [r.key, r.ok ? "ok" : isFleetError(r.error) ? r.error.code : "?"]));
    expect(codes).toEqual({
      taken: "BRANCH_EXISTS",
      "feat/x": "BRANCH_IN_USE",
      fine: "ok",
      nowhere: "DRIVER_FAILED",
      occ: "DRIVER_FAILED",
      twice: "BRANCH_IN_USE",
    });
    expect(branchesOf(path).sort()).toEqual(["feat", "fine", "main", "taken"]);
    expect(readdirSync(join(world.root, "t")).sort()).toEqual(["3", "occupied"]);
  });

  it("leaves nothing when a filter refuses the files", async () => {
    const path = world.repo("repo", { ".gitattributes": "*.bin filter=big\n", "a.bin": "x" });
    world.git(path, "config", "filter.big.smudge", "exit 1");
    world.git(path, "config", "filter.big.required", "true");
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const [result] = await addAll(git, repo, [spec(join(world.root, "t/1"), "b", headOf(path))]);
    expect(result).toMatchObject({ ok: false, error: { code: "DRIVER_FAILED" } });
    expectNothingLeft(path, join(world.root, "t"));
  });

  it.each([0, 3])("runs the post-checkout hook as git does, and keeps the worktree when it exits %i", async (code) => {
    const path = world.repo();
    const log = join(world.root, "hook.log");
    world.write(
      join(path, ".git/hooks/post-checkout"),
      `#!/bin/sh\ncat >/dev/null\necho "$PWD $1 $2 $3" >> '${log}'\nls > '${log}.ls'\nexit ${code}\n`,
      0o755,
    );
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), "b", headOf(path)));
    expect(readFileSync(log, "utf8")).toBe(`${worktree.path} ${"0".repeat(40)} ${headOf(path)} 1\n`);
    expect(readFileSync(`${log}.ls`, "utf8")).toBe("README.md\n");
  });

  it("runs a post-checkout hook that core.hooksPath names inside the worktree", async () => {
    const path = world.repo("repo", { ".hooks/post-checkout": "#!/bin/sh\ntouch ran\n" });
    world.git(path, "config", "core.hooksPath", ".hooks");
    world.git(path, "update-index", "--chmod=+x", ".hooks/post-checkout");
    world.git(path, "commit", "-q", "-m", "hook");
    const { git } = makeDriver(world);
    const worktree = await addOne(git, await rootOf(git, path), spec(join(world.root, "t"), "b", headOf(path)));
    expect(existsSync(join(worktree.path, "ran"))).toBe(true);
  });

  it("honours a sparse checkout", async () => {
    const path = world.repo("repo", { "in/a": "1", "out/b": "2", top: "3" });
    world.git(path, "sparse-checkout", "set", "--cone", "in");
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), "b", headOf(path), { mark: () => "m" }));
    expect(readdirSync(worktree.path).sort()).toEqual([".git", "in", "top"]);
    expect((await git.readMarks(repo.commonDir)).map(({ text }) => text)).toEqual(["m"]);
    expect(world.git(worktree.path, "status", "--porcelain")).toBe("");
  });

  it("honours a sparse checkout that was set up by hand, and settings kept per worktree", async () => {
    const path = world.repo("repo", { "in/a": "1", "out/b": "2" });
    world.git(path, "config", "core.sparseCheckout", "true");
    world.write(join(path, ".git/info/sparse-checkout"), "/in/\n");
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const sparse = await addOne(git, repo, spec(join(world.root, "t"), "b", headOf(path)));
    expect(readdirSync(sparse.path).sort()).toEqual([".git", "in"]);
    world.git(path, "config", "core.sparseCheckout", "false");
    world.git(path, "config", "extensions.worktreeConfig", "true");
    world.git(path, "config", "--worktree", "test.value", "mine");
    const own = await addOne(git, repo, spec(join(world.root, "u"), "c", headOf(path)));
    expect(world.git(own.path, "config", "test.value")).toBe("mine\n");
    await git.removeWorktree(repo, own);
    expect(await git.worktrees(repo)).toHaveLength(2);
  });

  it("works in a bare repository, with its hooks and from its worktrees", async () => {
    const source = world.repo("source");
    const bare = join(world.root, "bare.git");
    world.git(world.root, "clone", "-q", "--bare", source, bare);
    const { git } = makeDriver(world);
    const repo = await rootOf(git, bare);
    expect(repo).toEqual({ path: bare, commonDir: bare, bare: true });
    const worktree = await addOne(git, repo, spec(join(world.root, "t"), "b", headOf(source)));
    expect(await git.root(join(worktree.path))).toEqual(repo);
    expect(await git.worktrees(repo)).toEqual([worktree]);
    expect(await git.isDirty(bare)).toBe(false);
    expect(world.git(worktree.path, "status", "--porcelain")).toBe("");
  });

  it("that is aborted undoes those in hand, keeps those handed over, and rejects with INTERRUPTED", async () => {
    const path = world.repo("repo", { ".gitattributes": "*.slow filter=slow\n", "a.slow": "x" });
    const gate = join(world.root, "gate");
    world.git(
      path,
      "config",
      "filter.slow.smudge",
      `mkdir '${gate}' 2>/dev/null && exec cat; while [ ! -e '${gate}/open' ]; do sleep 0.02; done; cat`,
    );
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const stop = new AbortController();
    const specs = Array.from({ length: 4 }, (_, i) => spec(join(world.root, "t", String(i)), `b${i}`, headOf(path)));
    const up: string[] = [];
    const all = (async () => {
      for await (const result of git.addWorktrees(repo, specs, { parallel: 2 }, { signal: stop.signal })) {
        if (!result.ok) throw result.error;
        up.push(result.key);
        stop.abort("enough");
      }
    })();
    await expect(all).rejects.toMatchObject({ code: "INTERRUPTED", cause: "enough" });
    expect(up).toHaveLength(1);
    world.write(join(gate, "open"), "");
    expect(branchesOf(path).sort()).toEqual([...up, "main"].sort());
    expect(listed(path)).toBe(2);
    expect(readdirSync(join(world.root, "t"))).toHaveLength(1);
  });

  it("that nobody listens to any more undoes what was not handed over", async () => {
    const path = world.repo();
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const specs = Array.from({ length: 5 }, (_, i) => spec(join(world.root, "t", String(i)), `b${i}`, headOf(path)));
    for await (const result of git.addWorktrees(repo, specs, { parallel: 5 })) {
      expect(result.ok).toBe(true);
      break;
    }
    expect(listed(path)).toBe(2);
    expect(branchesOf(path)).toHaveLength(2);
  });

  it("costs three git calls, however many there are", async () => {
    const path = world.repo();
    const { git, commands } = makeDriver(world);
    const repo = await rootOf(git, path);
    commands.length = 0;
    await addAll(
      git,
      repo,
      Array.from({ length: 10 }, (_, i) => spec(join(world.root, "t", String(i)), `b${i}`, headOf(path))),
    );
    expect(commands.map(({ argv }) => argv.find((word) => /^(config|update-ref|reset)$/.test(word)))).toEqual([
      "config",
      "update-ref",
      "reset",
    ]);
  });
});

describe("switching a detached worktree to its branch", () => {
  /** A repository with a detached worktree at its first commit, and its driver. */
  async function detached(prepare: (path: string) => void = () => {}) {
    const path = world.repo();
    prepare(path);
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const base = headOf(path);
    const at = join(world.root, "warm");
    const warm = await addOne(git, repo, { key: "warm", path: at, branch: "", mode: "detach", base });
    const taken = (branch: string) => spec(at, branch, base, { adminDir: warm.adminDir });
    return { path, git, repo, base, warm, taken };
  }

  it.each(["it's", "a;b", "$(touch\u0024{IFS}pwned)", "🚀/ü", "refs/heads/main", "a&&b|c", "FETCH_HEAD", "v1"])(
    "takes the branch name %s as data",
    async (branch) => {
      const { path, git, repo, base, warm, taken } = await detached();
      world.git(path, "tag", "v1", base);
      world.git(path, "commit", "-q", "--allow-empty", "-m", "more");
      await addOne(git, repo, taken(branch));
      expect(world.git(warm.path, "symbolic-ref", "HEAD").trim()).toBe(`refs/heads/${branch}`);
      expect([headOf(warm.path), world.git(warm.path, "status", "--porcelain")]).toEqual([base, ""]);
    },
  );

  it("runs the post-checkout hook, whose exit code says nothing", async () => {
    const { git, repo, warm, taken } = await detached((path) =>
      world.write(
        join(path, ".git/hooks/post-checkout"),
        `#!/bin/sh\necho "$3 $(git symbolic-ref -q HEAD)" >> ${world.root}/hooks; exit 3\n`,
        0o755,
      ),
    );
    await addOne(git, repo, taken("work"));
    expect(readFileSync(join(world.root, "hooks"), "utf8")).toBe("1 \n1 refs/heads/work\n");
    expect(world.git(warm.path, "status", "--porcelain")).toBe("");
  });

  it("works where git itself has to register worktrees", async () => {
    const { git, repo, warm, taken } = await detached((path) => world.git(path, "config", "extensions.worktreeConfig", "true"));
    expect(world.git(warm.path, "rev-parse", "--abbrev-ref", "HEAD").trim()).toBe("HEAD");
    await addOne(git, repo, taken("work"));
    expect(world.git(warm.path, "rev-parse", "--abbrev-ref", "HEAD").trim()).toBe("work");
  });

  it("is refused where the folder is not that worktree's any more, and makes no branch", async () => {
    const { path, git, repo, warm, taken } = await detached();
    world.git(path, "worktree", "move", warm.path, join(world.root, "moved"));
    const [result] = await addAll(git, repo, [taken("work")], 1);
    expect(result?.ok).toBe(false);
    expect(branchesOf(path)).toEqual(["main"]);
    expect(existsSync(join(world.root, "moved/README.md"))).toBe(true);
  });
});
