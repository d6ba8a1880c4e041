import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { procfsDriver, systemInformationDriver } from "../../src/drivers/process/index.js";
import { localHost } from "../../src/host/index.js";
import type { ProcessIdentity } from "../../src/model/index.js";
import type { ProcessDriver } from "../../src/ports/index.js";
import { makeWorld, processesOf, settle, type World } from "../support/world.js";

const MARKER = ["AIFLEET_ID", "a1b2c3d4"] as const;

for (const [name, make] of [
  ["procfs", procfsDriver],
  ["systeminformation", systemInformationDriver],
] as const) {
  describe(`ending an agent's processes (${name})`, () => {
    let world: World;
    let driver: ProcessDriver;

    beforeEach(() => {
      world = makeWorld("end");
      driver = make({ host: localHost({ env: world.env }) });
    });
    afterEach(() => world.dispose());

    /** Runs a script with the marker; answers once `ready` lies in the world with the pids it wrote. */
    async function agent(script: string, count: number): Promise<{ root: ProcessIdentity; pids: number[] }> {
      const file = join(world.root, "pids");
      const child = spawn("/bin/sh", ["-c", script], {
        env: { ...world.env, [MARKER[0]]: MARKER[1], PIDS: file },
        cwd: world.root,
        stdio: "ignore",
        detached: true,
      });
      const pids = await settle(
        () => pidsIn(file),
        (found) => found.length === count,
      );
      expect(pids).toHaveLength(count);
      const root = (await driver.identify([child.pid as number])).get(child.pid as number);
      return { root: root as ProcessIdentity, pids };
    }

    it("reaches children that left the session, forked twice, ignore TERM or were suspended", async () => {
      const { root, pids } = await agent(
        [
          `setsid sh -c 'echo $$ >> "$PIDS"; exec sleep 600' &`,
          `( setsid sh -c '( trap "" TERM HUP; sh -c "echo \\$PPID" >> "$PIDS"; while :; do sleep 0.05; done ) & exit' ) &`,
          `sh -c 'trap "" TERM; echo $$ >> "$PIDS"; while :; do sleep 0.05; done' &`,
          `sh -c 'echo $$ >> "$PIDS"; kill -STOP $$; sleep 600' &`,
          "wait",
        ].join("\n"),
        4,
      );
      const began = Date.now();
      const report = await driver.endTrees([{ root, marker: MARKER }], { graceMs: 300 });
      expect(Date.now() - began).toBeLessThan(5000);
      expect(report.left).toEqual([]);
      expect(report.ended).toEqual(expect.arrayContaining(pids));
      expect(processesOf(world.root)).toEqual([]);
    });

    it("reaches what is forked while it is being ended", async () => {
      const { root } = await agent(
        `echo $$ >> "$PIDS"; trap 'for i in 1 2 3; do setsid sleep 600 & done; exit' TERM; while :; do sleep 0.02; done`,
        1,
      );
      const report = await driver.endTrees([{ root, marker: MARKER }], { graceMs: 500 });
      expect(report.left).toEqual([]);
      expect(report.ended.length).toBeGreaterThan(3);
      expect(processesOf(world.root)).toEqual([]);
    });

    it("reaches one that comes to carry the mark after it was looked at for the first time", async () => {
      const { root } = await agent(`trap '' TERM; echo $$ >> "$PIDS"; while :; do sleep 0.02; done`, 1);
      const late = spawn("/bin/sh", ["-c", `sleep 0.4; ${MARKER.join("=")} exec sleep 600`], { env: world.env, stdio: "ignore" });
      const report = await driver.endTrees([{ root, marker: MARKER }], { graceMs: 900 });
      expect(report.left).toEqual([]);
      expect(report.ended).toContain(late.pid);
      expect(processesOf(world.root)).toEqual([]);
    });

    // 400 processes one after the other, never more than two at a time: each is gone before a look at it could be followed by a signal.
    it.each([
      ["TERM", "-", 5000],
      ["KILL, since it ignores TERM", "''", 300],
    ])("reaches what forks on and on and ends itself, by a %s to its group", async (_, trap, graceMs) => {
      const { root } = await agent(
        [
          `next() { [ "$1" -gt 0 ] || { : > "$PIDS.escaped"; exit 0; }; sleep 0.005; next $(($1 - 1)) & exit 0; }`,
          `trap 'go=1' TERM; echo $$ >> "$PIDS"; while [ -z "$go" ]; do sleep 0.02; done; trap ${trap} TERM; next 400`,
        ].join("\n"),
        1,
      );
      const report = await driver.endTrees([{ root, marker: MARKER }], { graceMs });
      expect(existsSync(join(world.root, "pids.escaped"))).toBe(false);
      expect(report.left).toEqual([]);
      expect(processesOf(world.root)).toEqual([]);
    });

    it("spares a tmux server started inside, what runs in it, and everybody else's processes", async () => {
      const socket = join(world.root, "own.sock");
      const stranger = spawn("sleep", ["600"], { env: world.env, stdio: "ignore" });
      const { root } = await agent(
        `tmux -S "${socket}" new-session -d -s mine 'echo $$ >> "$PIDS"; exec sleep 600'; sh -c 'echo $$ >> "$PIDS"; exec sleep 600' & wait`,
        2,
      );
      const pids = pidsIn(join(world.root, "pids"));
      // The environment of a process in the middle of an exec reads as empty.
      const inTmux = () => pids.filter((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").includes("TMUX="));
      const inside = await settle(inTmux, (found) => found.length === 1);
      expect(inside).toHaveLength(1);
      const report = await driver.endTrees([{ root, marker: MARKER }], { graceMs: 500 });
      expect(report.left).toEqual([]);
      expect(report.ended).not.toContain(inside[0]);
      expect(await driver.identify(inside)).toHaveProperty("size", 1);
      expect(await driver.identify([stranger.pid as number])).toHaveProperty("size", 1);
      const server = Number(readFileSync(`/proc/${inside[0]}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
      expect(await driver.identify([server])).toHaveProperty("size", 1);
      stranger.kill("SIGKILL");
    });

    it("ends a root that itself runs inside a tmux server, and not its neighbours there", async () => {
      const socket = join(world.root, "fleet.sock");
      const file = join(world.root, "pids");
      const tmux = (...args: string[]) => spawn("tmux", ["-S", socket, ...args], { env: { ...world.env, PIDS: file }, stdio: "ignore" });
      tmux(
        "new-session",
        "-d",
        "-s",
        "one",
        `echo $$ >> "$PIDS"; sleep 600 & wait`,
        ";",
        "new-session",
        "-d",
        "-s",
        "two",
        `echo $$ >> "$PIDS"; exec sleep 601`,
      );
      const pids = await settle(
        () => pidsIn(file),
        (found) => found.length === 2,
      );
      const one = pids.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("wait")) as number;
      const two = pids.find((pid) => pid !== one) as number;
      const root = (await driver.identify([one])).get(one) as ProcessIdentity;
      const report = await driver.endTrees([{ root, marker: MARKER }], { graceMs: 500 });
      expect(report).toMatchObject({ left: [] });
      expect(report.ended).toContain(one);
      expect(report.ended).not.toContain(two);
      expect(await driver.identify([two])).toHaveProperty("size", 1);
    });

    it("ends neither the caller nor what it started, where the caller itself is in the tree", async () => {
      const child = spawn("sleep", ["600"], { env: world.env, stdio: "ignore" });
      expect(await driver.endTrees([{ root: await driver.self(), marker: MARKER }], { graceMs: 50 })).toEqual({ ended: [], left: [] });
      expect(await driver.identify([child.pid as number])).toHaveProperty("size", 1);
      child.kill("SIGKILL");
    });
  });
}

function pidsIn(file: string): number[] {
  try {
    return readFileSync(file, "utf8").trim().split("\n").map(Number);
  } catch {
    return [];
  }
}
