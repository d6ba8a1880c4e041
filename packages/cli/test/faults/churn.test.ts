import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { listed, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { run } from "./support/run.js";

const PROCESSES = LONG ? 32 : 6;
const SECONDS = LONG ? 60 : 8;
/** What may be said no to where others work on the same agents: gone, ending, still starting. */
const FAIR = new Set(["AGENT_NOT_FOUND", "PROMPT_REFUSED", "PROMPT_UNVERIFIED", "LOCKED", "AGENT_DIED"]);

let world: World;
let repo: string;
beforeEach(() => {
  world = makeWorld("churn");
  repo = world.repo();
});
afterEach(() => world.dispose());

/** The same choices each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed + 1;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * sides);
  };
}

it(`${PROCESSES} processes create, kill, prompt and list for ${SECONDS} s: git, tmux, /proc and the agents' own notes agree`, async () => {
  const until = Date.now() + SECONDS * 1000;
  const counts: Record<string, number> = {};
  const unfair: string[] = [];
  const delivered: { text: string; branch: string }[] = [];
  const refused: string[] = [];
  const prompted: string[] = [];
  const branches: string[] = [];
  const killed = new Set<string>();

  const worker = async (me: number) => {
    const roll = dice(me * 7919);
    for (let turn = 0; Date.now() < until; turn++) {
      const target = branches[roll(branches.length || 1)];
      const kind = target === undefined ? 0 : roll(10);
      const branch = `w${me}-${turn}`;
      const text = `prompt ${me} ${turn}`;
      const args =
        kind < 3
          ? ["create", branch, "--prompt", `first ${me} ${turn}`]
          : kind < 5
            ? ["kill", target as string, "--force", "--yes"]
            : kind < 8
              ? ["prompt", target as string, text]
              : ["list"];
      if (args[0] === "kill") killed.add(target as string);
      const ran = await run(world, repo, [...args, "--json"]);
      const name = args[0] as string;
      counts[name] = (counts[name] ?? 0) + 1;
      const answer = parse(ran.stdout);
      const code = answer?.error?.code;
      if (ran.code !== 0 && !FAIR.has(code ?? "")) unfair.push(`${args.join(" ")}: exit ${ran.code} ${ran.stdout}${ran.stderr}`);
      for (const warning of answer?.warnings ?? [])
        if (warning.code === "WORKTREE_GONE") unfair.push(`${args.join(" ")}: ${warning.message}`);
      if (name === "create" && ran.code === 0) branches.push(branch);
      if (name === "create" && ran.code === 0) delivered.push({ text: `first ${me} ${turn}`, branch });
      if (name === "prompt") {
        prompted.push(text);
        if (ran.code === 0) delivered.push({ text, branch: target as string });
        else if (code !== "PROMPT_UNVERIFIED") refused.push(text);
      }
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, (_, me) => worker(me)));

  const count = (text: string) => promptsTaken(world).filter((taken) => taken.text === text).length;
  const missing = () => delivered.filter(({ text, branch }) => count(text) === 0 && !killed.has(branch));
  await settle(missing, (left) => left.length === 0, 5000);
  const { agents } = await listed(world, repo);
  const kept = world
    .git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads")
    .split("\n")
    .filter((name) => killed.has(name));
  const logs = branches.length > 0 ? await idsEver() : [];
  const wrong = [
    ...unfair,
    ...(await strays(world, repo, agents, { branches: kept, ended: logs })),
    ...missing().map(({ text }) => `"${text}" was delivered and never taken`),
    ...[...prompted, ...delivered.map(({ text }) => text)].filter((text) => count(text) > 1).map((text) => `"${text}" was taken twice`),
    ...refused.filter((text) => count(text) > 0).map((text) => `"${text}" was refused and yet taken`),
  ];
  const done = Object.entries(counts).map(([name, times]) => `${times} ${name}`);
  figure("R3", `${PROCESSES} processes, ${SECONDS} s`, `${done.join(", ")}; ${delivered.length} prompts delivered, ${wrong.length} wrong`);
  expect(wrong).toEqual([]);
  expect(delivered.length).toBeGreaterThan(PROCESSES);
}, 600_000);

interface Answer {
  readonly error?: { readonly code: string };
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
}

function parse(text: string): Answer | null {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return null;
  }
}

/** Logs of agents that were killed are kept. */
async function idsEver(): Promise<string[]> {
  const { readdirSync } = await import("node:fs");
  return readdirSync(join(world.fleetHome, "logs")).map((name) => name.split(".")[0] as string);
}
