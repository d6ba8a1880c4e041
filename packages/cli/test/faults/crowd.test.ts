import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { type Listed, listed, strays } from "./support/oracle.js";
import { figure, LONG, ROUNDS } from "./support/report.js";
import { json, type Ran, run } from "./support/run.js";

/** Many commands at the same time, each a process of its own. */
const CREATES = LONG ? 64 : 10;
const FANOUTS = LONG ? 8 : 3;
const EACH = LONG ? 10 : 5;
/** Milliseconds. */
const LIMIT = 300_000 * ROUNDS;

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("crowd");
  world.write(join(world.fleetHome, "config.toml"), '[agents.sleep]\ncommand = ["sh", "-c", "exec cat", "agent"]\n', 0o600);
  repo = world.repo("repo", { "README.md": "# A repository\n", "src/a.txt": "a\n" });
});
afterEach(() => world.dispose());

function refusals(all: readonly Ran[]): string[] {
  return all.filter(({ code }) => code !== 0).map(({ code, stdout, stderr }) => `exit ${code}: ${stdout}${stderr}`);
}

describe("many commands at once", () => {
  it(
    `${CREATES} creates: as many agents, no error, registry = git = tmux`,
    async () => {
      const ended: string[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const began = performance.now();
        const names = Array.from({ length: CREATES }, (_, i) => `r${round}-${i}`);
        const made = await Promise.all(
          names.map((name) => run(world, repo, ["create", name, "--agent", "sleep", "--prompt", "x", "--json"])),
        );
        const ms = performance.now() - began;
        const { agents } = await listed(world, repo);
        const wrong = [...refusals(made), ...(await strays(world, repo, agents, { ended }))];
        figure("R2", `${CREATES} creates at once`, `${agents.length} agents, ${wrong.length} wrong, ${(ms / 1000).toFixed(1)} s`);
        expect(wrong).toEqual([]);
        expect(agents.map(({ branch }) => branch).sort()).toEqual(names.sort());
        ended.push(...agents.map(({ id }) => id));
        const gone = await Promise.all(names.map((name) => run(world, repo, ["kill", name, "--force", "--yes", "--json"])));
        const after = await listed(world, repo);
        expect([...refusals(gone), ...(await strays(world, repo, after.agents, { ended }))]).toEqual([]);
        expect(after.agents).toEqual([]);
        figure("R2", `${CREATES} kills at once`, "0 left");
      }
    },
    LIMIT,
  );

  const BASES = [
    ["a remote-tracking branch", ["--from", "origin/main"]],
    ["HEAD", []],
  ] as const;
  it.each(LONG ? BASES : BASES.slice(0, 1))(
    `${FANOUTS} fanouts of ${EACH} from %s, then as many kills: nothing fails, nothing is left`,
    async (base, from) => {
      const origin = world.repo("origin");
      world.git(repo, "remote", "add", "origin", origin);
      world.git(repo, "fetch", "-q", "origin");
      const ended: string[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const began = performance.now();
        const fanouts = Array.from({ length: FANOUTS }, (_, i) => [
          "fanout",
          String(EACH),
          `f${round}-${i}`,
          "--agent",
          "sleep",
          "--prompt",
          "x",
        ]);
        const made = await Promise.all(
          fanouts.map((args) => json<{ batch: string; agents: Listed[]; failed: unknown[] }>(world, repo, ...args, ...from)),
        );
        const ms = performance.now() - began;
        const { agents } = await listed(world, repo);
        const wrong = [...refusals(made.map(({ ran }) => ran)), ...(await strays(world, repo, agents, { ended }))];
        figure(
          "R2",
          `${FANOUTS} fanouts of ${EACH} from ${base}`,
          `${agents.length} agents, ${wrong.length} wrong, ${(ms / 1000).toFixed(1)} s`,
        );
        expect(wrong).toEqual([]);
        expect(agents).toHaveLength(FANOUTS * EACH);
        ended.push(...agents.map(({ id }) => id));
        const gone = await Promise.all(made.map(({ batch }) => run(world, repo, ["kill", "--batch", batch, "--yes", "--json"])));
        const after = await listed(world, repo);
        const left = [...refusals(gone), ...(await strays(world, repo, after.agents, { ended }))];
        figure("R2", `${FANOUTS} kills of ${EACH} from ${base}`, `${after.agents.length} agents, ${left.length} wrong`);
        expect(left).toEqual([]);
        expect(after.agents).toEqual([]);
        expect(readFileSync(join(repo, ".git", "config"), "utf8")).not.toContain('[branch "');
      }
    },
    LIMIT,
  );

  it.each(["clean", "dirty"])("8 kills of one %s agent: it goes once, and what it held is saved whole", async (how) => {
    const { agent } = await json<{ agent: Listed }>(world, repo, "create", "a", "--agent", "sleep", "--prompt", "x");
    if (how === "dirty") world.write(join(agent.worktree, "precious.txt"), "work\n");
    const all = await Promise.all(Array.from({ length: 8 }, () => run(world, repo, ["kill", "a", "--force", "--yes", "--json"])));
    expect(all.some(({ code }) => code === 0)).toBe(true);
    // 3: it was gone already when that one looked.
    expect(refusals(all.filter(({ code }) => code !== 3))).toEqual([]);
    const after = await listed(world, repo);
    expect(await strays(world, repo, after.agents, { ended: [agent.id] })).toEqual([]);
    if (how === "clean") return;
    const back = await json<{ agent: Listed }>(world, repo, "restore", "a");
    expect(readFileSync(join(back.agent.worktree, "precious.txt"), "utf8")).toBe("work\n");
  });
});
