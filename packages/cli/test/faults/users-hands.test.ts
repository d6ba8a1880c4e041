import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFleet } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { commitFile } from "./support/kinds-of-work.js";
import { LONG } from "./support/report.js";
import { json, run } from "./support/run.js";
import { snapshot } from "./support/snapshot.js";

/** What people and programs do to worktrees behind the fleet's back, before, during and after a kill. */
let world: World;
let repo: string;
let fleet: Awaited<ReturnType<typeof openFleet>>;

const SETTINGS = { "agents.sleep.command": ["sh", "-c", "exec cat", "agent"], "agent.default": "sleep" };
type Options = NonNullable<Parameters<typeof openFleet>[2]>;
const open = (options: Options = {}) => openFleet(world, repo, { settings: SETTINGS, ...options });

beforeEach(async () => {
  world = makeWorld("hands");
  repo = world.repo("repo", { "README.md": "# A repository\n", "src/a.txt": "a\n", ".gitignore": "*.log\nnode_modules/\n" });
  fleet = await open();
});
afterEach(() => world.dispose());

const make = async (branch: string, on = fleet) => on.createAgent({ branch });
const head = (at: string) => world.git(at, "rev-parse", "HEAD").trim();
/** Refs that hold a commit. */
const holders = (commit: string) =>
  world.git(repo, "for-each-ref", "--contains", commit, "--format=%(refname)").split("\n").filter(Boolean);
const savedRefs = () => world.git(repo, "for-each-ref", "--format=%(refname)", "refs/fleet").split("\n").filter(Boolean);

describe("work that comes while its agent is killed", () => {
  it.each([
    ["a file written", "echo late > late.txt", "1 untracked file"],
    ["a commit made on no branch", "git commit -q --allow-empty -m late", "1 commit on no branch"],
  ])("%s by the program as it ends: refused, and kept", async (_what, command, reason) => {
    const ready = join(world.root, "ready");
    const program = `trap '${command}; exit 0' TERM HUP; touch '${ready}'; while :; do sleep 0.05; done`;
    const own = await open({ settings: { ...SETTINGS, "agents.writer.command": ["sh", "-c", program] } });
    const agent = await own.createAgent({ branch: "late", adapter: "writer" });
    world.git(agent.worktree, "checkout", "-q", "--detach");
    await settle(
      () => existsSync(ready),
      (is) => is,
    );
    const refusal = await agent.kill().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "WORKTREE_DIRTY", message: expect.stringContaining(reason) });
    expect((refusal as Error).message).toContain("Its program was ended; the worktree is kept.");
    expect((await own.list())[0]).toMatchObject({ branch: "late", status: "stopped" });
  });

  it("and that nobody saw before the worktree left its place: it is put back, and judged again", async () => {
    const agent = await make("late");
    let times = 0;
    const slow = await open({
      git: (git) => ({
        ...git,
        removeWorktrees: (of, trees, options, call) => {
          times++;
          // By a program that is none of the fleet's: a person's editor, a build that runs on.
          if (times === 1) world.write(join(agent.worktree, "late.txt"), "late\n");
          return git.removeWorktrees(of, trees, options, call);
        },
      }),
    });
    await expect(slow.kill("late")).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["late.txt"] } });
    expect(readFileSync(join(agent.worktree, "late.txt"), "utf8")).toBe("late\n");
    expect(world.git(agent.worktree, "status", "--porcelain")).toBe("?? late.txt\n");
    expect((await fleet.list()).map(({ branch }) => branch)).toEqual(["late"]);
  });

  it.runIf(LONG)("but what can be made again keeps nobody: it goes all the same", async () => {
    const agent = await make("late");
    const slow = await open({
      git: (git) => ({
        ...git,
        removeWorktrees: (of, trees, options, call) => {
          if (existsSync(agent.worktree)) world.write(join(agent.worktree, "node_modules/x/late.js"), `${times++}`);
          return times > 1 ? git.removeWorktrees(of, trees, {}, call) : git.removeWorktrees(of, trees, options, call);
        },
      }),
    });
    let times = 0;
    expect(await slow.kill("late")).toMatchObject({ killed: [{ branch: "late" }] });
    expect(existsSync(agent.worktree)).toBe(false);
  });
});

describe("commits that only the reflog of the worktree names", () => {
  it("do not keep the agent, but are kept, and come back with it", async () => {
    const agent = await make("back");
    const tip = commitFile(world, agent.worktree, "tried.txt");
    world.git(agent.worktree, "reset", "-q", "--hard", "HEAD~1");
    const { killed } = await fleet.kill("back");
    expect(killed).toMatchObject([{ branch: "back", saved: { folder: null, ref: `refs/fleet/trash/${agent.id}` } }]);
    expect(existsSync(agent.worktree)).toBe(false);
    world.git(repo, "gc", "-q", "--prune=now");
    expect(holders(tip)).toEqual([`refs/fleet/trash/${agent.id}`]);
    await fleet.restore("back");
    world.git(repo, "gc", "-q", "--prune=now");
    expect(world.git(agent.worktree, "rev-parse", "HEAD@{1}").trim()).toBe(tip);
    expect(world.git(agent.worktree, "status", "--porcelain")).toBe("");
  });

  it.runIf(LONG)("and that an amend replaced are not kept", async () => {
    const agent = await make("amended");
    commitFile(world, agent.worktree, "one.txt");
    world.git(agent.worktree, "commit", "-q", "--amend", "-m", "better");
    expect(await fleet.kill("amended")).toMatchObject({ killed: [{ saved: null, branchKept: true }] });
    expect(savedRefs()).toEqual([]);
  });
});

describe("a worktree changed by hand", () => {
  it("moved with git worktree move: refused where it lies now, and restored there", async () => {
    const { worktree } = await make("moved");
    const place = join(world.root, "elsewhere");
    world.git(repo, "worktree", "move", worktree, place);
    world.write(join(place, "new.txt"), "x");
    await expect(fleet.kill("moved")).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["new.txt"] } });
    const before = snapshot(place);
    await fleet.kill("moved", { force: true });
    expect(existsSync(place)).toBe(false);
    expect((await fleet.restore("moved")).worktree).toBe(place);
    expect(snapshot(place)).toEqual(before);
  });

  it("without its .git file: the folder stays, and what its registration alone holds is refused, then saved", async () => {
    const { worktree, id } = await make("cut");
    world.git(worktree, "checkout", "-q", "--detach");
    const tip = commitFile(world, worktree, "one.txt");
    world.write(join(worktree, "src/a.txt"), "staged\n");
    world.git(worktree, "add", "-A");
    rmSync(join(worktree, ".git"));
    const before = snapshot(worktree);
    await expect(fleet.kill("cut")).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["src/a.txt"] } });
    expect(existsSync(join(repo, ".git/worktrees/cut"))).toBe(true);
    expect(await fleet.kill("cut", { force: true })).toMatchObject({ killed: [{ saved: { folder: null } }] });
    expect(snapshot(worktree)).toEqual(before);
    world.git(repo, "gc", "-q", "--prune=now");
    expect(holders(tip)).toEqual([`refs/fleet/trash/${id}`]);
    expect(world.git(repo, "show", `refs/fleet/trash/${id}:src/a.txt`)).toBe("staged\n");
    await expect(fleet.restore("cut")).rejects.toMatchObject({ code: "BRANCH_IN_USE", data: { place: worktree } });
    renameSync(worktree, `${worktree}-mine`);
    await fleet.restore("cut");
    expect(head(worktree)).toBe(tip);
    expect(world.git(worktree, "show", ":src/a.txt")).toBe("staged\n");
  });

  it("replaced by a clone: the clone is never touched, and commits on no branch are kept", async () => {
    const { worktree, id } = await make("cloned");
    world.git(worktree, "checkout", "-q", "--detach");
    const tip = commitFile(world, worktree, "one.txt");
    renameSync(worktree, join(world.root, "away"));
    world.git(world.root, "clone", "-q", repo, worktree);
    world.write(join(worktree, "foreign.txt"), "x");
    const before = snapshot(worktree);
    await expect(fleet.kill("cloned")).rejects.toMatchObject({
      code: "WORKTREE_DIRTY",
      message: expect.stringContaining("1 commit on no branch"),
    });
    await fleet.kill("cloned", { force: true });
    expect(snapshot(worktree)).toEqual(before);
    expect(holders(tip)).toEqual([`refs/fleet/trash/${id}`]);
  });

  it.runIf(LONG)("put behind a link: only the link goes", async () => {
    const { worktree } = await make("linked");
    const place = join(world.root, "big-disk");
    renameSync(worktree, place);
    symlinkSync(place, worktree);
    const before = snapshot(place);
    await fleet.kill("linked");
    expect(existsSync(worktree)).toBe(false);
    expect(snapshot(place)).toEqual(before);
  });

  it("two swapped: neither folder is deleted on the other's account", async () => {
    const [one, two] = [await make("one"), await make("two")];
    world.write(join(one.worktree, "one.txt"), "1");
    world.write(join(two.worktree, "two.txt"), "2");
    renameSync(one.worktree, `${one.worktree}-x`);
    renameSync(two.worktree, one.worktree);
    renameSync(`${one.worktree}-x`, two.worktree);
    await fleet.kill({ all: true }, { force: true });
    expect(readFileSync(join(one.worktree, "two.txt"), "utf8")).toBe("2");
    expect(readFileSync(join(two.worktree, "one.txt"), "utf8")).toBe("1");
  });

  it.runIf(LONG)("on a branch that was renamed or left: that branch stays", async () => {
    const [renamed, left] = [await make("old-name"), await make("left")];
    world.git(renamed.worktree, "branch", "-m", "new-name");
    const tip = commitFile(world, renamed.worktree, "one.txt");
    world.git(left.worktree, "switch", "-q", "-c", "other");
    const other = commitFile(world, left.worktree, "two.txt");
    await fleet.kill({ all: true }, { deleteBranch: true });
    expect(holders(tip)).toEqual(["refs/heads/new-name"]);
    expect(holders(other)).toEqual(["refs/heads/other"]);
  });

  it("forgotten by list is not deleted: a folder that lost its .git file, and a registration, are left to the user", async () => {
    const { worktree } = await make("lost");
    await fleet.stop("lost");
    world.write(join(worktree, "new.txt"), "x");
    rmSync(join(worktree, ".git"));
    const before = snapshot(worktree);
    const { agents, warnings } = await json<{ agents: unknown[]; warnings: { message: string }[] }>(world, repo, "list");
    expect(agents).toEqual([]);
    expect(warnings.map(({ message }) => message).join()).toContain("git worktree repair");
    await fleet.doctor({ fix: true });
    expect(snapshot(worktree)).toEqual(before);
    world.git(repo, "worktree", "repair");
    expect((await fleet.list()).map(({ branch }) => branch)).toEqual(["lost"]);
    expect(world.git(worktree, "status", "--porcelain")).toBe("?? new.txt\n");
  });

  it.skipIf(process.getuid?.() !== 0)("with a file system mounted inside: refused, and what is mounted is not touched", async () => {
    const { worktree } = await make("mounted");
    const shared = join(world.root, "shared");
    world.write(join(shared, "cache.txt"), "everybody's\n");
    mkdirSync(join(worktree, "node_modules"));
    if (spawnSync("mount", ["--bind", shared, join(worktree, "node_modules")]).status !== 0) return;
    try {
      for (const force of [false, true])
        await expect(fleet.kill("mounted", { force })).rejects.toMatchObject({ message: expect.stringContaining("is mounted at") });
      expect(readFileSync(join(shared, "cache.txt"), "utf8")).toBe("everybody's\n");
    } finally {
      execFileSync("umount", [join(worktree, "node_modules")]);
    }
    expect(await fleet.kill("mounted")).toMatchObject({ killed: [{ branch: "mounted" }] });
    expect(readFileSync(join(shared, "cache.txt"), "utf8")).toBe("everybody's\n");
  });
});

describe("a restoral that something stands in the way of changes nothing, and says what:", () => {
  const dirty = async () => {
    const agent = await make("work");
    commitFile(world, agent.worktree, "one.txt");
    world.write(join(agent.worktree, "new.txt"), "x");
    const at = head(agent.worktree);
    await fleet.kill("work", { force: true });
    return { ...agent.info, at };
  };
  const refused = async (code: string) => {
    const before = [world.git(repo, "for-each-ref"), world.git(repo, "worktree", "list"), await fleet.trash()];
    await expect(fleet.restore("work")).rejects.toMatchObject({ code });
    expect([world.git(repo, "for-each-ref"), world.git(repo, "worktree", "list"), await fleet.trash()]).toEqual(before);
  };

  it("its branch stands elsewhere by now; renamed, it is made again where it stood", async () => {
    const { at, worktree } = await dirty();
    world.git(repo, "branch", "-f", "work", "main");
    await refused("BRANCH_EXISTS");
    world.git(repo, "branch", "-m", "work", "work-2");
    await fleet.restore("work");
    expect(head(worktree)).toBe(at);
    expect(world.git(worktree, "status", "--porcelain")).toBe("?? new.txt\n");
  });

  it.runIf(LONG)("another agent of that name", async () => {
    await dirty();
    const other = await make("work");
    world.git(other.worktree, "switch", "-q", "-c", "away");
    await refused("AGENT_EXISTS");
  });

  it.runIf(LONG)("its folder's place is taken", async () => {
    const { worktree } = await dirty();
    world.write(join(worktree, "mine.txt"), "x");
    await refused("BRANCH_IN_USE");
    expect(readFileSync(join(worktree, "mine.txt"), "utf8")).toBe("x");
  });

  it("its commits are gone with the refs that a person deleted; its files are named and kept", async () => {
    const { id } = await dirty();
    world.git(repo, "update-ref", "-d", `refs/fleet/trash/${id}`);
    world.git(repo, "branch", "-q", "-D", "work");
    world.git(repo, "reflog", "expire", "--expire=now", "--all");
    world.git(repo, "gc", "-q", "--prune=now");
    await refused("REF_NOT_FOUND");
    expect(readFileSync(join(world.fleetHome, "trash", id, "tree/new.txt"), "utf8")).toBe("x");
  });

  it("but a repository that was moved takes its own back", async () => {
    const { at, worktree } = await dirty();
    const moved = join(world.root, "moved-repo");
    renameSync(repo, moved);
    repo = moved;
    fleet = await open();
    expect((await fleet.trash()).map(({ record }) => record.branch)).toEqual(["work"]);
    await fleet.restore("work");
    expect(head(worktree)).toBe(at);
    expect((await fleet.list()).map(({ branch }) => branch)).toEqual(["work"]);
  });
});

describe("fleet trash", () => {
  it("lists what is saved, brings back what a deleted branch held, and drops what it is told to, after a yes", async () => {
    const [folder, tip] = [await make("folder"), await make("tip")];
    world.write(join(folder.worktree, "new.txt"), "x");
    const commit = commitFile(world, tip.worktree, "one.txt");
    await fleet.kill("folder", { force: true });
    await fleet.kill("tip", { deleteBranch: true });
    const { saved } = await json<{ saved: { branch: string; kind: string; size: number | null }[] }>(world, repo, "trash", "list");
    expect(saved).toMatchObject([
      { branch: "tip", kind: "commits", size: null },
      { branch: "folder", kind: "worktree", size: expect.any(Number) },
    ]);
    await fleet.restore("tip");
    expect(head(tip.worktree)).toBe(commit);
    expect(world.git(tip.worktree, "branch", "--show-current").trim()).toBe("tip");

    const asked = await json(world, repo, "trash", "drop", "folder");
    expect(asked.ran.code).toBe(4);
    expect(asked).toMatchObject({ error: { code: "CONFIRMATION_NEEDED", data: { branches: ["folder"], flag: "--yes" } } });
    expect(await json(world, repo, "trash", "drop", "--older-than", "1", "--yes")).toMatchObject({ dropped: [], refused: [] });
    expect((await run(world, repo, ["trash", "drop", "nope", "--yes"])).code).toBe(3);
    expect((await run(world, repo, ["trash", "drop"])).code).toBe(2);
    expect(savedRefs()).toEqual([`refs/fleet/trash/${folder.id}`]);
    const dropped = await json<{ dropped: { branch: string }[] }>(world, repo, "trash", "drop", "fold*", "--yes");
    expect(dropped.dropped).toMatchObject([{ branch: "folder", id: folder.id }]);
    expect(savedRefs()).toEqual([]);
    expect(readdirSync(join(world.fleetHome, "trash"))).toEqual([]);
  });

  it("keeps what is younger than trash.keep_days, and what has no date that can be read; the rest goes by itself", async () => {
    const ids: string[] = [];
    for (const branch of ["old", "young", "undated", "last"]) {
      const agent = await make(branch);
      world.write(join(agent.worktree, "new.txt"), "x");
      if (branch !== "last") await fleet.kill(branch, { force: true });
      ids.push(agent.id);
    }
    const [old, young, undated, last] = ids as [string, string, string, string];
    const date = (id: string, savedAt: string) => {
      const file = join(world.fleetHome, "trash", id, "saved.json");
      world.write(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), savedAt }));
    };
    date(old, new Date(Date.now() - 31 * 86_400_000).toISOString());
    date(young, new Date(Date.now() - 29 * 86_400_000).toISOString());
    date(undated, "some time");
    await fleet.kill("last", { force: true });
    expect(readdirSync(join(world.fleetHome, "trash")).sort()).toEqual([young, undated, last].sort());
  });

  it.runIf(LONG)("finds refs and folders that belong to nothing, and deletes none of them", async () => {
    await make("work");
    world.git(repo, "update-ref", "refs/fleet/trash/nobodys", "HEAD");
    world.write(join(world.fleetHome, "trash/odd/tree/precious.txt"), "x");
    // A note that names another place than its own folder is none.
    world.write(
      join(world.fleetHome, "trash/liar/saved.json"),
      JSON.stringify({ record: { id: "../logs", branch: "b" }, savedAt: "2020-01-01T00:00:00Z" }),
    );
    const { findings } = await fleet.doctor({ fix: true });
    const said = findings.map(({ message }) => message).join("\n");
    for (const word of ["refs/fleet/trash/nobodys", "trash/odd", "trash/liar"]) expect(said).toContain(word);
    expect(savedRefs()).toEqual(["refs/fleet/trash/nobodys"]);
    expect(readFileSync(join(world.fleetHome, "trash/odd/tree/precious.txt"), "utf8")).toBe("x");
    expect(existsSync(join(world.fleetHome, "logs"))).toBe(true);
  });
});
