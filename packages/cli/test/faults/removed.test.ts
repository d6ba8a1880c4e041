import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, settle, type World } from "../../../core/test/support/world.js";
import { sure } from "./support/cases.js";
import { listed, strays } from "./support/oracle.js";
import { run, runUntil } from "./support/run.js";
import { realPlace } from "./support/shims.js";
import { idsOfLogs } from "./support/work.js";

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("removed");
  repo = world.repo("repo", { "README.md": "# A repository\n", ".gitignore": "node_modules\n" });
  world.write(join(world.fleetHome, "config.toml"), '[agents.still]\ncommand = ["sh", "-c", "exec sleep 1000"]\n', 0o600);
});
afterEach(() => world.dispose());

const root = () => join(world.fleetHome, "worktrees");
const remains = () =>
  (existsSync(root()) ? readdirSync(root(), { recursive: true, encoding: "utf8" }) : []).filter((path) =>
    /(^|\/)\.aifleet-[^/]+$/.test(path),
  );
const gone = () => settle(remains, (left) => left.length === 0, 20_000);
const deleters = () =>
  processesOf(world.root).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0__delete");
    } catch {
      return false;
    }
  });

async function make(): Promise<string> {
  await sure(world, repo, "create", "a", "--agent", "still");
  return (await sure(world, repo, "path", "a")).trim();
}

/** An `rm` that waits as long as the file `hold` is there. */
function holdUp(): { readonly env: Record<string, string>; readonly goOn: () => void } {
  const hold = join(world.root, "hold");
  writeFileSync(hold, "");
  const rm = realPlace(world, "rm");
  world.write(join(world.root, "bin/rm"), `#!/bin/sh\nwhile [ -e '${hold}' ]; do sleep 0.02; done\nexec '${rm}' "$@"\n`, 0o755);
  return { env: { PATH: `${world.root}/bin:${world.env.PATH}` }, goOn: () => rmSync(hold) };
}

describe("a large worktree that was killed", () => {
  it("is out of the way at once, and deleted by a process that outlives the command, is told by doctor and taken up when it was killed", async () => {
    const worktree = await make();
    mkdirSync(join(worktree, "node_modules/many"), { recursive: true });
    for (let n = 0; n < 10_100; n++) writeFileSync(join(worktree, "node_modules/many", String(n)), "");
    const { env, goOn } = holdUp();
    expect(await run(world, repo, ["kill", "a"], env)).toMatchObject({ code: 0 });
    expect(remains()).toEqual([expect.stringMatching(/^\.aifleet-delete-a-[a-z0-9]+$/)]);
    const first = await settle(deleters, (pids) => pids.length === 1);
    const told = async () => (await run(world, repo, ["doctor"], env)).stdout;
    expect(await settle(told, (text) => text.includes("is being deleted"))).toMatch(
      /1 folder of removed worktrees, .*is being deleted in the background/,
    );
    expect(deleters()).toEqual(first);

    process.kill(first[0] as number, "SIGKILL");
    await settle(deleters, (pids) => pids.length === 0);
    await run(world, repo, ["list"], env);
    expect(await settle(deleters, (pids) => pids.length === 1)).not.toEqual(first);
    // Its place is free meanwhile.
    await sure(world, repo, "create", "a", "--agent", "still");
    goOn();
    expect(await gone()).toEqual([]);
    await settle(deleters, (pids) => pids.length === 0);
    const { agents } = await listed(world, repo);
    expect(agents.map((agent) => agent.worktree)).toEqual([worktree]);
    expect(existsSync(join(worktree, "README.md"))).toBe(true);
    expect(await strays(world, repo, agents, { ended: idsOfLogs(world) })).toEqual([]);
  });
});

describe("a kill that was killed after the worktree had left its place", () => {
  it("is taken back by the next command, with what was written there since", async () => {
    const worktree = await make();
    const killed = await runUntil(world, repo, ["kill", "a"], /started find/);
    expect(killed.signal).toBe("SIGKILL");
    const [away = ""] = remains();
    expect(existsSync(worktree)).toBe(false);
    writeFileSync(join(root(), away, "late.txt"), "late\n");
    const { agents } = await listed(world, repo);
    expect(agents).toMatchObject([{ branch: "a", worktree, status: "stopped" }]);
    expect(readFileSync(join(worktree, "late.txt"), "utf8")).toBe("late\n");
    expect(await strays(world, repo, agents, { ended: idsOfLogs(world) })).toEqual([]);
    expect(await run(world, repo, ["kill", "a"])).toMatchObject({ code: 4, stderr: expect.stringContaining("late.txt") });
    await sure(world, repo, "kill", "a", "--force", "--yes");
  });

  it("is brought to its end where its registration was gone", async () => {
    await make();
    expect((await runUntil(world, repo, ["kill", "a"], /started rm/)).signal).toBe("SIGKILL");
    const { agents } = await listed(world, repo);
    expect(agents).toEqual([]);
    expect(await gone()).toEqual([]);
    expect(await strays(world, repo, agents, { ended: idsOfLogs(world) })).toEqual([]);
  });
});
