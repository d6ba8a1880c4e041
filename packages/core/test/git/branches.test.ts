import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BranchFacts } from "../../src/model/index.js";
import { makeWorld, type World } from "../support/world.js";
import { makeDriver, rootOf, type TestDriver } from "./support/driver.js";

let world: World;
let path: string;
let driver: TestDriver;
beforeEach(() => {
  world = makeWorld("git-branches");
  path = world.repo();
  driver = makeDriver(world);
});
afterEach(() => world.dispose());

const git = (...args: string[]) => world.git(path, ...args).trim();

/** The facts, and whether git was asked about refs for them. */
async function factsOf(name: string): Promise<BranchFacts & { readonly asked: boolean }> {
  const repo = await rootOf(driver.git, path);
  driver.commands.length = 0;
  const facts = (await driver.git.branches(repo, [name])).get(name) as BranchFacts;
  return { ...facts, asked: driver.commands.some(({ argv }) => argv[0] === "for-each-ref") };
}

describe("a branch that is not there", () => {
  const ABSENT = { tip: null, remotes: [], blockedBy: null };

  it("is known not to be without asking git for it, also beside packed ones and remotes", async () => {
    expect(await factsOf("new")).toMatchObject({ ...ABSENT, asked: false });
    git("branch", "other");
    git("pack-refs", "--all");
    git("remote", "add", "origin", world.repo("upstream"));
    git("fetch", "-q", "origin");
    expect(await factsOf("new/one")).toMatchObject({ ...ABSENT, asked: false });
    expect(await factsOf("othe")).toMatchObject({ ...ABSENT, asked: false });
  });

  it("but for an empty folder of its name is asked for", async () => {
    mkdirSync(join(path, ".git/refs/heads/new"));
    expect(await factsOf("new")).toMatchObject({ ...ABSENT, asked: true });
  });

  it("in a repository with reftables is asked for", async ({ skip }) => {
    skip(git("--version") < "git version 2.45", "git is older than reftables");
    path = join(world.root, "tables");
    mkdirSync(path);
    git("init", "-q", "--ref-format=reftable");
    git("commit", "-q", "--allow-empty", "-m", "first");
    expect(await factsOf("new")).toMatchObject({ ...ABSENT, asked: true });
    git("branch", "new");
    expect(await factsOf("new")).toMatchObject({ tip: git("rev-parse", "new") });
  });
});

describe("a branch that is there", () => {
  it.each<[how: string, pack: boolean]>([
    ["as a file", false],
    ["packed", true],
  ])("%s is found, and so is what stands in its way and what remotes have", async (_, pack) => {
    const upstream = world.repo("upstream");
    world.git(upstream, "branch", "far/away");
    git("remote", "add", "origin", upstream);
    git("fetch", "-q", "origin");
    git("branch", "deep/er");
    if (pack) git("pack-refs", "--all");
    const tip = git("rev-parse", "HEAD");
    expect(await factsOf("deep/er")).toMatchObject({ tip, blockedBy: null });
    expect(await factsOf("deep")).toMatchObject({ tip: null, blockedBy: "deep/er" });
    expect(await factsOf("deep/er/still")).toMatchObject({ tip: null, blockedBy: "deep/er" });
    expect(await factsOf("far/away")).toMatchObject({ tip: null, remotes: [{ remote: "origin", ref: "refs/remotes/origin/far/away" }] });
  });
});
