import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTerminal, type Terminal } from "../../../core/test/agents/support/terminal.js";
import { openFleet } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { figure, LONG } from "./support/report.js";
import { fleetEnv } from "./support/run.js";

const ROUNDS = LONG ? 150 : 20;
const TERMINALS = LONG ? 20 : 2;

/** Wants pastes marked and focus reported, as coding agents do, and writes each byte it reads to a file. */
const WISHES = "stty raw -echo; printf '\\033[?2004h\\033[?1004hhere I am'";
const READER = `${WISHES}; exec tee "$OUT/$AIFLEET_BRANCH" > /dev/null`;
/** Ends in the middle of what it is told. */
const LEAVER = `${WISHES}; exec head -c 12 > "$OUT/$AIFLEET_BRANCH"`;

let world: World;
let repo: string;
let fleet: Awaited<ReturnType<typeof openFleet>>;
let server: string;
const pids = new Map<string, number>();

const serverNow = () => world.tmux("display-message", "-p", "#{pid}").trim();
const read = (branch: string) => (existsSync(join(world.root, branch)) ? readFileSync(join(world.root, branch), "utf8") : "");
const end = (branch: string) => process.kill(pids.get(branch) as number, "SIGKILL");

beforeAll(async () => {
  world = makeWorld("dying");
  repo = world.repo();
  const settings = (code: string) => ["sh", "-c", code, "agent"];
  world.write(
    join(world.fleetHome, "config.toml"),
    `[agents.reader]\ncommand = ${JSON.stringify(settings(READER))}\n[agents.leaver]\ncommand = ${JSON.stringify(settings(LEAVER))}\n`,
    0o600,
  );
  fleet = await openFleet(world, repo, { env: { OUT: world.root } });
  const branches = [
    ...Array.from({ length: ROUNDS }, (_, i) => [`p${i}`, "reader"]),
    ...Array.from({ length: ROUNDS / 2 }, (_, i) => [`s${i}`, "reader"]),
    ...Array.from({ length: ROUNDS / 4 }, (_, i) => [`l${i}`, "leaver"]),
    ...Array.from({ length: TERMINALS }, (_, i) => [`t${i}`, "reader"]),
    ["neighbour", "reader"],
  ] as [string, string][];
  const made = await fleet.multi(branches.map(([branch, adapter]) => ({ branch, adapter, prompt: "x" })));
  expect(made.failed).toEqual([]);
  const panes = new Map(
    world
      .tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid}")
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
  for (const { branch, session } of made.agents) pids.set(branch, Number(panes.get(session)));
  server = serverNow();
}, 240_000);
afterAll(async () => {
  await fleet.kill({ all: true }, { force: true });
  await world.dispose();
}, 240_000);

/** Whatever died: the server is the one it was, and the neighbour takes a prompt. */
async function allIsWell(what: string): Promise<void> {
  expect(serverNow()).toBe(server);
  const text = `after ${what}`;
  const [result] = await fleet.prompt("neighbour", text);
  expect(result).toMatchObject({ delivery: "delivered" });
  expect(read("neighbour")).toContain(`${text}\u001b[201~\r`);
}

it("a prompt to a program that dies anywhere around it harms nobody, and is never called delivered where it was not", async () => {
  const began = performance.now();
  await fleet.prompt("neighbour", "how long does it take");
  const usual = performance.now() - began;
  const count: Record<string, number> = {};
  for (let i = 0; i < ROUNDS; i += 1) {
    const branch = `p${i}`;
    const text = `round ${i} ${"lorem ".repeat(50)}`.trim();
    // From before the prompt to after it, each round a little later.
    const dying = new Promise<void>((resolve) => setTimeout(() => resolve(void end(branch)), (1.3 * usual * i) / ROUNDS));
    const delivery = await fleet.prompt(branch, text).then(
      (results) => results[0]?.delivery ?? "none",
      (error: { code?: string }) => error.code ?? String(error),
    );
    await dying;
    count[delivery] = (count[delivery] ?? 0) + 1;
    expect(["delivered", "PROMPT_REFUSED", "PROMPT_UNVERIFIED"]).toContain(delivery);
    const whole = read(branch).includes(`${text}\u001b[201~\r`);
    if (delivery === "delivered") expect({ branch, whole }).toEqual({ branch, whole: true });
    if (delivery === "PROMPT_REFUSED") expect({ branch, whole }).toEqual({ branch, whole: false });
    expect({ branch, server: serverNow() }).toEqual({ branch, server });
  }
  expect(Object.values(count).reduce((sum, one) => sum + one, 0)).toBe(ROUNDS);
  await allIsWell("prompts");
  figure("R15", `${ROUNDS} programs killed around a prompt`, `server and neighbour live; ${JSON.stringify(count)}, 0 false`);
}, 240_000);

it("a prompt in the middle of which the program ends is not delivered", async () => {
  for (let i = 0; i < ROUNDS / 4; i += 1) {
    await expect(fleet.prompt(`l${i}`, "more than twelve bytes of text")).rejects.toMatchObject({
      code: expect.stringMatching(/^PROMPT_(REFUSED|UNVERIFIED)$/),
    });
    expect(serverNow()).toBe(server);
  }
  await allIsWell("leavers");
  figure("R15", `${ROUNDS / 4} programs that end in the middle of a prompt`, "0 delivered");
}, 120_000);

it("a stop of a program that dies at the same moment ends it, and nothing else", async () => {
  for (let i = 0; i < ROUNDS / 2; i += 1) {
    const branch = `s${i}`;
    const dying = new Promise<void>((resolve) =>
      setTimeout(
        () => {
          try {
            end(branch);
          } catch {
            // The stop was first.
          }
          resolve();
        },
        i * (LONG ? 2 : 10),
      ),
    );
    await fleet.stop(branch);
    await dying;
    expect({ branch, server: serverNow() }).toEqual({ branch, server });
  }
  const statuses = new Set((await fleet.list()).filter(({ branch }) => /^s\d/.test(branch)).map(({ status }) => status));
  expect([...statuses].filter((status) => status !== "stopped" && status !== "failed")).toEqual([]);
  await allIsWell("stops");
  figure("R15", `${ROUNDS / 2} programs killed around a stop`, "server and neighbour live");
}, 240_000);

it("a terminal that watches a program die, leaves, and comes back harms nobody", async () => {
  world.write(join(world.root, "bin/fleet"), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, 0o755);
  const env = { ...fleetEnv(world), PATH: `${join(world.root, "bin")}:${world.env.PATH}`, PS1: "$ ", ENV: "/dev/null" };
  const terminal: Terminal = openTerminal(world, ["env", "-u", "TMUX", "-u", "TMUX_PANE", "sh"], repo, env);
  const prompt = (lines: readonly string[]) => lines.some((line) => line.startsWith("$"));
  await terminal.see(prompt, "a shell's prompt");
  for (let i = 0; i < TERMINALS; i += 1) {
    terminal.type(`clear; fleet attach t${i}; echo left $?`);
    terminal.press("Enter");
    await terminal.see((lines) => lines.some((line) => line.includes("here I am")), "the agent");
    end(`t${i}`);
    await settle(
      () => world.tmux("list-panes", "-a", "-F", "#{pane_pid} #{pane_dead}"),
      (text) => text.includes(`${pids.get(`t${i}`)} 1`),
    );
    terminal.press("C-q");
    await terminal.see((lines) => lines.some((line) => /^left \d/.test(line)), "the shell again");
    terminal.type(`clear; tmux -S ${join(world.fleetHome, "tmux.sock")} attach -t ${sessionOf(`t${i}`)} ';' detach; echo back $?`);
    terminal.press("Enter");
    await terminal.see((lines) => lines.some((line) => /^back \d/.test(line)), "the shell once more");
    expect(serverNow()).toBe(server);
  }
  await allIsWell("terminals");
  figure("R15", `${TERMINALS} programs killed before a terminal that left and came back`, "server and neighbour live");
}, 240_000);

function sessionOf(branch: string): string {
  const line = world
    .tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid}")
    .split("\n")
    .find((row) => row.endsWith(` ${pids.get(branch)}`));
  return line?.split(" ")[0] ?? "";
}
