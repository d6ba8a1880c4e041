import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Set in a test run that has mounts of its own. */
const MARK = "FLEET_TEST_OWN_MOUNTS";
export const HAS_OWN_MOUNTS = process.env[MARK] === "1";

const VITEST = fileURLToPath(new URL("../../../../../node_modules/vitest/vitest.mjs", import.meta.url));

/** How a command comes to mounts of its own, that nobody else sees and that go with it; null where this system does not allow it. */
export function ownMounts(): readonly string[] | null {
  for (const argv of [
    ["unshare", "-m"],
    ["unshare", "-rm"],
  ]) {
    const [file = "", ...flags] = argv;
    if (spawnSync(file, [...flags, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"], { stdio: "ignore" }).status === 0)
      return argv;
  }
  return null;
}

/** How a test ended in {@link runWithOwnMounts}: null it passed, else what it said. */
export type Verdicts = ReadonlyMap<string, string | null>;

/** Runs the tests of a file again with mounts of their own. */
export function runWithOwnMounts(how: readonly string[], file: string): Verdicts {
  const [unshare = "", ...flags] = how;
  const argv = [...flags, process.execPath, VITEST, "run", "--reporter=json", fileURLToPath(file)];
  const cwd = fileURLToPath(new URL("../../..", import.meta.url));
  const env: NodeJS.ProcessEnv = { ...process.env, [MARK]: "1" };
  for (const name of Object.keys(env)) if (name.startsWith("VITEST")) delete env[name];
  const { stdout, stderr } = spawnSync(unshare, argv, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26 });
  if (process.env.DISK_SAY) process.stderr.write(stderr);
  const report = stdout.slice(stdout.indexOf('{"numTotalTestSuites"'));
  let results: { testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[] };
  try {
    results = JSON.parse(report);
  } catch {
    throw new Error(`The tests with mounts of their own did not run: ${stdout}${stderr}`);
  }
  const all = results.testResults.flatMap(({ assertionResults }) => assertionResults);
  return new Map(all.map(({ title, status, failureMessages }) => [title, status === "passed" ? null : failureMessages.join("\n")]));
}

/** A small file system of its own. */
export class SmallDisk {
  constructor(
    readonly path: string,
    options: string,
  ) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
  }

  /** Shell text that leaves nothing. */
  fillText(): string {
    return `cat /dev/zero > '${join(this.path, "filler")}'; :`;
  }

  /** Leaves so many KiB. */
  fill(kib: number): void {
    const { bavail, bsize } = statfsSync(this.path);
    writeFileSync(join(this.path, "filler"), Buffer.alloc(Math.max(0, bavail * bsize - kib * 1024)));
  }

  /** Leaves room for so many more files and folders. */
  fillNames(left: number): void {
    const folder = join(this.path, "filler");
    mkdirSync(folder);
    for (let n = statfsSync(this.path).ffree - left; n > 0; n--) writeFileSync(join(folder, String(n)), "");
  }

  empty(): void {
    rmSync(join(this.path, "filler"), { recursive: true, force: true });
  }

  /** Read-only for whoever opens something from now on; what is open can still be written to, as nobody can take that away. */
  makeReadOnly(): void {
    execFileSync("/bin/sh", ["-c", this.readOnlyText()]);
  }

  readOnlyText(): string {
    return `mount --bind '${this.path}' '${this.path}' && mount -o remount,bind,ro '${this.path}'`;
  }

  makeWritable(): void {
    // Whoever has its folder open keeps it: that is no reason to wait.
    execFileSync("umount", ["-l", this.path]);
  }

  unmount(): void {
    execFileSync("umount", ["-l", this.path]);
  }
}
