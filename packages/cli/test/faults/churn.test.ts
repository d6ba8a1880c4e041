import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { type Done, dice, History, type Told } from "./support/history.js";
import { type Listed, listed, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { run } from "./support/run.js";

const PROCESSES = LONG ? 32 : 6;
const SECONDS = LONG ? 60 : 6;
/** On a machine with much else to do it goes on for so many commands. */
const LEAST = 30;

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("churn");
  repo = world.repo();
});
afterEach(() => world.dispose());

/** What one process does next: mostly making, prompting and removing. `names`: agents that may be there. */
function choose(roll: (sides: number) => number, names: readonly string[], me: number, turn: number): string[] {
  const target = names[roll(names.length || 1)];
  const own = `w${me}-${turn}`;
  const first = ["--prompt", `first ${me} ${turn}`];
  const kind = target === undefined ? 0 : roll(20);
  // Names that many go for, beside names nobody else has.
  if (kind < 4) return ["create", own, ...first];
  if (kind < 5) return ["create", `shared-${roll(4)}`, ...first];
  if (kind < 6) return ["fanout", "2", own, ...first];
  if (kind < 9) return ["kill", target as string, "--force", "--yes"];
  if (kind < 10) return ["kill", target as string];
  if (kind < 14) return ["prompt", target as string, `later ${me} ${turn}`];
  if (kind < 15) return ["stop", target as string];
  if (kind < 17) return ["resume", target as string];
  if (kind < 18) return ["restore", target as string];
  return ["list"];
}

it.each([
  ["", 0],
  [", one in twenty killed at some instant", 20],
])(
  `${PROCESSES} processes create, kill, prompt, list, stop, resume, restore and fan out for ${SECONDS} s%s: git, tmux, /proc and the agents' own notes agree`,
  async (which, fatal) => {
    const until = Date.now() + SECONDS * 1000;
    const history = new History();
    const worker = async (me: number) => {
      const roll = dice(me * 7919 + fatal);
      for (let turn = 0; Date.now() < until || (turn < LEAST && (history.count < LEAST || history.delivered === 0)); turn++) {
        const args = choose(roll, history.names, me, turn);
        const dies = fatal > 0 && roll(fatal) === 0;
        const began = performance.now();
        const ran = await run(world, repo, [...args, "--json"], dies ? { FAULT_AFTER_MS: String(roll(1500)) } : {});
        history.add({
          args,
          began,
          ended: performance.now(),
          code: ran.code,
          signal: ran.signal,
          told: parse(ran.stdout),
          stderr: ran.stderr,
        } satisfies Done);
      }
    };
    await Promise.all(Array.from({ length: PROCESSES }, (_, me) => worker(me)));

    const texts = () => promptsTaken(world).map(({ text, cwd }) => ({ text: text ?? "", cwd }));
    await settle(
      () => history.missing(texts()),
      (left) => left.length === 0,
      5000,
    );
    const { agents } = await listed(world, repo);
    const branches = world
      .git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads")
      .split("\n")
      .filter((name) => name !== "" && history.wasRemoved(name));
    const ended = readdirSync(join(world.fleetHome, "logs")).map((name) => name.split(".")[0] as string);
    const wrong = [...history.wrong(texts()), ...(await strays(world, repo, agents as Listed[], { branches, ended }))];
    figure("R3", `${PROCESSES} processes, ${SECONDS} s${which}`, `${history.summary()}, ${wrong.length} wrong`);
    expect(wrong).toEqual([]);
    expect(history.delivered).toBeGreaterThan(0);
  },
  600_000,
);

function parse(text: string): Told | null {
  try {
    return JSON.parse(text) as Told;
  } catch {
    return null;
  }
}
