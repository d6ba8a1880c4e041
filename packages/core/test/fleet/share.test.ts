import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Warning } from "../../src/index.js";
import { openFleet, oracle } from "../support/demo.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
let repo: string;

beforeEach(() => {
  world = makeWorld("share");
  repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "node_modules/\n.venv\nvendor\n" });
  world.write(join(repo, "node_modules/left-pad/index.js"), "pad\n");
  world.write(join(repo, "node_modules/.bin/pad"), "#!/bin/sh\n", 0o755);
  symlinkSync("../left-pad", join(repo, "node_modules/.bin/link"));
  world.write(join(repo, "vendor/cache/gem"), "gem\n");
});
afterEach(() => world.dispose());

/** A fleet with these settings, and what it warned of. */
async function open(settings: Record<string, unknown>, env: Record<string, string> = {}) {
  const warnings: string[] = [];
  const onWarning = ({ code, message }: Warning) => warnings.push(`${code} ${message}`);
  return { fleet: await openFleet(world, repo, { settings, env }), warnings, onWarning };
}

const status = (folder: string) => world.git(folder, "status", "--porcelain");
const read = (...path: string[]) => readFileSync(join(...path), "utf8");
const exclude = () => read(repo, ".git/info/exclude");

describe("what setup.share names", () => {
  test("is copied to each worktree before its setup commands, and counts as nobody's work", async () => {
    const { fleet, warnings, onWarning } = await open({
      "setup.share": ["node_modules/", "vendor", "**/deep"],
      "setup.commands": ["cat node_modules/left-pad/index.js"],
    });
    world.write(join(repo, "packages/one/node_modules/deep"), "not looked for there");
    const agents = await Promise.all(["f-1", "f-2"].map((branch) => fleet.createAgent({ branch }, { onWarning })));
    expect(new Set(warnings)).toEqual(new Set(['SHARE_MISSING setup.share: nothing matches "**/deep".']));
    for (const { worktree } of agents) {
      expect(read(worktree, "node_modules/left-pad/index.js")).toBe("pad\n");
      expect(lstatSync(join(worktree, "node_modules/.bin/pad")).mode & 0o777).toBe(0o755);
      expect(readlinkSync(join(worktree, "node_modules/.bin/link"))).toBe("../left-pad");
      expect(read(worktree, "vendor/cache/gem")).toBe("gem\n");
      expect(status(worktree)).toBe("");
    }
    writeFileSync(join(agents[0]?.worktree ?? "", "vendor/cache/gem"), "another\n");
    expect(read(repo, "vendor/cache/gem")).toBe("gem\n");
    await expect(fleet.kill(["f-2"])).resolves.toMatchObject({ killed: [{ saved: null }], refused: [] });
    // What was not there when setup ended is.
    writeFileSync(join(agents[0]?.worktree ?? "", "vendor/mine"), "work");
    expect((await fleet.kill(["f-1"])).refused).toMatchObject([{ error: { data: { files: ["vendor/mine"] } } }]);
  });

  test("as links is the repository's own, out of git's sight, and stays whole whatever becomes of the worktree", async () => {
    const { fleet } = await open({ "setup.share": ["node_modules", "vendor/cache"], "setup.share_how": "link" });
    const agent = await fleet.createAgent({ branch: "a" });
    expect(readlinkSync(join(agent.worktree, "node_modules"))).toBe(join(repo, "node_modules"));
    expect(readlinkSync(join(agent.worktree, "vendor/cache"))).toBe(join(repo, "vendor/cache"));
    expect(status(agent.worktree)).toBe("");
    world.git(agent.worktree, "add", "-A");
    expect(status(agent.worktree)).toBe("");
    expect(exclude()).toContain("/node_modules");
    await agent.kill();
    expect(exclude()).not.toContain("/node_modules");
    const other = await fleet.createAgent({ branch: "b" });
    world.write(join(other.worktree, "untracked"), "work");
    await other.kill({ force: true });
    await fleet.dropTrash({ which: "b" });
    for (const path of ["node_modules/left-pad/index.js", "node_modules/.bin/link", "vendor/cache/gem"])
      expect(existsSync(join(repo, path))).toBe(true);
    expect(oracle(world, repo).worktrees).toEqual([repo]);
  });

  test("is matched by globs, also where a package is deeper down", async () => {
    world.write(join(repo, "packages/one/node_modules/x"), "1");
    world.write(join(repo, "packages/two/node_modules/x"), "2");
    const { fleet } = await open({ "setup.share": ["packages/*/node_modules", "**/node_modules"] });
    const { worktree } = await fleet.createAgent({ branch: "a" });
    expect(read(worktree, "packages/one/node_modules/x") + read(worktree, "packages/two/node_modules/x")).toBe("12");
    expect(read(worktree, "node_modules/left-pad/index.js")).toBe("pad\n");
  });

  test("is left where it is if git does not ignore it, it leads out of the repository, or something lies in its place", async () => {
    world.write(join(world.root, "outside/secret"), "not yours");
    symlinkSync(join(world.root, "outside"), join(repo, ".venv"));
    world.write(join(repo, "notes/mine"), "untracked");
    mkdirSync(join(repo, "elsewhere"));
    world.write(join(repo, "elsewhere/keep"), "");
    symlinkSync(join(world.root, "outside"), join(repo, "link"));
    world.git(repo, "add", "link", "elsewhere");
    world.git(repo, "add", "-f", "vendor/cache/gem");
    world.git(repo, "commit", "-q", "-m", "a link out, and a tracked file where others are ignored");
    rmSync(join(repo, "link"));
    world.write(join(repo, "link/node_modules/x"), "1");
    const { fleet, warnings, onWarning } = await open({
      "setup.share": [".venv", "notes", "vendor", "link/node_modules", "nope", ".git", "."],
      "worktree.root": join(repo, "node_modules/trees"),
    });
    const { worktree } = await fleet.createAgent({ branch: "a" }, { onWarning });
    expect(readdirSync(worktree).sort()).toEqual([".git", ".gitignore", "README.md", "elsewhere", "link", "vendor"]);
    expect(readdirSync(join(world.root, "outside"))).toEqual(["secret"]);
    expect(warnings.filter((text) => text.startsWith("SHARE")).map((text) => text.replace("setup.share: ", ""))).toEqual([
      "SHARE_SKIPPED .venv leads out of the repository and was not shared.",
      "SHARE_SKIPPED link/node_modules would lie behind a link and was not shared.",
      'SHARE_MISSING nothing matches "nope".',
      'SHARE_MISSING nothing matches ".git".',
      'SHARE_MISSING nothing matches ".".',
      "SHARE_SKIPPED notes is not ignored by git and was not shared.",
    ]);
    const second = await open({ "setup.share": ["node_modules"], "worktree.root": join(repo, "node_modules/trees") });
    await second.fleet.createAgent({ branch: "b" }, second);
    expect(second.warnings.filter((text) => text.startsWith("SHARE"))).toEqual([
      "SHARE_SKIPPED setup.share: node_modules holds the worktrees and was not shared.",
    ]);
  });

  test("as reflinks is shared only where the disk can do that, and otherwise left to the setup commands", async () => {
    const { fleet, warnings, onWarning } = await open({ "setup.share": ["node_modules"], "setup.share_how": "reflink" });
    const { worktree } = await fleet.createAgent({ branch: "a" }, { onWarning });
    const shared = existsSync(join(worktree, "node_modules/left-pad/index.js"));
    expect(existsSync(join(worktree, "node_modules"))).toBe(shared);
    expect(warnings.map((text) => text.split(" ")[0])).toEqual(shared ? [] : ["SHARE_SKIPPED"]);
  });

  test("leaves nothing where it cannot be copied whole", async () => {
    world.write(
      join(world.root, "bin/cp"),
      '#!/bin/sh\nmkdir "$5"; echo "cp: error writing x: No space left on device" >&2; exit 1\n',
      0o755,
    );
    const { fleet } = await open({ "setup.share": ["node_modules"] }, { PATH: `${join(world.root, "bin")}:${world.env.PATH}` });
    const before = oracle(world, repo);
    await expect(fleet.createAgent({ branch: "a" })).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(oracle(world, repo)).toEqual(before);
    writeFileSync(join(world.root, "bin/cp"), "#!/bin/sh\necho 'cp: unrecognized option' >&2; exit 1\n");
    await expect(fleet.createAgent({ branch: "a" })).rejects.toMatchObject({
      code: "SETUP_FAILED",
      message: "setup.share: node_modules could not be copied: cp: unrecognized option",
    });
    expect(oracle(world, repo)).toEqual(before);
  });

  test("lies in worktrees of the pool, too; other words in it make them stale", async () => {
    const settings = { "setup.share": ["vendor"], "setup.share_how": "link" };
    const { fleet } = await open(settings);
    await fleet.pool.fill({ size: 1 });
    const { worktrees } = await fleet.pool.status();
    expect(worktrees).toMatchObject([{ state: "ready" }]);
    const copying = await open({ "setup.share": ["vendor"] });
    expect((await copying.fleet.pool.status()).worktrees).toMatchObject([{ state: "stale" }]);
    const agent = await fleet.createAgent({ branch: "a" });
    expect(agent.worktree).toBe(worktrees[0]?.worktree);
    expect(read(agent.worktree, "vendor/cache/gem")).toBe("gem\n");
    await agent.kill();
    expect(read(repo, "vendor/cache/gem")).toBe("gem\n");
  });
});
