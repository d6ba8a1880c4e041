import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FleetOpenOptions } from "../../src/index.js";
import { openFleet, oracle } from "../support/demo.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("removed");
  repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "node_modules\n" });
});
afterEach(() => world.dispose());

const open = (rest: Omit<FleetOpenOptions, "repo" | "env"> = {}) => openFleet(world, repo, rest);
const worktrees = () => join(world.fleetHome, "worktrees");
/** More than is deleted in an instant. */
function much(worktree: string): void {
  mkdirSync(join(worktree, "node_modules/many"), { recursive: true });
  for (let n = 0; n < 10_100; n++) writeFileSync(join(worktree, "node_modules/many", String(n)), "");
}
const agent = async (branch: string, rest: Omit<FleetOpenOptions, "repo" | "env"> = {}) => {
  const fleet = await open(rest);
  const { worktree } = await fleet.createAgent({ branch });
  return { fleet, worktree };
};

describe("a kill of a worktree with much in it", () => {
  test("has it out of the way and leaves the deletion to the process it starts, which deletes nothing else", async () => {
    const asked: unknown[] = [];
    const { fleet, worktree } = await agent("a", { startDeleter: (place) => void asked.push(place) });
    much(worktree);
    mkdirSync(join(worktrees(), ".aifleet-gone-of-mine"));
    expect((await fleet.kill("a")).killed).toHaveLength(1);
    expect(asked).toEqual([{ home: world.fleetHome, repo, ignoreProjectConfig: false }]);
    expect(oracle(world, repo)).toMatchObject({ worktrees: [repo], branches: ["main"], agents: 0 });
    const left = readdirSync(worktrees()).sort();
    expect(left).toEqual([expect.stringMatching(/^\.aifleet-delete-a-/), ".aifleet-gone-of-mine"]);

    const findings = (await fleet.doctor()).findings.filter(({ check }) => check === "removed");
    expect(findings).toMatchObject([
      { state: "note", message: expect.stringMatching(/^1 folder of removed worktrees, .* is to be deleted/) },
    ]);
    // Whoever looks sees to it that somebody is at it.
    expect(asked.length).toBeGreaterThan(1);
    const again = await fleet.createAgent({ branch: "a" });
    expect(again.worktree).toBe(worktree);
    await fleet.deleteRemoved();
    expect(readdirSync(worktrees()).filter((name) => name.startsWith("."))).toEqual([".aifleet-gone-of-mine"]);
    expect(existsSync(join(worktree, "README.md"))).toBe(true);
    await fleet.kill("a");
  });

  test("deletes it before it returns where no process is to be started, and what one that was killed has left", async () => {
    const { fleet, worktree } = await agent("a");
    much(worktree);
    mkdirSync(join(worktrees(), ".aifleet-delete-left/deep"), { recursive: true });
    await fleet.kill("a");
    await fleet.list();
    expect(readdirSync(worktrees())).toEqual([]);
  });
});

test("a folder that was taken out of its place and is still registered stays where nobody knows why", async () => {
  const { fleet, worktree } = await agent("a");
  await fleet.stop("a");
  const away = join(dirname(worktree), ".aifleet-gone-999999999-a-x");
  renameSync(worktree, away);
  await fleet.list();
  expect(existsSync(join(away, "README.md"))).toBe(true);
  world.git(repo, "worktree", "prune");
  await fleet.list();
  expect(existsSync(away)).toBe(false);
});

/** A fleet in which somebody writes a file into the worktree of `a` when it has been judged, and before it leaves its place. */
function meddling(write: () => void): Omit<FleetOpenOptions, "repo" | "env"> {
  let first = true;
  return {
    git: (standard) => ({
      ...standard,
      removeWorktrees: async (...args) => {
        if (first) write();
        first = false;
        return standard.removeWorktrees(...args);
      },
    }),
  };
}

describe("what is written between the last look and the removal", () => {
  test("keeps the worktree", async () => {
    const { worktree } = await agent("a");
    const fleet = await open(meddling(() => writeFileSync(join(worktree, "late.txt"), "late\n")));
    await expect(fleet.kill("a")).rejects.toMatchObject({ code: "WORKTREE_DIRTY", data: { files: ["late.txt"] } });
    expect(readFileSync(join(worktree, "late.txt"), "utf8")).toBe("late\n");
    await fleet.kill("a", { force: true });
  });

  test("is saved by force", async () => {
    const { worktree } = await agent("a");
    const fleet = await open(meddling(() => writeFileSync(join(worktree, "late.txt"), "late\n")));
    const { killed } = await fleet.kill("a", { force: true });
    expect(killed[0]?.saved?.folder).not.toBeNull();
    await fleet.restore("a");
    expect(readFileSync(join(worktree, "late.txt"), "utf8")).toBe("late\n");
    await fleet.kill("a", { force: true });
  });

  test("is kept where it is a commit that was taken back", async () => {
    const { worktree } = await agent("a");
    let lost = "";
    const fleet = await open(
      meddling(() => {
        world.git(worktree, "commit", "-q", "--allow-empty", "-m", "late");
        lost = world.git(worktree, "rev-parse", "HEAD").trim();
        world.git(worktree, "reset", "-q", "--hard", "HEAD~1");
      }),
    );
    const { killed } = await fleet.kill("a");
    expect(killed[0]?.saved?.ref).not.toBeNull();
    expect(world.git(repo, "for-each-ref", "--contains", lost, "refs/fleet")).toContain("refs/fleet/trash/");
  });
});
