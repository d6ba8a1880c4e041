import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { listed, recorded, strays } from "./support/oracle.js";
import { run, runUntil } from "./support/run.js";
import { breakTool } from "./support/shims.js";

/** As git leaves them when it is killed in the middle of a change. */
const LOCKS = ["config.lock", "packed-refs.lock", "refs/heads/a.lock", "refs/fleet/trash/x/head.lock"];

describe("lock files of a git that was killed together with its command", () => {
  let world: World;
  let repo: string;
  let lock: (name: string) => string;
  let holder: ChildProcess | undefined;

  beforeEach(() => {
    world = makeWorld("git-locks");
    world.write(join(world.fleetHome, "config.toml"), '[agents.still]\ncommand = ["sh", "-c", "exec cat"]\n', 0o600);
    repo = world.repo();
    lock = (name) => join(repo, ".git", name);
  });
  afterEach(async () => {
    holder?.kill("SIGKILL");
    await world.dispose();
  });

  const killed = () => runUntil(world, repo, ["create", "a", "--agent", "still"], /^started git reset/, { fate: "die" });

  it("are removed by the next command, which undoes the rest as well", async () => {
    expect((await killed()).signal).toBe("SIGKILL");
    for (const name of LOCKS) world.write(lock(name), "");
    const { agents } = await listed(world, repo);
    expect(LOCKS.filter((name) => existsSync(lock(name)))).toEqual([]);
    expect(agents).toEqual([]);
    expect(await strays(world, repo, agents, {})).toEqual([]);
  });

  it("stay where a process has them open, or where they were there before", async () => {
    world.write(lock("config.lock"), "");
    const before = Date.now() / 1000 - 60;
    utimesSync(lock("config.lock"), before, before);
    expect((await killed()).signal).toBe("SIGKILL");
    holder = spawn("sh", ["-c", 'exec 9>"$0"; echo held; exec sleep 1000', lock("packed-refs.lock")], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(holder.stdout as NonNullable<ChildProcess["stdout"]>, "data");
    await listed(world, repo);
    expect(["config.lock", "packed-refs.lock"].filter((name) => existsSync(lock(name)))).toEqual(["config.lock", "packed-refs.lock"]);
  });
});

describe("the lock that a git leaves on the branch it was to check out", () => {
  it("goes with the branch before a command ends that was interrupted then", async () => {
    const world = makeWorld("own-lock");
    try {
      const repo = world.repo();
      const lock = join(repo, ".git/refs/heads/a.lock");
      const { path } = breakTool(world, "git", `: > '${lock}'; kill -INT $PPID; exec sleep 1000`, 0, "reset");
      const ran = await run(world, repo, ["create", "a"], { PATH: path });
      expect([ran.code, ran.stderr]).toEqual([130, expect.not.stringContaining("could not")]);
      expect([existsSync(lock), recorded(world), await strays(world, repo, [])]).toEqual([false, [], []]);
    } finally {
      await world.dispose();
    }
  });
});
