import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFleet } from "../support/demo.js";
import { makeWorld } from "../support/world.js";
import { addAll, makeDriver, rootOf, spec } from "./support/driver.js";

const MB = 1024 * 1024;

/** Runs `work` with temporary files on a file system of that kind, made in a file. */
async function onDisk(kind: "btrfs" | "xfs", work: (place: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-reflink-"));
  const [image, place] = [join(folder, "image"), join(folder, "disk")];
  const before = process.env.TMPDIR;
  writeFileSync(image, "");
  truncateSync(image, 512 * MB);
  mkdirSync(place);
  try {
    execFileSync(`mkfs.${kind}`, kind === "xfs" ? ["-q", "-m", "reflink=1", image] : ["-q", image], { stdio: "ignore" });
    execFileSync("mount", ["-o", "loop", image, place]);
    try {
      process.env.TMPDIR = place;
      await work(place);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      execFileSync("umount", [place]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why it cannot be tried here, null where it can. */
function obstacle(kind: string): string | null {
  if (process.env.FLEET_FAULTS !== "long") return "long form only";
  if (process.getuid?.() !== 0) return "only root can mount a file system";
  const runs = (...argv: string[]) => {
    try {
      execFileSync(argv[0] as string, argv.slice(1), { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  if (!runs("sh", "-c", `command -v mkfs.${kind}`)) return `mkfs.${kind} is not installed`;
  if (!runs("grep", "-qw", kind, "/proc/filesystems")) return `this kernel has no ${kind}`;
  return runs("losetup", "-f") ? null : "there is no loop device";
}

const used = (place: string): number => {
  execFileSync("sync", ["-f", place]);
  const { blocks, bfree, bsize } = statfsSync(place);
  return (blocks - bfree) * bsize;
};

describe.each(["btrfs", "xfs"] as const)("on %s", (kind) => {
  it("worktrees and what they share take the space of large files once", async (test) => {
    const why = obstacle(kind);
    if (why !== null) return test.skip(why);
    await onDisk(kind, async (place) => {
      const world = makeWorld("reflink");
      try {
        const large = randomBytes(24 * MB);
        const path = world.repo("repo", { ".gitignore": "node_modules/\n", a: "a" });
        writeFileSync(join(path, "large.bin"), large);
        world.git(path, "add", "-A");
        world.git(path, "commit", "-q", "-m", "large");
        world.write(join(path, "node_modules/small"), "small");
        writeFileSync(join(path, "node_modules/large"), large);
        const { git } = makeDriver(world);
        const repo = await rootOf(git, path);
        const head = world.git(path, "rev-parse", "HEAD").trim();
        const before = used(place);
        const trees = Array.from({ length: 6 }, (_, i) => join(world.root, "trees", String(i)));
        for (const result of await addAll(
          git,
          repo,
          trees.map((tree, i) => spec(tree, `b${i}`, head)),
        )) {
          if (!result.ok) throw result.error;
        }
        expect(used(place) - before).toBeLessThan(2 * 24 * MB);
        for (const tree of trees) {
          expect(readFileSync(join(tree, "large.bin")).equals(large)).toBe(true);
          expect(world.git(tree, "diff-files") + world.git(tree, "status", "--porcelain")).toBe("");
        }
        const settings = { "setup.share": ["node_modules"], "setup.share_how": "reflink" };
        const fleet = await openFleet(world, path, { settings });
        const { worktree } = await fleet.createAgent({ branch: "a" });
        expect(readFileSync(join(worktree, "node_modules/large")).equals(large)).toBe(true);
        // The large file of the commit, checked out by git, and no other.
        expect(used(place) - before).toBeLessThan(3 * 24 * MB);
        await fleet.kill(["a"]);
      } finally {
        await world.dispose();
      }
    });
  }, 120_000);
});
