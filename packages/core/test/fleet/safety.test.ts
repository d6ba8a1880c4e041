import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { procfsDriver } from "../../src/drivers/process/index.js";
import { localHost } from "../../src/host/index.js";
import type { Agent, Fleet, FleetError, Warning } from "../../src/index.js";
import { openFleet, oracle } from "../support/demo.js";
import { makeWorld, processesOf, settle, type World } from "../support/world.js";

let world: World;
let repo: string;
let fleet: Fleet;

beforeEach(async () => {
  world = makeWorld("safe");
  repo = world.repo("repo", {
    "README.md": "# A repository\n",
    "src/a.txt": "a\n",
    "src/b.txt": "b\n",
    ".gitignore": "*.log\n.env\ndata/\nnode_modules/\n",
  });
  fleet = await openFleet(world, repo);
});

afterEach(async () => {
  await world.dispose();
});

/** An agent at rest whose tree is as it was made. */
async function idleAgent(branch = "work", on: Fleet = fleet): Promise<Agent> {
  return (await on.createAgent({ branch })).waitFor("idle", { timeout: 10_000 });
}

async function refusalOf(agent: Agent): Promise<FleetError<"WORKTREE_DIRTY">> {
  const error = await agent.kill().catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "WORKTREE_DIRTY", exitCode: 4 });
  return error as FleetError<"WORKTREE_DIRTY">;
}

/** Every entry below a folder with type, mode and content, git's own link left out. */
function snapshot(folder: string, at = ""): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of readdirSync(join(folder, at)).sort()) {
    const path = at === "" ? name : `${at}/${name}`;
    if (path === ".git") continue;
    const stat = lstatSync(join(folder, path));
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isSymbolicLink()) all[path] = `link ${readlinkSync(join(folder, path))}`;
    else if (stat.isDirectory()) Object.assign(all, { [path]: `folder ${mode}` }, snapshot(folder, path));
    else all[path] = `file ${mode} ${readFileSync(join(folder, path), "utf8")}`;
  }
  return all;
}

const gitStatus = (folder: string) => world.git(folder, "status", "--porcelain=v2", "--branch", "--ignored", "--untracked-files=all");

const commitFile = (folder: string, file: string, text = `${file}\n`) => {
  world.write(join(folder, file), text);
  world.git(folder, "add", file);
  world.git(folder, "commit", "-q", "-m", `add ${file}`);
  return world.git(folder, "rev-parse", "HEAD").trim();
};

interface Dirt {
  readonly what: string;
  readonly make: (folder: string) => void;
  readonly files: readonly string[];
  readonly reason: RegExp;
}

/** Leaves the worktree in the middle of an operation that stopped at a conflict. */
function conflict(folder: string, verb: "merge" | "rebase"): void {
  const base = world.git(folder, "rev-parse", "HEAD").trim();
  commitFile(folder, "src/a.txt", "theirs\n");
  world.git(folder, "branch", "theirs");
  world.git(folder, "reset", "-q", "--hard", base);
  commitFile(folder, "src/a.txt", "ours\n");
  expect(spawnSync("git", [verb, "theirs"], { cwd: folder, env: world.env }).status).not.toBe(0);
}

const DIRT: readonly Dirt[] = [
  {
    what: "a modified file",
    make: (at) => void world.write(join(at, "src/a.txt"), "changed\n"),
    files: ["src/a.txt"],
    reason: /1 uncommitted file/,
  },
  { what: "a deleted file", make: (at) => rmSync(join(at, "src/a.txt")), files: ["src/a.txt"], reason: /1 uncommitted file/ },
  {
    what: "a file whose mode changed",
    make: (at) => chmodSync(join(at, "src/a.txt"), 0o755),
    files: ["src/a.txt"],
    reason: /1 uncommitted file/,
  },
  {
    what: "a staged file",
    make: (at) => {
      world.write(join(at, "new.txt"), "new\n");
      world.git(at, "add", "new.txt");
    },
    files: ["new.txt"],
    reason: /1 uncommitted file/,
  },
  {
    what: "untracked files, odd names among them",
    make: (at) => {
      world.write(join(at, 'a b\n"c"/é.txt'), "x");
      world.write(join(at, "-f"), "x");
    },
    files: ["-f", 'a b\n"c"/é.txt'],
    reason: /2 untracked files/,
  },
  {
    what: "an ignored file",
    make: (at) => void world.write(join(at, "results.log"), "42\n"),
    files: ["results.log"],
    reason: /1 ignored file/,
  },
  {
    what: "an ignored folder",
    make: (at) => void world.write(join(at, "data/out.csv"), "1\n"),
    files: ["data/"],
    reason: /1 ignored file/,
  },
  { what: "a merge under way", make: (at) => conflict(at, "merge"), files: ["src/a.txt"], reason: /a merge under way/ },
  { what: "a rebase under way", make: (at) => conflict(at, "rebase"), files: ["src/a.txt"], reason: /a rebase under way/ },
  {
    what: "a bisect under way",
    make: (at) => {
      commitFile(at, "one");
      commitFile(at, "two");
      world.git(at, "bisect", "start", "HEAD", "HEAD~2");
    },
    files: [],
    reason: /a bisect under way/,
  },
  {
    what: "commits on no branch",
    make: (at) => {
      world.git(at, "checkout", "-q", "--detach");
      commitFile(at, "one");
      commitFile(at, "two");
    },
    files: [],
    reason: /2 commits on no branch/,
  },
  {
    what: "a repository of its own inside",
    make: (at) => {
      mkdirSync(join(at, "nested"));
      world.git(join(at, "nested"), "init", "-q");
      commitFile(join(at, "nested"), "inner.txt");
    },
    files: ["nested/"],
    reason: /1 untracked file/,
  },
];

describe("a kill without force is refused, and changes nothing, for", () => {
  test.each(DIRT)("$what", async ({ make, files, reason }) => {
    const agent = await idleAgent();
    make(agent.worktree);
    const before = [oracle(world, repo), snapshot(agent.worktree), gitStatus(agent.worktree), (await fleet.list())[0]?.pid];
    const error = await refusalOf(agent);
    expect([...error.data.files].sort()).toEqual([...files].sort());
    expect((error.data as { reasons?: readonly string[] }).reasons?.join(", ")).toMatch(reason);
    expect(error.message).toMatch(reason);
    expect([oracle(world, repo), snapshot(agent.worktree), gitStatus(agent.worktree), (await fleet.list())[0]?.pid]).toEqual(before);
    expect(await fleet.previewKill("work")).toMatchObject([{ branch: "work", files: error.data.files }]);
    expect((await fleet.list())[0]?.status).toBe("idle");
  });

  test("a file that an agent adds to an ignored folder its setup had made", async () => {
    const set = await openFleet(world, repo, { settings: { "setup.commands": ["mkdir -p data/in && echo seed > data/in/seed"] } });
    const agent = await idleAgent("work", set);
    world.write(join(agent.worktree, "data/in/result.csv"), "precious\n");
    expect((await refusalOf(agent)).data.files).toEqual(["data/in/result.csv"]);
  });
});

describe("a kill without force goes through for", () => {
  test("what can be made again: disposable folders, what setup made, and copied credentials", async () => {
    world.write(join(repo, ".env"), "KEY=1\n");
    const settings = { "setup.commands": ["echo made > made.log"], "setup.credential_files": [".env"] };
    const set = await openFleet(world, repo, { settings });
    const agent = await idleAgent("work", set);
    world.write(join(agent.worktree, "node_modules/x/index.js"), "x");
    expect(readFileSync(join(agent.worktree, ".env"), "utf8")).toBe("KEY=1\n");
    expect(await agent.kill()).toMatchObject({ saved: null, branchKept: false });
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"], sessions: [], agents: 0 });
  });

  test("a worktree with a submodule in it", async () => {
    const library = world.repo("library");
    world.git(repo, "submodule", "add", "-q", library, "lib");
    world.git(repo, "commit", "-q", "-m", "a submodule");
    const agent = await idleAgent();
    world.git(agent.worktree, "submodule", "update", "-q", "--init");
    await agent.kill();
    expect(existsSync(agent.worktree)).toBe(false);
    expect(oracle(world, repo).worktrees).toEqual([repo]);
  });

  test("a detached HEAD whose commits are on a branch", async () => {
    const agent = await idleAgent();
    const tip = commitFile(agent.worktree, "one");
    world.git(agent.worktree, "checkout", "-q", "--detach");
    expect(await agent.kill()).toMatchObject({ branchKept: true });
    expect(world.git(repo, "rev-parse", "work").trim()).toBe(tip);
  });
});

describe("a kill by force", () => {
  test("saves all of it first, and restore brings it back exactly as it was", async () => {
    world.write(join(repo, ".env"), "SECRET=1\n");
    world.write(join(repo, "token.txt"), "SECRET=2\n");
    world.write(join(repo, ".git/info/exclude"), "");
    const set = await openFleet(world, repo, {
      settings: { "setup.credential_files": [".env", "token.txt"], "setup.commands": ["echo made > made.log"] },
    });
    const agent = await idleAgent("work", set);
    const at = agent.worktree;
    const tip = commitFile(at, "committed.txt");
    world.write(join(at, "src/a.txt"), "staged\n");
    world.git(at, "add", "src/a.txt");
    world.write(join(at, "src/a.txt"), "staged, then changed\n");
    chmodSync(join(at, "src/b.txt"), 0o755);
    world.write(join(at, "added.txt"), "added\n", 0o640);
    world.git(at, "add", "added.txt");
    world.write(join(at, "untracked/secret.key"), "untracked\n", 0o600);
    world.write(join(at, "results.log"), "ignored\n", 0o444);
    world.write(join(at, "node_modules/x.js"), "x");
    symlinkSync("src/a.txt", join(at, "link"));
    mkdirSync(join(at, "empty"), { mode: 0o711 });
    const before = { files: snapshot(at), status: gitStatus(at), oracle: oracle(world, repo) };

    const killed = await agent.kill({ force: true });
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main", "work"], sessions: [], agents: 0 });
    expect(existsSync(at)).toBe(false);
    const { "node_modules/x.js": _, node_modules: __, ...kept } = before.files;
    const saved = killed.saved;
    expect(saved).toMatchObject({ ref: `refs/fleet/trash/${agent.id}`, restore: expect.stringContaining("fleet restore") });
    expect(snapshot(saved?.folder ?? "")).toEqual(kept);
    expect(lstatSync(join(world.fleetHome, "trash")).mode & 0o777).toBe(0o700);
    expect(lstatSync(join(world.fleetHome, "trash", agent.id)).mode & 0o777).toBe(0o700);
    const inGit = world
      .git(repo, "ls-tree", "-r", "--name-only", saved?.ref ?? "")
      .split("\n")
      .filter(Boolean);
    expect(inGit.sort()).toEqual(
      [".gitignore", "README.md", "added.txt", "committed.txt", "link", "src/a.txt", "src/b.txt", "untracked/secret.key"].sort(),
    );
    expect(world.git(repo, "show", `${saved?.ref}:src/a.txt`)).toBe("staged, then changed\n");

    const back = await set.restore("work");
    await expect(set.restore("work")).rejects.toMatchObject({ code: "AGENT_NOT_FOUND", hint: expect.stringContaining("is there") });
    expect(back.info).toMatchObject({ id: agent.id, branch: "work", worktree: at, status: "stopped" });
    expect(snapshot(at)).toEqual(kept);
    expect(gitStatus(at)).toBe(before.status.replace("! node_modules/x.js\n", ""));
    expect(world.git(repo, "rev-parse", "work").trim()).toBe(tip);
    expect((await set.list()).map(({ id, status }) => [id, status])).toEqual([[agent.id, "stopped"]]);
    expect(await set.trash()).toEqual([]);
    expect(world.git(repo, "for-each-ref", "refs/fleet")).toBe("");
    world.git(at, "add", "-A");
    expect(world.git(at, "diff", "--cached", "--name-only")).not.toMatch(/env|token/);
    // What setup had made is still known not to be the agent's work.
    expect((await set.previewKill("work"))[0]?.files).not.toContain("made.log");
    expect((await set.resume("work")).agents).toMatchObject([{ branch: "work" }]);
  });

  test("twice at the same time saves it once, whole", async () => {
    const agent = await idleAgent();
    world.write(join(agent.worktree, "src/a.txt"), "staged\n");
    world.git(agent.worktree, "add", "-A");
    world.write(join(agent.worktree, "new.txt"), "x");
    const before = [snapshot(agent.worktree), gitStatus(agent.worktree)];
    const others = await Promise.all([1, 2, 3].map(() => openFleet(world, repo)));
    await Promise.allSettled(others.map((other) => other.kill("work", { force: true })));
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], sessions: [], agents: 0 });
    await fleet.restore("work");
    expect([snapshot(agent.worktree), gitStatus(agent.worktree)]).toEqual(before);
  });

  test.each(["merge", "rebase"] as const)("in the middle of a %s saves the operation too", async (verb) => {
    const agent = await idleAgent();
    conflict(agent.worktree, verb);
    const before = [snapshot(agent.worktree), gitStatus(agent.worktree)];
    await agent.kill({ force: true });
    await fleet.restore("work");
    expect([snapshot(agent.worktree), gitStatus(agent.worktree)]).toEqual(before);
    expect((await fleet.previewKill("work"))[0]?.reasons.join()).toContain(`a ${verb} under way`);
  });

  test("keeps commits that are on no branch, and restores HEAD where it stood", async () => {
    const agent = await idleAgent();
    const base = world.git(repo, "rev-parse", "main").trim();
    world.git(agent.worktree, "checkout", "-q", "--detach");
    const tip = commitFile(agent.worktree, "one");
    const { saved } = await agent.kill({ force: true });
    expect(world.git(repo, "rev-parse", `${saved?.ref}^1`).trim()).toBe(tip);
    await fleet.restore("work");
    world.git(repo, "gc", "-q", "--prune=now");
    expect(world.git(agent.worktree, "rev-parse", "HEAD").trim()).toBe(tip);
    expect(world.git(agent.worktree, "status", "--porcelain")).toBe("");
    expect(world.git(repo, "rev-parse", "work").trim()).toBe(base);
  });

  test("keeps a repository nested in the worktree, and what a submodule alone holds", async () => {
    const library = world.repo("library");
    world.git(repo, "submodule", "add", "-q", library, "lib");
    world.git(repo, "commit", "-q", "-m", "a submodule");
    const agent = await idleAgent();
    const at = agent.worktree;
    world.git(at, "submodule", "update", "-q", "--init");
    const inside = commitFile(join(at, "lib"), "fix.txt");
    mkdirSync(join(at, "nested"));
    world.git(join(at, "nested"), "init", "-q");
    const nested = commitFile(join(at, "nested"), "inner.txt");
    await refusalOf(agent);
    await agent.kill({ force: true });
    await fleet.restore("work");
    expect(world.git(join(at, "nested"), "rev-parse", "HEAD").trim()).toBe(nested);
    expect(world.git(join(at, "lib"), "rev-parse", "HEAD").trim()).toBe(inside);
  });

  test("leaves a stash where it is", async () => {
    const agent = await idleAgent();
    world.write(join(agent.worktree, "src/a.txt"), "stashed\n");
    world.git(agent.worktree, "stash", "-q");
    world.write(join(agent.worktree, "src/b.txt"), "dirty\n");
    await agent.kill({ force: true });
    expect(world.git(repo, "show", "stash@{0}:src/a.txt")).toBe("stashed\n");
  });

  test("restored over a branch checked out elsewhere by now is refused and changes nothing", async () => {
    const agent = await idleAgent();
    world.write(join(agent.worktree, "new.txt"), "x");
    const { saved } = await agent.kill({ force: true });
    world.git(repo, "checkout", "-q", "-B", "work");
    const before = oracle(world, repo);
    await expect(fleet.restore("work")).rejects.toMatchObject({ code: "BRANCH_IN_USE", exitCode: 4 });
    expect(oracle(world, repo)).toEqual(before);
    expect(existsSync(join(saved?.folder ?? "", "new.txt"))).toBe(true);
    await expect(fleet.restore("nobody")).rejects.toMatchObject({ code: "AGENT_NOT_FOUND", exitCode: 3 });
  });
});

describe("the branch of a killed agent", () => {
  test("goes when its commits are merged, on a remote branch or under a tag, and stays when only it holds them", async () => {
    const remote = join(world.root, "remote.git");
    world.git(world.root, "init", "-q", "--bare", remote);
    world.git(repo, "remote", "add", "origin", remote);
    const kept = new Map<string, boolean>();
    for (const [branch, share] of [
      ["merged", () => world.git(repo, "merge", "-q", "--no-edit", "merged")],
      ["pushed", () => world.git(repo, "push", "-q", "origin", "pushed")],
      ["tagged", () => world.git(repo, "tag", "v1", "tagged")],
      ["stashed", () => world.git(repo, "update-ref", "refs/other/x", "stashed")],
      ["alone", () => ""],
    ] as const) {
      const agent = await idleAgent(branch);
      commitFile(agent.worktree, branch);
      share();
      kept.set(branch, (await agent.kill()).branchKept);
    }
    expect(Object.fromEntries(kept)).toEqual({ merged: false, pushed: false, tagged: false, stashed: true, alone: true });
    expect(oracle(world, repo).branches).toEqual(["alone", "main", "stashed"]);
  });

  test("stays where a lock file of git's stands in the way, and this is said of those that it keeps", async () => {
    await idleAgent("held");
    commitFile((await idleAgent("alone")).worktree, "alone");
    const lock = world.write(join(repo, ".git/packed-refs.lock"), "");
    const warnings: Warning[] = [];
    const { killed } = await fleet.kill({ all: true }, {}, { onWarning: (warning) => warnings.push(warning) });
    expect(killed.map(({ branchKept }) => branchKept)).toEqual([true, true]);
    expect(warnings).toMatchObject([{ code: "BRANCH_LOCKED", branch: "held", message: expect.stringMatching(/git branch -d/) }]);
    expect(warnings[0]?.message).toContain(lock);
    rmSync(lock);
    world.git(repo, "branch", "-d", "held");
  });

  test("goes on demand, its tip kept under refs/fleet/trash", async () => {
    const agent = await idleAgent();
    const tip = commitFile(agent.worktree, "one");
    expect(await agent.kill({ deleteBranch: true })).toMatchObject({ branchKept: false });
    expect(oracle(world, repo).branches).toEqual(["main"]);
    expect(world.git(repo, "for-each-ref", "--format=%(objectname)", "refs/fleet/trash").trim()).toBe(tip);
  });

  test("never goes on its own when it was there before the agent", async () => {
    world.git(repo, "branch", "old");
    const agent = await idleAgent("old");
    expect(agent.info.createdBranch).toBe(false);
    expect(await agent.kill()).toMatchObject({ branchKept: true });
    expect(oracle(world, repo).branches).toEqual(["main", "old"]);
    expect(await (await idleAgent("old")).kill({ deleteBranch: true })).toMatchObject({ branchKept: false });
    expect(oracle(world, repo).branches).toEqual(["main"]);
  });

  test("and its worktree are the user's under keepWorktree", async () => {
    const agent = await idleAgent();
    world.write(join(agent.worktree, "mine.txt"), "x");
    expect(await agent.kill({ keepWorktree: true })).toMatchObject({ saved: null, branchKept: true });
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo, agent.worktree], branches: ["main", "work"], sessions: [], agents: 0 });
    expect(readFileSync(join(agent.worktree, "mine.txt"), "utf8")).toBe("x");
    rmSync(join(world.fleetHome, "state.json"));
    expect(await fleet.list()).toEqual([]);
    world.git(agent.worktree, "commit", "-q", "--allow-empty", "-m", "still a worktree");
  });
});

describe("what is not ours is never touched:", () => {
  test("a clone in the worktree's place", async () => {
    const agent = await idleAgent();
    renameSync(agent.worktree, `${agent.worktree}-away`);
    world.git(world.root, "clone", "-q", repo, agent.worktree);
    world.write(join(agent.worktree, "foreign.txt"), "x");
    const before = snapshot(agent.worktree);
    await fleet.kill("work", { force: true });
    expect(snapshot(agent.worktree)).toEqual(before);
    expect(world.git(agent.worktree, "rev-parse", "HEAD")).toBe(world.git(repo, "rev-parse", "HEAD"));
    expect(oracle(world, repo)).toMatchObject({ sessions: [], agents: 0 });
    expect(await fleet.list()).toEqual([]);
  });

  test("a plain folder in the worktree's place, or a link to somebody's folder", async () => {
    const [plain, linked] = [await idleAgent("plain"), await idleAgent("linked")];
    rmSync(plain.worktree, { recursive: true });
    world.write(join(plain.worktree, "foreign.txt"), "x");
    rmSync(linked.worktree, { recursive: true });
    world.write(join(world.root, "elsewhere/foreign.txt"), "x");
    symlinkSync(join(world.root, "elsewhere"), linked.worktree);
    await fleet.kill(["plain", "linked"], { force: true });
    expect(readFileSync(join(plain.worktree, "foreign.txt"), "utf8")).toBe("x");
    expect(readFileSync(join(linked.worktree, "foreign.txt"), "utf8")).toBe("x");
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], sessions: [], agents: 0 });
  });

  test("another worktree of the repository that was put in the worktree's place", async () => {
    const agent = await idleAgent();
    rmSync(agent.worktree, { recursive: true });
    world.git(repo, "worktree", "add", "-q", "-f", "-b", "users-own", agent.worktree);
    world.write(join(agent.worktree, "foreign.txt"), "x");
    await fleet.kill("work", { force: true }).catch(() => undefined);
    expect(readFileSync(join(agent.worktree, "foreign.txt"), "utf8")).toBe("x");
    expect(oracle(world, repo).branches).toContain("users-own");
    expect(world.git(agent.worktree, "branch", "--show-current").trim()).toBe("users-own");
  });
});

describe("a kill of several", () => {
  test("judges each on its own", async () => {
    for (const branch of ["clean", "dirty", "other"]) await idleAgent(branch);
    const dirty = await fleet.agent("dirty");
    world.write(join(dirty.worktree, "new.txt"), "x");
    const { killed, refused } = await fleet.kill({ all: true });
    expect(killed.map(({ branch }) => branch).sort()).toEqual(["clean", "other"]);
    expect(refused).toMatchObject([{ branch: "dirty", error: { code: "WORKTREE_DIRTY", data: { files: ["new.txt"] } } }]);
    expect((await fleet.list()).map(({ branch, status }) => [branch, status])).toEqual([["dirty", "idle"]]);
    expect(oracle(world, repo)).toMatchObject({ branches: ["dirty", "main"], sessions: [dirty.session] });
  });
});

describe("two killed together whose branches hold the same commit", () => {
  test("do not both lose their branch for the other's sake", async () => {
    const one = await idleAgent("one");
    await idleAgent("two");
    world.git(one.worktree, "commit", "-q", "--allow-empty", "-m", "only here");
    const tip = world.git(one.worktree, "rev-parse", "HEAD").trim();
    world.git((await fleet.agent("two")).worktree, "reset", "-q", "--hard", tip);
    const { killed } = await fleet.kill(["one", "two"]);
    expect(killed.map(({ branchKept }) => branchKept)).toEqual([true, true]);
    expect(world.git(repo, "branch", "--contains", tip).split("\n").length).toBeGreaterThan(1);
  });
});

describe("a worktree that git cannot read", () => {
  test("is refused for itself, and saved as a whole by force", async () => {
    const [broken] = [await idleAgent("broken"), await idleAgent("fine")];
    world.write(join(broken.worktree, "new.txt"), "x");
    world.write(join(repo, ".git/worktrees/broken/index"), "garbage");
    const { killed, refused } = await fleet.kill({ all: true });
    expect(killed.map(({ branch }) => branch)).toEqual(["fine"]);
    expect(refused).toMatchObject([{ branch: "broken", error: { code: "DRIVER_FAILED" } }]);
    expect((await fleet.list())[0]?.status).toBe("idle");
    const { saved } = await broken.kill({ force: true });
    expect(readFileSync(join(saved?.folder ?? "", "new.txt"), "utf8")).toBe("x");
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], sessions: [], agents: 0 });
  });
});

describe("--replace", () => {
  test("takes the place of an agent only when nothing of its work would be lost", async () => {
    const first = await idleAgent();
    world.write(join(first.worktree, "new.txt"), "x");
    const before = oracle(world, repo);
    await expect(fleet.createAgent({ branch: "work", replace: true })).rejects.toMatchObject({ code: "WORKTREE_DIRTY" });
    expect(oracle(world, repo)).toEqual(before);
    const tip = commitFile(first.worktree, "new.txt");
    const second = await fleet.createAgent({ branch: "work", replace: true });
    expect(second.id).not.toBe(first.id);
    expect(world.git(second.worktree, "rev-parse", "HEAD").trim()).toBe(tip);
    expect((await fleet.list()).map(({ id }) => id)).toEqual([second.id]);
  });

  test("ends nobody for an agent that could not be made anyway", async () => {
    const first = await idleAgent();
    commitFile(first.worktree, "one");
    const before = oracle(world, repo);
    for (const options of [{ adapter: "no-such" }, { from: "no-such-ref" }, { from: "main" }]) {
      await expect(fleet.createAgent({ branch: "work", replace: true, ...options })).rejects.toThrow();
      expect(oracle(world, repo)).toEqual(before);
    }
  });
});

describe("the processes of a killed agent", () => {
  test("all end within five seconds, those in sessions of their own that ignore HUP and TERM as well", async () => {
    const processes = procfsDriver({ host: localHost() });
    let ms = 0;
    // What git and tmux take for their part says more of the machine than of this.
    const endTrees: typeof processes.endTrees = async (...args) => {
      const began = performance.now();
      const report = await processes.endTrees(...args);
      ms += performance.now() - began;
      return report;
    };
    const timed = await openFleet(world, repo, { processes: Object.assign(Object.create(processes), { endTrees }) });
    const agent = await timed.createAgent({ branch: "stubborn", prompt: "Go [[spawn]] [[spawn]] [[no-commit]]" });
    await agent.waitFor("idle", { timeout: 10_000 });
    const mine = () =>
      processesOf(world.root).filter((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").includes(`AIFLEET_ID=${agent.id}`));
    expect(mine().length).toBeGreaterThanOrEqual(3);
    ms = 0;
    await agent.kill({ force: true });
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThan(5000);
    expect(mine()).toEqual([]);
  });

  test("that left its tree, or outlived it, end with it", async () => {
    const daemon = 'trap "" HUP TERM; exec sleep 3600';
    const settings = { "agents.parent.command": ["sh", "-c", `(setsid sh -c '${daemon}' &) ; exec sleep 3600`] };
    const parent = await (await openFleet(world, repo, { settings })).createAgent({ branch: "parent", adapter: "parent" });
    const ended = await fleet.createAgent({ branch: "ended", prompt: "Go [[spawn]] [[no-commit]] [[exit]]" });
    await ended.waitFor("done", { timeout: 10_000 });
    const left = () => oracle(world, repo).agents;
    expect(await settle(left, (count) => count === 3)).toBe(3);
    await fleet.kill([parent.id, ended.id], { force: true });
    expect(left()).toBe(0);
  });

  test("are told from another agent's, and from a tmux server an agent started", async () => {
    const socket = join(world.root, "own.sock");
    const settings = {
      "agents.host.command": ["sh", "-c", `tmux -S '${socket}' -f /dev/null new-session -d 'sleep 3600'; exec sleep 3600`],
    };
    const mixed = await openFleet(world, repo, { settings });
    const host = await mixed.createAgent({ branch: "host", adapter: "host" });
    const other = await idleAgent("other");
    const inside = () =>
      spawnSync("tmux", ["-S", socket, "list-panes", "-a", "-F", "#{pane_pid} #{pane_dead}"], { env: world.env, encoding: "utf8" }).stdout;
    const panes = await settle(inside, (text) => text !== "");
    const pid = other.info.pid;
    await host.kill();
    expect(inside()).toBe(panes);
    expect((await fleet.list()).map(({ branch, status, pid: now }) => [branch, status, now])).toEqual([["other", "idle", pid]]);
  });
});
