import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { agentOf, type Listed, listed, strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { json, run } from "./support/run.js";

let world: World;
let repo: string;
let outer: Listed;
let other: Listed;
beforeEach(async () => {
  world = makeWorld("inside");
  repo = world.repo();
  world.write(join(world.fleetHome, "config.toml"), '[agents.shell]\ncommand = ["sh", "-i"]\n', 0o600);
  const made = await json<{ agents: Listed[] }>(world, repo, "fanout", "1", "outer", "--agent", "shell", "--prompt", "-i");
  outer = made.agents[0] as Listed;
  other = (await json<{ agent: Listed }>(world, repo, "create", "other")).agent;
});
afterEach(() => world.dispose());

/** Types a command into the outer agent's shell. Its output and exit code go to files. */
function type(command: string): void {
  for (const name of ["out", "code"]) rmSync(join(world.root, name), { force: true });
  const line = `{ ${command}; } > '${world.root}/out' 2>&1; echo $? > '${world.root}/code'`;
  world.tmux("send-keys", "-t", `=${outer.session}:`, "-l", line);
  world.tmux("send-keys", "-t", `=${outer.session}:`, "Enter");
}

const read = (name: string): string => {
  try {
    return readFileSync(join(world.root, name), "utf8");
  } catch {
    return "";
  }
};

/** Runs `fleet` in the outer agent's shell, to its end. */
async function inside(...args: string[]): Promise<{ code: number; out: string }> {
  type(`AIFLEET_AGENT_DEFAULT=demo DEMO_AGENT_SPEED=0 '${process.execPath}' '${BIN}' ${args.map((arg) => `'${arg}'`).join(" ")}`);
  await settle(
    () => read("code"),
    (text) => text !== "",
    20_000,
  );
  return { code: Number(read("code")), out: read("out") };
}

/** The variables of fleet's and of tmux's that the programs of an agent carry, without those that say the same. */
function markersOf(id: string): string[] {
  const texts = processesOf(world.root)
    .filter((pid) => agentOf(pid) === id)
    .flatMap((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").split("\0"));
  return [...new Set(texts.filter((entry) => /^(AIFLEET_|TMUX)/.test(entry)))].sort();
}

const branches = async (): Promise<string[]> => (await listed(world, repo)).agents.map(({ branch }) => branch).sort();

/** Makes an agent of another home from inside the outer one; its id. */
async function makeFar(home: string): Promise<string> {
  type(`AI_FLEET_HOME='${home}' '${process.execPath}' '${BIN}' create far --agent demo --prompt '[[spawn]]' --json`);
  await settle(
    () => read("code"),
    (text) => text !== "",
    20_000,
  );
  expect(read("code")).toBe("0\n");
  return (JSON.parse(read("out")) as { agent: Listed }).agent.id;
}

describe("fleet in an agent's own terminal", () => {
  it("lists, makes and kills other agents as anywhere; theirs are not taken for the outer one's", async () => {
    expect(await inside("list", "--json")).toMatchObject({ code: 0, out: expect.stringContaining('"other"') });
    const made = await inside("create", "inner", "--prompt", "x [[spawn]]", "--json");
    expect(made).toMatchObject({ code: 0 });
    const inner = (JSON.parse(made.out) as { agent: Listed }).agent;
    await json(world, repo, "wait", "inner", "--timeout", "60");
    const own = [`AIFLEET_BRANCH=inner`, `AIFLEET_ID=${inner.id}`, `AIFLEET_REPO=${repo}`, `AIFLEET_WORKTREE=${inner.worktree}`];
    expect(markersOf(inner.id).filter((entry) => !entry.startsWith("AIFLEET_AGENT_DEFAULT="))).toEqual(own);
    // One that another home's server runs: it was started from inside, with all that the outer agent hands down.
    const far = { AI_FLEET_HOME: join(world.root, "far-home") };
    const farId = LONG ? await makeFar(far.AI_FLEET_HOME) : null;

    expect(await inside("kill", "other", "--force", "--yes")).toMatchObject({ code: 0 });
    expect(await branches()).toEqual(["inner", outer.branch]);
    const pidsOf = (id: string | null) => (id === null ? [] : processesOf(world.root).filter((pid) => agentOf(pid) === id));
    const [innerPids, farPids] = [inner.id, farId].map(pidsOf);
    expect(await run(world, repo, ["kill", outer.branch, "--force", "--yes"])).toMatchObject({ code: 0 });
    expect([inner.id, farId].map(pidsOf)).toEqual([innerPids, farPids]);
    expect(innerPids?.length).toBeGreaterThan(1);
    const { agents } = await listed(world, repo);
    expect(agents).toMatchObject([{ branch: "inner", status: "idle" }]);
    if (farId !== null) expect(await run(world, repo, ["kill", "--all", "--force", "--yes"], far)).toMatchObject({ code: 0 });
    const ended = [outer.id, other.id];
    expect(await strays(world, repo, agents, { branches: farId === null ? [] : ["far"], ended })).toEqual([]);
    expect(await run(world, repo, ["kill", "--all", "--force", "--yes"])).toMatchObject({ code: 0 });
    figure("R11", "agents made from inside another one, here and in another home, when that is killed", "live on");
  }, 60_000);

  const KILLS: readonly (readonly [string, () => string[], string[]])[] = [
    ["its own agent", () => [outer.branch, "--force", "--yes"], ["other"]],
    ["all agents, its own among them", () => ["--all", "--force", "--yes"], []],
  ];
  it.each(LONG ? KILLS : KILLS.slice(0, 1))("kills %s, and does not fall with it", async (_, args, left) => {
    type(`'${process.execPath}' '${BIN}' kill ${args().join(" ")}`);
    const ends = () => processesOf(world.root).filter((pid) => agentOf(pid) === outer.id);
    expect(await settle(ends, (pids) => pids.length === 0, 15_000)).toEqual([]);
    expect(read("out")).toContain(`${outer.branch} killed`);
    expect(read("out")).not.toMatch(/error|Assertion|Node\.js/);
    expect(await branches()).toEqual(left);
    expect(await strays(world, repo, (await listed(world, repo)).agents, { ended: [outer.id, other.id] })).toEqual([]);
  });
});
