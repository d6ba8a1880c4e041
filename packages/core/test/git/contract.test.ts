import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "vitest";
import type { GitRunner } from "../../src/drivers/git/client.js";
import { type GitSubject, gitDriverContract } from "../../src/testing/contracts/git-driver.js";
import { memoryGit } from "../../src/testing/memory/git.js";
import { makeWorld, type World } from "../support/world.js";
import { makeDriver, processLocks } from "./support/driver.js";

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});

function realSubject(runner: GitRunner): GitSubject {
  const world = makeWorld("git-contract");
  worlds.push(world);
  let counter = 0;
  return {
    git: makeDriver(world, {}, processLocks(), runner).git,
    bench: {
      makeRepo: async (files) => world.repo(`repo-${++counter}`, files),
      newPath: () => join(world.root, `new-${++counter}`, "tree"),
      writeFile: async (folder, path, text) => void world.write(join(folder, path), text),
      async readFile(folder, path) {
        try {
          return readFileSync(join(folder, path), "utf8");
        } catch {
          return null;
        }
      },
      removeFolder: async (folder) => rmSync(folder, { recursive: true }),
      async commit(folder, message) {
        world.git(folder, "add", "-A");
        world.git(folder, "commit", "-q", "-m", message);
        return world.git(folder, "rev-parse", "HEAD").trim();
      },
      detach: async (folder) => void world.git(folder, "checkout", "-q", "--detach"),
    },
  };
}

function memorySubject(): GitSubject {
  const git = memoryGit();
  return { git, bench: git.bench };
}

describe.each(["simple-git", "spawn"] as const)("git through %s", (runner) => {
  for (const contract of gitDriverContract.cases) it(contract.name, () => contract.run(realSubject(runner)));
});

describe("git in memory", () => {
  for (const contract of gitDriverContract.cases) it(contract.name, () => contract.run(memorySubject()));
});
