import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, settle, type World } from "../../../core/test/support/world.js";
import { agentOf, contentOf, type Listed, listed, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { json, run } from "./support/run.js";

const AGENTS = LONG ? 12 : 4;

let world: World;
let repo: string;
beforeEach(async () => {
  world = makeWorld("reboot");
  repo = world.repo();
  world.write(join(world.fleetHome, "config.toml"), '[agents.brief]\ncommand = ["true"]\n', 0o600);
  await json(world, repo, "fanout", String(AGENTS), "try", "--prompt", "x");
  await json(world, repo, "create", "finished", "--agent", "brief");
  await json(world, repo, "wait", "try-*", "--timeout", "30");
});
afterEach(() => world.dispose());

/** Ends the server and all agents, as a power cut would. */
async function endAll(): Promise<void> {
  world.tmux("kill-server");
  const left = () => processesOf(world.root).filter((pid) => agentOf(pid) !== null);
  for (const pid of left()) process.kill(pid, "SIGKILL");
  expect(await settle(left, (pids) => pids.length === 0)).toEqual([]);
}

/** Everything written down says another boot. */
function writeOtherBoot(): void {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const admin = join(repo, ".git", "worktrees");
  const files = [join(world.fleetHome, "state.json"), ...readdirSync(admin).map((name) => join(admin, name, "aifleet.json"))];
  let changed = 0;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    if (text.includes(boot)) changed += 1;
    writeFileSync(file, text.replaceAll(boot, "00000000-0000-0000-0000-000000000000"));
  }
  expect(changed).toBeGreaterThan(AGENTS);
}

/** A lock that was held when the power went: its pid is that of a process that lives now. */
function leaveLock(): void {
  const folder = join(world.fleetHome, "state.json.lock");
  mkdirSync(folder);
  const owner = { pid: process.pid, start: "1", boot: "00000000-0000-0000-0000-000000000000", nonce: "p1-0000000000000000" };
  writeFileSync(
    join(folder, "owner"),
    JSON.stringify({ ...owner, host: world.git(repo, "--version") && hostName(), namespace: readlinkSync("/proc/self/ns/pid") }),
  );
}

function hostName(): string {
  return readFileSync("/proc/sys/kernel/hostname", "utf8").trim();
}

describe("after", () => {
  it.each([
    ["the tmux server was killed", async () => undefined],
    [
      "a reboot",
      async () => {
        writeOtherBoot();
        leaveLock();
      },
    ],
  ])(
    "%s all are lost, nothing is, and resume --all brings each back in its worktree",
    async (what, change) => {
      const was = (await listed(world, repo)).agents;
      const work = new Map(was.map(({ id, worktree }) => [id, contentOf(worktree)]));
      await endAll();
      await change();

      const { agents, ran } = await listed(world, repo);
      const status = (branch: string) => agents.find((agent) => agent.branch === branch)?.status;
      expect(agents.map(({ id }) => id)).toEqual(was.map(({ id }) => id));
      expect(new Set(agents.filter(({ branch }) => branch !== "finished").map((agent) => agent.status))).toEqual(new Set(["lost"]));
      expect(status("finished")).toBe("done");
      expect(await strays(world, repo, agents)).toEqual([]);
      expect(ran.ms).toBeLessThan(3000);

      const began = performance.now();
      const resumed = await run(world, repo, ["resume", "try-*", "--json"]);
      const ms = performance.now() - began;
      expect(resumed).toMatchObject({ code: 0 });
      const after = (await listed(world, repo)).agents;
      for (const { id, branch, worktree, status } of after.filter(({ branch }) => branch !== "finished")) {
        expect({ branch, alive: ["working", "idle", "waiting"].includes(status) }).toEqual({ branch, alive: true });
        expect(contentOf(worktree)).toMatchObject(work.get(id) ?? {});
        const cwds = processesOf(world.root)
          .filter((pid) => agentOf(pid) === id)
          .map((pid) => readlinkSync(`/proc/${pid}/cwd`));
        expect(cwds).toContain(worktree);
      }
      expect(await strays(world, repo, after)).toEqual([]);
      figure("R5", what, `${AGENTS} lost, ${AGENTS} back in ${(ms / 1000).toFixed(1)} s`);
    },
    120_000,
  );

  it("a reboot, what would fail for all is tried once", async () => {
    await endAll();
    world.write(join(world.fleetHome, "config.toml"), '[agents.demo]\ncommand = ["no-such-program-here"]\n', 0o600);
    const { failed, agents } = await json<{ failed: unknown[]; agents: Listed[] }>(world, repo, "resume", "try-*");
    expect({ failed: failed.length, agents: agents.length }).toEqual({ failed: 1, agents: 0 });
    figure("R5", "a failure that would hit all", "1 try");
  }, 60_000);
});
