import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, settle, type World } from "../support/world.js";
import { makeDriver, rootOf } from "./support/driver.js";

let folder: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleet-add-"));
  program = join(folder, "add.mjs");
  const banner = { js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);' };
  const entryPoints = [fileURLToPath(new URL("./support/add-program.ts", import.meta.url))];
  await build({
    entryPoints,
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner,
    logLevel: "error",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let world: World;
beforeEach(() => {
  world = makeWorld("git-processes");
});
afterEach(() => world.dispose());

function start(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { env: world.env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  return { child, output: () => output, ended: once(child, "close").then(() => output) };
}

describe("several processes at one repository", () => {
  it("make 30 worktrees at once without a failure, beside a person's own git", async () => {
    const path = world.repo();
    const trees = join(world.root, "trees");
    const runs = Array.from({ length: 6 }, (_, i) => start(path, trees, `p${i}`, "5"));
    for (let i = 0; i < 3; i++) world.git(path, "worktree", "list");
    const lines = (await Promise.all(runs.map(({ ended }) => ended))).flatMap((output) => output.split("\n").filter(Boolean));
    expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
    expect(lines).toHaveLength(30);
    expect(readdirSync(trees)).toHaveLength(30);
    expect(world.git(path, "worktree", "list").trim().split("\n")).toHaveLength(31);
    for (const name of readdirSync(trees)) expect([name, world.git(join(trees, name), "status", "--porcelain")]).toEqual([name, ""]);
    expect(readFileSync(join(path, ".git/config"), "utf8")).not.toContain("[branch");
    expect(readdirSync(join(path, ".git")).filter((name) => name.startsWith("aifleet"))).toEqual([]);
    const { git } = makeDriver(world);
    expect(await git.readMarks(join(path, ".git"))).toHaveLength(30);
  });

  it("that were killed in the middle leave marked worktrees that another one removes", async () => {
    const path = world.repo("repo", { ".gitattributes": "*.slow filter=slow\n", "a.slow": "x", z: "z" });
    const gate = join(world.root, "gate");
    world.git(path, "config", "filter.slow.smudge", `while [ ! -e '${gate}' ]; do sleep 0.02; done; cat`);
    const run = start(path, join(world.root, "trees"), "k", "2");
    const { git } = makeDriver(world);
    const repo = await rootOf(git, path);
    const marks = await settle(
      () => git.readMarks(repo.commonDir),
      (found) => found.length === 2 && found.every(({ adminDir }) => existsSync(join(adminDir, "index.lock"))),
    );
    run.child.kill("SIGKILL");
    await run.ended;
    expect(marks.map(({ text, present }) => [text, present]).sort()).toEqual([
      ["mark k-0", true],
      ["mark k-1", true],
    ]);
    const tip = world.git(path, "rev-parse", "HEAD").trim();
    for (const { adminDir, worktreePath } of marks) await git.removeWorktree(repo, { path: worktreePath, adminDir });
    for (const name of ["k-0", "k-1"]) await git.deleteBranch(repo, name, tip);
    world.write(gate, "");
    expect(existsSync(join(world.root, "trees"))).toBe(false);
    expect(world.git(path, "worktree", "list").trim().split("\n")).toHaveLength(1);
    expect(world.git(path, "for-each-ref", "--format=%(refname)", "refs/heads").trim()).toBe("refs/heads/main");
    const again = await start(path, join(world.root, "trees"), "k", "2").ended;
    expect(again.split("\n").filter(Boolean).sort()).toEqual(["ok k-0", "ok k-1"]);
    expect(readdirSync(join(path, ".git")).filter((name) => name.startsWith("aifleet"))).toEqual([]);
  });
});
