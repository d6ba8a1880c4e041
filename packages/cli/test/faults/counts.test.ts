import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CommandTrace, Fleet } from "../../../core/src/index.js";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { figure, LONG } from "./support/report.js";
import { run } from "./support/run.js";

/** How many agents are there already. */
const SIZES = LONG ? [1, 10, 100] : [1, 10];

/**
 * What a command on one agent may run at most, whatever the number of agents beside it. Some of it depends on the moment:
 * whether a program is up at the first look, whether a file moved while an agent was ended.
 */
const MOST: Readonly<Record<string, { readonly git: number; readonly tmux: number; readonly others: number }>> = {
  list: { git: 0, tmux: 1, others: 0 },
  create: { git: 3, tmux: 8, others: 4 },
  prompt: { git: 0, tmux: 4, others: 1 },
  logs: { git: 0, tmux: 2, others: 0 },
  diff: { git: 3, tmux: 1, others: 0 },
  stop: { git: 0, tmux: 7, others: 0 },
  resume: { git: 0, tmux: 8, others: 4 },
  kill: { git: 4, tmux: 6, others: 3 },
};

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("counts");
  world.write(join(world.fleetHome, "config.toml"), '[agents.reader]\ncommand = ["sh", "-c", "exec cat", "agent"]\n', 0o600);
  repo = world.repo("repo", { "README.md": "# A repository\n" });
});
afterEach(() => world.dispose());

describe("programs that are run", () => {
  it(
    "for a command on one agent are as few beside a hundred others as beside one",
    async () => {
      let programs: string[] = [];
      const onCommand = ({ argv }: CommandTrace) => programs.push(argv[0] ?? "");
      const fleet = await Fleet.open({ repo, env: { ...world.env, AIFLEET_AGENT_DEFAULT: "reader" }, onCommand });
      const seen = new Map<string, string[]>();
      const tooMany: string[] = [];
      const note = async (beside: number, name: string, work: () => Promise<unknown>) => {
        programs = [];
        await work();
        const of = (tool: string) => programs.filter((program) => program === tool).length;
        const counts = { git: of("git"), tmux: of("tmux"), others: programs.length - of("git") - of("tmux") };
        const most = MOST[name] ?? counts;
        const said = `git ${counts.git}, tmux ${counts.tmux}, others ${counts.others}`;
        if (counts.git > most.git || counts.tmux > most.tmux || counts.others > most.others)
          tooMany.push(`${name} beside ${beside}: ${said} (${programs.join(" ")})`);
        seen.set(name, [...(seen.get(name) ?? []), said]);
      };
      let there = 0;
      for (const size of SIZES) {
        await fleet.fanout({ count: size - there, prefix: `to-${size}`, prompt: "x" });
        there = size;
        await note(size, "list", () => fleet.list());
        await note(size, "create", () => fleet.createAgent({ branch: "one" }));
        await note(size, "prompt", () => fleet.prompt("one", "hello"));
        await note(size, "logs", () => fleet.logs("one"));
        await note(size, "diff", () => fleet.diff("one"));
        await note(size, "stop", () => fleet.stop("one"));
        await note(size, "resume", () => fleet.resume("one"));
        await note(size, "kill", () => fleet.kill("one"));
      }
      for (const [name, each] of seen) figure("runs", `${name} beside ${SIZES.join(", ")} others`, each.join(" · "));
      expect(tooMany).toEqual([]);
      expect(seen.size).toBe(Object.keys(MOST).length);
    },
    LONG ? 180_000 : 60_000,
  );

  it("for a fan-out check a worktree out once; the others are copied, by threads where it is worth that, in the bundle as well", async () => {
    const files = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`d${i % 50}/f${i}`, `${i}\n`]));
    const large = world.repo("large", files);
    const made = await run(world, large, ["fanout", "9", "copy", "--agent", "reader", "--prompt", "x", "--verbose"]);
    expect(made.code).toBe(0);
    const programs = made.stderr.split("\n").filter((line) => line.startsWith("+ "));
    expect(programs.filter((line) => line.startsWith("+ git reset"))).toHaveLength(1);
    expect(programs.filter((line) => line.startsWith("+ tmux")).length).toBeLessThanOrEqual(4);
    expect(
      world.git(
        join(world.fleetHome, "worktrees", readdirSync(join(world.fleetHome, "worktrees"))[0] as string, "copy-9"),
        "status",
        "--porcelain",
      ),
    ).toBe("");
  });
});
