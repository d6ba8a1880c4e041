import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { simpleGitDriver } from "../../src/drivers/git/index.js";
import { localHost } from "../../src/host/index.js";
import type { Repository, Worktree } from "../../src/model/index.js";
import type { GitDriver, Host, Locks } from "../../src/ports/index.js";
import { makeWorld, settle, type World } from "../support/world.js";
import { addOne, makeDriver, processLocks, rootOf, spec } from "./support/driver.js";

let world: World;
let path: string;
let git: GitDriver;
let repo: Repository;
beforeEach(async () => {
  world = makeWorld("git-remove");
  path = world.repo();
  git = makeDriver(world).git;
  repo = await rootOf(git, path);
});
afterEach(() => world.dispose());

const head = () => world.git(path, "rev-parse", "HEAD").trim();
const make = (name: string): Promise<Worktree> => addOne(git, repo, spec(join(world.root, "t", name), name, head()));
const registered = async () => (await git.worktrees(repo)).filter(({ main }) => !main).map(({ branch }) => branch);

describe("removing a worktree", () => {
  it("takes folder and registration and leaves branch and siblings, also those whose folder is away", async () => {
    const [a, b] = [await make("a"), await make("b")];
    renameSync(b.path, `${b.path}.away`);
    world.write(join(a.path, "node_modules/x"), "x", 0o444);
    await git.removeWorktree(repo, a);
    expect(await registered()).toEqual(["b"]);
    expect(readdirSync(join(world.root, "t"))).toEqual(["b.away"]);
    expect(world.git(path, "branch", "--list", "a")).toContain("a");
    expect(readdirSync(repo.commonDir).filter((name) => name.startsWith("aifleet"))).toEqual([]);
    await git.removeWorktree(repo, a);
  });

  it("touches nothing of a foreign repository that lies where it was, and removes the registration alone", async () => {
    const a = await make("a");
    rmSync(a.path, { recursive: true });
    world.repo("t/a", { precious: "work" });
    expect((await git.worktrees(repo)).find(({ branch }) => branch === "a")).toMatchObject({ present: false });
    await git.removeWorktree(repo, a);
    expect(readFileSync(join(a.path, "precious"), "utf8")).toBe("work");
    expect(existsSync(join(a.path, ".git/HEAD"))).toBe(true);
    expect(await registered()).toEqual([]);
  });

  it("does not delete another worktree's folder that was put in its place", async () => {
    const [a, b] = [await make("a"), await make("b")];
    rmSync(a.path, { recursive: true });
    renameSync(b.path, a.path);
    await git.removeWorktree(repo, a);
    expect(existsSync(join(a.path, "README.md"))).toBe(true);
    expect(await registered()).toEqual(["b"]);
  });

  it("removes the registration of one whose folder was deleted or moved by hand, and leaves the moved folder", async () => {
    const [a, b] = [await make("a"), await make("b")];
    rmSync(a.path, { recursive: true });
    renameSync(b.path, join(world.root, "elsewhere"));
    await git.removeWorktree(repo, a);
    await git.removeWorktree(repo, { path: join(world.root, "elsewhere"), adminDir: b.adminDir });
    expect(await registered()).toEqual([]);
    expect(existsSync(join(world.root, "elsewhere/README.md"))).toBe(true);
  });

  it("is not kept from it by submodules or a lock that a killed git left", async () => {
    const part = world.repo("part");
    world.git(path, "submodule", "add", "-q", part, "sub");
    world.git(path, "commit", "-q", "-m", "sub");
    const a = await make("a");
    world.git(a.path, "submodule", "update", "-q", "--init");
    writeFileSync(join(a.adminDir, "locked"), "initializing");
    expect((await git.inspect(repo, a)).modified).toEqual([]);
    await git.removeWorktree(repo, a);
    expect(await registered()).toEqual([]);
    expect(existsSync(a.path)).toBe(false);
  });

  it("refuses the repository itself and what is no admin directory", async () => {
    const a = await make("a");
    await expect(git.removeWorktree(repo, { path, adminDir: repo.commonDir })).rejects.toMatchObject({ code: "DRIVER_FAILED" });
    await expect(git.removeWorktree(repo, { path: a.path, adminDir: join(repo.commonDir, "worktrees") })).rejects.toMatchObject({
      code: "DRIVER_FAILED",
    });
    expect(existsSync(join(a.path, "README.md"))).toBe(true);
    expect(existsSync(join(path, ".git/HEAD"))).toBe(true);
  });
});

describe("saving a worktree", () => {
  it("saves its files also when the user's own gc takes a folder away that git was about to write into", async () => {
    const a = await make("a");
    world.write(join(a.path, "new.txt"), "mine\n");
    const met = join(world.root, "met");
    const real = execFileSync("sh", ["-c", "command -v git"], { env: world.env, encoding: "utf8" }).trim();
    world.write(
      join(world.root, "bin/git"),
      `#!/bin/sh
case " $* " in *" update-index "*)
  if [ ! -e '${met}' ]; then
    : > '${met}'
    echo 'error: unable to create temporary file: No such file or directory' >&2
    exit 128
  fi;;
esac
exec '${real}' "$@"
`,
      0o755,
    );
    const unlucky = makeDriver(world, { PATH: `${world.root}/bin:${world.env.PATH}` }).git;
    const saved = await unlucky.save(repo, a, "abc");
    expect(existsSync(met)).toBe(true);
    expect(world.git(path, "show", `${saved.commit}:new.txt`)).toBe("mine\n");
  });
});

describe("moving a worktree away", () => {
  it("keeps the folder as it is, without its .git, and unregisters it", async () => {
    const a = await make("a");
    world.write(join(a.path, "sub/new"), "work");
    await git.moveAway(repo, a, join(world.root, "trash/1/tree"));
    expect(readdirSync(join(world.root, "trash/1/tree")).sort()).toEqual(["README.md", "sub"]);
    expect(existsSync(a.path)).toBe(false);
    expect(await registered()).toEqual([]);
  });

  it("does not overwrite what is there", async () => {
    const a = await make("a");
    mkdirSync(join(world.root, "there"));
    await expect(git.moveAway(repo, a, join(world.root, "there"))).rejects.toMatchObject({ code: "DRIVER_FAILED" });
    expect(await registered()).toEqual(["a"]);
    expect(existsSync(join(a.path, ".git"))).toBe(true);
  });
});

describe("deleting a branch", () => {
  it("needs it where it was seen last, and takes its settings along", async () => {
    world.git(path, "branch", "x");
    world.git(path, "config", "branch.x.description", "about");
    const tip = head();
    world.git(path, "commit", "-q", "--allow-empty", "-m", "more");
    world.git(path, "branch", "-f", "x");
    await expect(git.deleteBranch(repo, "x", tip)).rejects.toMatchObject({
      code: "DRIVER_FAILED",
      message: expect.stringContaining("moved"),
    });
    await git.deleteBranch(repo, "x", head());
    await git.deleteBranch(repo, "x", head());
    expect(readFileSync(join(path, ".git/config"), "utf8")).not.toContain("[branch");
    await expect(git.deleteBranch(repo, "main", head())).rejects.toMatchObject({ code: "BRANCH_IN_USE" });
  });

  it("is preceded by the question whether anything else holds its commits", async () => {
    const first = head();
    world.git(path, "branch", "x");
    expect(await git.isReachable(repo, first, { except: "x" })).toBe(true);
    world.git(path, "checkout", "-q", "x");
    world.git(path, "commit", "-q", "--allow-empty", "-m", "only here");
    const tip = head();
    expect(await git.isReachable(repo, tip, {})).toBe(true);
    expect(await git.isReachable(repo, tip, { except: "x" })).toBe(false);
    await git.setFleetRef(repo, "keep/1", tip);
    expect(world.git(path, "rev-parse", "refs/fleet/keep/1").trim()).toBe(tip);
    expect(await git.isReachable(repo, tip, { except: "x" })).toBe(false);
    await git.setFleetRef(repo, "keep/1", null);
    world.git(path, "tag", "t", tip);
    expect(await git.isReachable(repo, tip, { except: "x" })).toBe(true);
    await expect(git.isReachable(repo, "f".repeat(40), {})).rejects.toMatchObject({ code: "DRIVER_FAILED" });
  });

  it("is done by one command at a time: of two branches with the same commits each would be the other's reason to go", async () => {
    world.git(path, "checkout", "-q", "-b", "x");
    world.git(path, "commit", "-q", "--allow-empty", "-m", "only in these");
    const tip = head();
    world.git(path, "branch", "y");
    world.git(path, "checkout", "-q", "main");
    const [real, one] = [localHost({ env: world.env, runner: "spawn" }), processLocks()];
    let [answered, came] = [0, 0];
    const host: Host = {
      ...real,
      id: "watched",
      async run(argv, ...rest) {
        const answer = await real.run(argv, ...rest);
        if (!argv.includes("rev-list")) return answer;
        answered += 1;
        // Neither goes on before the other has its answer, too, or waits for its turn.
        await settle(() => answered === 2 || came === 2, Boolean);
        return answer;
      },
    };
    const locks: Locks = {
      ...one,
      hold(...args) {
        came += 1;
        return one.hold(...args);
      },
    };
    const driver = simpleGitDriver({ host, locks, timeoutMs: 60_000 });
    const gone = await Promise.all(["x", "y"].map((name) => driver.deleteBranches(repo, [{ name, keepTip: null }])));
    expect(gone.flatMap((names) => [...names])).toHaveLength(1);
    expect(world.git(path, "for-each-ref", "--format=%(refname)", "--contains", tip)).toMatch(/^refs\/heads\/[xy]\n$/);
  });
});
