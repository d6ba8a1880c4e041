import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type CommandTrace, localHost } from "../../src/host/local.js";
import { hostContract } from "../../src/testing/contracts/host.js";
import { makeWorld, type World } from "../support/world.js";

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});

function setUp(runner: "zx" | "spawn", more: Record<string, string> = {}, onCommand?: (trace: CommandTrace) => void) {
  const world = makeWorld("host");
  worlds.push(world);
  const folder = join(world.root, "a folder");
  mkdirSync(folder);
  return { host: localHost({ env: { ...world.env, ...more }, runner, ...(onCommand ? { onCommand } : {}) }), folder };
}

for (const runner of ["zx", "spawn"] as const) {
  describe(`a local host that runs commands through ${runner}`, () => {
    for (const contract of hostContract.cases) it(contract.name, () => contract.run(setUp(runner)));

    it("keeps a caller's GIT_* and TMUX* variables from the commands it runs", async () => {
      const { host } = setUp(runner, { GIT_DIR: "/elsewhere", TMUX: "/other,1,0", TMUX_PANE: "%1", KEPT: "yes" });
      const { stdout } = await host.run(["env"]);
      expect(stdout).toContain("KEPT=yes");
      expect(stdout).not.toMatch(/^(GIT_|TMUX)/m);
    });

    it("runs thirty commands at once without mixing them up", async () => {
      const { host } = setUp(runner);
      const results = await Promise.all(Array.from({ length: 30 }, (_, i) => host.run(["printf", "%s", `number ${i}`])));
      expect(results.map((result) => result.stdout)).toEqual(Array.from({ length: 30 }, (_, i) => `number ${i}`));
    });

    it("tells of every command with its exit code, and of one that could not start", async () => {
      const traces: CommandTrace[] = [];
      const { host } = setUp(runner, {}, (trace) => traces.push(trace));
      await host.run(["sh", "-c", "exit 7"]);
      await host.run(["no-such-program-at-all"]).catch(() => {});
      expect(traces.map(({ argv, exitCode }) => [argv[0], exitCode])).toEqual([
        ["sh", 7],
        ["no-such-program-at-all", null],
      ]);
      expect(traces[0]?.durationMs).toBeGreaterThan(0);
    });
  });
}
