import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, type World } from "../../../core/test/support/world.js";
import { agentOf, contentOf, type Listed, listed, strays } from "./support/oracle.js";
import { killServer, rewrite, writeOtherBoot } from "./support/power.js";
import { figure, LONG } from "./support/report.js";
import { json, run, runUntil } from "./support/run.js";

const AGENTS = LONG ? 12 : 3;
/** Agents come up one after the other, this far apart at least; the kernel counts in hundredths of a second. */
const SPACING_MS = 250 - 10;

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("reboot");
  repo = world.repo();
  configure("");
});
afterEach(() => world.dispose());

function configure(more: string): void {
  world.write(join(world.fleetHome, "config.toml"), `[agents.brief]\ncommand = ["true"]\n${more}`, 0o600);
}

/** A program that notes each start and dies at once while `file` is there. */
function dyingAgent(file: string): void {
  const script = 'echo start >> "$0.log"; if [ -e "$1" ]; then echo "usage limit reached"; exit 1; fi; sleep 1000';
  writeFileSync(join(world.root, "agent.sh"), script);
  configure(`[agents.brittle]\ncommand = ["sh", ${JSON.stringify(join(world.root, "agent.sh"))}, ${JSON.stringify(file)}]\n`);
}
const starts = () => readFileSync(join(world.root, "agent.sh.log"), "utf8").split("\n").length - 1;

async function statuses(): Promise<Record<string, string>> {
  return Object.fromEntries((await listed(world, repo)).agents.map(({ branch, status }) => [branch, status]));
}

/** When the programs of all agents were started, milliseconds after the boot, in order. */
function startTimes(): number[] {
  const leaders = new Map<string, number>();
  for (const pid of processesOf(world.root)) {
    const agent = agentOf(pid);
    if (agent === null) continue;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const at = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) * 10;
    leaders.set(agent, Math.min(at, leaders.get(agent) ?? Number.POSITIVE_INFINITY));
  }
  return [...leaders.values()].sort((a, b) => a - b);
}

/** A lock that was held when the power went: its pid is that of a process that lives now. */
function leaveLock(): void {
  const folder = join(world.fleetHome, "state.json.lock");
  mkdirSync(folder);
  const owner = { pid: process.pid, start: "1", boot: "00000000-0000-0000-0000-000000000000", nonce: "p1-0000000000000000" };
  const host = readFileSync("/proc/sys/kernel/hostname", "utf8").trim();
  writeFileSync(join(folder, "owner"), JSON.stringify({ ...owner, host, namespace: readlinkSync("/proc/self/ns/pid") }));
}

/** How everything can end at once. */
const ENDS: [string, () => Promise<void>][] = [
  ["tmux kill-server", async () => void world.tmux("kill-server")],
  ["SIGKILL of the tmux server", () => killServer(world, { agents: false })],
  [
    "a reboot",
    async () => {
      await killServer(world, { agents: true });
      expect(writeOtherBoot(world, repo)).toBeGreaterThan(AGENTS);
      leaveLock();
    },
  ],
];
/** What can be under way when the power goes, with about how many steps it takes. */
const MIDDLES: [string, string[], number][] = [
  ["create", ["create", "new", "--prompt", "x"], 110],
  ["kill --force", ["kill", "old", "--force", "--yes"], 110],
  ["fanout", ["fanout", "2", "new", "--prompt", "x"], 180],
  ["resume", ["resume", "halted"], 60],
];

describe("after", () => {
  it.each(LONG ? ENDS : ENDS.slice(1))(
    "%s all are lost, nothing is, and resume --all brings each back in its worktree, one after the other",
    async (what, end) => {
      await json(world, repo, "fanout", String(AGENTS), "try", "--prompt", "x [[dirty]]");
      await json(world, repo, "create", "finished", "--agent", "brief");
      await json(world, repo, "create", "halted");
      await json(world, repo, "stop", "halted");
      await json(world, repo, "wait", "try-*", "--timeout", "60");
      const was = (await listed(world, repo)).agents;
      const work = new Map(was.map(({ id, worktree }) => [id, contentOf(worktree)]));
      await end();
      await killServer(world, { agents: true });

      const { agents, ran } = await listed(world, repo);
      expect(agents.map(({ id }) => id)).toEqual(was.map(({ id }) => id));
      expect(await statuses()).toEqual({
        ...Object.fromEntries(agents.map(({ branch }) => [branch, "lost"])),
        finished: "done",
        halted: "stopped",
      });
      expect(await strays(world, repo, agents)).toEqual([]);
      figure("R5", `list after ${what}`, `${ran.ms.toFixed(0)} ms`);

      const resumed = await run(world, repo, ["resume", "--all", "--json"]);
      expect(resumed).toMatchObject({ code: 0 });
      const after = (await listed(world, repo)).agents;
      for (const { id, branch, worktree, status } of after.filter(({ branch }) => branch !== "finished")) {
        expect({ branch, alive: ["working", "idle", "waiting"].includes(status) }).toEqual({ branch, alive: true });
        expect(contentOf(worktree)).toEqual(work.get(id));
        const mine = processesOf(world.root).filter((pid) => agentOf(pid) === id);
        expect(mine.map((pid) => readlinkSync(`/proc/${pid}/cwd`))).toContain(worktree);
        expect(readFileSync(join(world.fleetHome, "logs", `${id}.log`), "utf8")).toContain("Resumed.");
      }
      const times = startTimes();
      const gaps = times.slice(1).map((at, i) => at - (times[i] as number));
      expect(gaps).toHaveLength(AGENTS);
      expect(gaps.filter((gap) => gap < SPACING_MS)).toEqual([]);
      expect(await strays(world, repo, after)).toEqual([]);
      figure("R5", what, `${AGENTS} lost, ${AGENTS} back in ${(resumed.ms / 1000).toFixed(1)} s, ${Math.min(...gaps)} ms apart at least`);
    },
    300_000,
  );

  it("a reboot pids belong to others: these are not shown, not asked and not touched", async () => {
    const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a");
    const { agent: other } = await json<{ agent: Listed }>(world, repo, "create", "b");
    await killServer(world, { agents: true });
    writeOtherBoot(world, repo);
    const stranger = spawn("sleep", ["1000"], { env: world.env, stdio: "ignore" });
    const stat = readFileSync(`/proc/${stranger.pid}/stat`, "utf8");
    const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    // Even one that was started at the same tick of its boot.
    rewrite(world, repo, (text) =>
      text.replace(/("process": ?\{\s*"pid": ?)\d+(,\s*"start": ?")\d+/g, (_, pid, began) => `${pid}${stranger.pid}${began}${start}`),
    );
    try {
      expect(await statuses()).toEqual({ a: "lost", b: "lost" });
      expect(await run(world, repo, ["resume", "a", "--json"])).toMatchObject({ code: 0 });
      expect(await run(world, repo, ["kill", "b", "--force", "--yes", "--json"])).toMatchObject({ code: 0 });
      expect(await run(world, repo, ["stop", "a", "--json"])).toMatchObject({ code: 0 });
      expect(stranger.exitCode === null && stranger.signalCode === null).toBe(true);
    } finally {
      stranger.kill("SIGKILL");
    }
    await new Promise((resolve) => stranger.once("exit", resolve));
    expect(await strays(world, repo, (await listed(world, repo)).agents, { ended: [agent.id, other.id] })).toEqual([]);
  }, 120_000);

  it.each(LONG ? MIDDLES : MIDDLES.slice(0, 2))(
    "a reboot in the middle of %s the next command undoes or finishes it",
    async (what, args, steps) => {
      const shares = LONG ? [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] : [0.6];
      for (const share of shares) {
        const made = await json<{ agent: Listed }>(world, repo, "create", "old");
        world.write(join(made.agent.worktree, "work.txt"), "mine\n");
        await json(world, repo, "create", "halted");
        await json(world, repo, "stop", "halted");
        await runUntil(world, repo, args, Math.max(1, Math.round(steps * share)));
        await killServer(world, { agents: true });
        writeOtherBoot(world, repo);
        const { agents, ran } = await listed(world, repo);
        const logs = readdirSync(join(world.fleetHome, "logs")).map((name) => name.split(".")[0] as string);
        expect(await strays(world, repo, agents, { ended: logs, commitsAlone: true, cutOff: true })).toEqual([]);
        expect(ran.ms).toBeLessThan(LONG ? 3000 : 10_000);
        if (agents.every(({ branch }) => branch !== "old"))
          expect(await run(world, repo, ["restore", "old", "--json"])).toMatchObject({ code: 0 });
        expect(readFileSync(join(made.agent.worktree, "work.txt"), "utf8")).toBe("mine\n");
        // With the branches: one that an agent has committed to would be in the next fan-out's way.
        expect(await run(world, repo, ["kill", "--all", "--force", "--yes", "--delete-branch", "--json"])).toMatchObject({ code: 0 });
      }
      figure("R5", `power lost in the middle of ${what}, ${shares.length} moments`, "undone or finished by the next command, work kept");
    },
    300_000,
  );
});

describe("resume --all", () => {
  it("starts them at a distance, however fast they come up", async () => {
    const file = join(world.root, "started");
    configure(`[agents.quick]\ncommand = ["sh", "-c", "date +%s%N >> ${file}", "quick"]\n`);
    await json(world, repo, "fanout", "3", "q", "--prompt", "x", "--agent", "quick");
    rmSync(file);
    expect(await run(world, repo, ["resume", "--all", "--json"])).toMatchObject({ code: 0 });
    const times = readFileSync(file, "utf8").trim().split("\n").map(Number);
    const gaps = times.slice(1).map((at, i) => (at - (times[i] as number)) / 1e6);
    expect(gaps).toHaveLength(2);
    expect(gaps.filter((gap) => gap < SPACING_MS)).toEqual([]);
  }, 60_000);

  it("tries once what would fail for all, names those it did not try, and goes on where it stopped", async () => {
    dyingAgent(join(world.root, "limit"));
    const { agents } = await json<{ agents: Listed[] }>(
      world,
      repo,
      "fanout",
      String(AGENTS),
      "hard",
      "--prompt",
      "x",
      "--agent",
      "brittle",
    );
    expect(starts()).toBe(AGENTS);
    await killServer(world, { agents: true });
    await listed(world, repo);

    world.write(join(world.root, "limit"), "");
    const first = await json<{ failed: { branch: string }[]; warnings: { code: string; message: string }[] }>(
      world,
      repo,
      "resume",
      "hard-*",
    );
    expect(first.ran.code).toBe(1);
    expect(starts()).toBe(AGENTS + 1);
    expect(first.failed.map(({ branch }) => branch)).toEqual(["hard-1"]);
    const said = first.warnings.find(({ code }) => code === "NOT_TRIED")?.message ?? "";
    for (const { branch } of agents.slice(1)) expect(said).toContain(branch);
    expect(await statuses()).toMatchObject(Object.fromEntries(agents.map(({ branch }) => [branch, "lost"])));

    // The one that died does not keep the others from being tried.
    const second = await json<{ failed: { branch: string }[] }>(world, repo, "resume", "hard-*");
    expect(second.failed.map(({ branch }) => branch)).toEqual(["hard-2"]);
    rmSync(join(world.root, "limit"));
    const third = await json<{ agents: Listed[]; failed: unknown[] }>(world, repo, "resume", "--all");
    expect(third).toMatchObject({ ran: { code: 0 }, failed: [] });
    expect(
      (await listed(world, repo)).agents.filter(({ branch }) => branch.startsWith("hard")).every(({ status }) => status !== "lost"),
    ).toBe(true);
    figure("R5", "a failure that would hit all", "1 try");
  }, 120_000);

  it("a missing command is found once; other programs come back all the same", async () => {
    dyingAgent(join(world.root, "limit"));
    await json(world, repo, "fanout", "2", "gone", "--prompt", "x");
    await json(world, repo, "create", "there", "--agent", "brittle");
    await killServer(world, { agents: true });
    configure(
      `[agents.demo]\ncommand = ["no-such-program-here"]\n[agents.brittle]\ncommand = ["sh", ${JSON.stringify(join(world.root, "agent.sh"))}, "/none"]\n`,
    );
    const { failed, agents, ran } = await json<{ failed: { error: { code: string } }[]; agents: Listed[] }>(world, repo, "resume", "--all");
    expect(failed.map(({ error }) => error.code)).toEqual(["AGENT_COMMAND_MISSING"]);
    expect(agents.map(({ branch }) => branch)).toEqual(["there"]);
    expect(ran.code).toBe(7);
    expect(await statuses()).toMatchObject({ "gone-1": "lost", "gone-2": "lost" });
  }, 60_000);
});
