// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are texts for a shell
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkBranchName } from "../../../core/src/drivers/git/branch-name.js";
import { ERROR_CODES, Fleet, type FleetOpenOptions, isFleetError, type Task } from "../../../core/src/index.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { tasksOfText } from "../../src/input/tasks.js";
import { fleet as command, type Ran } from "../support/cli.js";
import { HOSTILE, LONG_PROMPTS, NO_UTF8, places, RAW, sung, withCanary } from "./support/hostile.js";
import { strays } from "./support/oracle.js";
import { figure, LONG } from "./support/report.js";
import { fleetEnv } from "./support/run.js";

/** Every hostile text through every input. The short form deals the texts out among like inputs; the long one tries each at each. */
let world: World;
let repo: string;
let taken: string;
let before: string[];

beforeAll(() => {
  world = withCanary(makeWorld("hostile"));
  taken = join(world.root, "taken");
  mkdirSync(taken);
  // Agents that write down what they were given, by their id: as an argument, as a file, and as keys.
  const note = 'printf %s "$AIFLEET_BRANCH" > "$TAKEN/$AIFLEET_ID.branch"';
  const keys = "stty raw -echo; printf '\\033[?2004hREADY'; exec cat > \"$TAKEN/$AIFLEET_ID.keys\"";
  world.write(
    join(world.fleetHome, "config.toml"),
    [
      ["argv", `${note}; printf %s "$1" > "$TAKEN/$AIFLEET_ID.prompt"; exec cat`, ""],
      ["file", `${note}; cat -- "$1" > "$TAKEN/$AIFLEET_ID.prompt"; exec cat`, '"{prompt_file}"'],
      ["paste", `${note}; ${keys}`, ""],
    ]
      .map(
        ([name, script, more]) =>
          `[agents.${name}]\ncommand = ["/bin/sh", "-c", ${JSON.stringify(script)}, "agent"${more === "" ? "" : `, ${more}`}]\nprompt_via = "${name}"\n` +
          `env = { TAKEN = ${JSON.stringify(taken)} }\n${name === "paste" ? 'patterns = { idle = "READY" }\n' : ""}`,
      )
      .join("\n"),
    0o600,
  );
  repo = world.repo();
  before = places(world);
});
afterAll(async () => {
  await open().then((fleet) => fleet.kill({ all: true }, { force: true, deleteBranch: true }));
  const left = await strays(world, repo, []);
  const ran = sung(world);
  const made = places(world).filter((path) => !before.includes(path) && !path.startsWith(taken));
  await world.dispose();
  // Whatever was tried above: nothing of it ran, and nothing of it lies anywhere.
  // A deleted branch's own commits are kept without a folder.
  const amiss = left.filter((what) => !/logs\/|^trash\/\w+ without its folder$/.test(what));
  expect({ ran, made, left: amiss }).toEqual({ ran: [], made: [], left: [] });
  expect(existsSync("/tmp/fleet-hostile-outside")).toBe(false);
  figure("R6", "hostile texts", `${HOSTILE.length} texts, ${tries} tries, 0 canaries, 0 files outside`);
}, 120_000);

let tries = 0;
const agentEnv = () => ({ ...fleetEnv(world), DEMO_AGENT_LOG: join(taken, "prompts.jsonl") });
const open = (folder = repo, options: Partial<FleetOpenOptions> = {}) =>
  Fleet.open({ repo: folder, env: agentEnv(), settings: { "agent.default": "argv" }, ...options });
const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);

function isBranch(text: string): boolean {
  try {
    checkBranchName(text);
    return true;
  } catch {
    return false;
  }
}

const isPrompt = (text: string) =>
  text.trim() !== "" && !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text) && !/[\ud800-\udfff]/u.test(text);

/** Tries a text; an error must be one of ours, with one of these codes. Null: it was taken. */
async function tried(what: string, text: string, work: () => Promise<unknown>, codes: readonly string[]): Promise<string | null> {
  tries++;
  try {
    await work();
    return null;
  } catch (error) {
    if (!isFleetError(error)) throw new Error(`${what} ${shown(text)} threw ${String(error)}`);
    if (!codes.includes(error.code)) throw new Error(`${what} ${shown(text)}: ${error.code} ${error.message}`);
    return error.code;
  }
}

/** Which of the texts go to the input of this number: all of them, or their share. */
const share = (number: number, of: number) => (LONG ? HOSTILE : HOSTILE.filter((_, at) => at % (3 * of) === number));

/** Branches that can stand beside each other. */
function neighbours(names: readonly string[]): string[] {
  const taken = new Set<string>(["main"]);
  const folders = new Set<string>();
  const foldersOf = (name: string) =>
    name
      .split("/")
      .slice(1)
      .map((_, at, _parts) =>
        name
          .split("/")
          .slice(0, at + 1)
          .join("/"),
      );
  return names.filter((name) => {
    if (taken.has(name) || folders.has(name) || foldersOf(name).some((folder) => taken.has(folder))) return false;
    taken.add(name);
    for (const folder of foldersOf(name)) folders.add(folder);
    return true;
  });
}

const LIMIT_MS = LONG ? 3_600_000 : 120_000;

describe("a hostile text as", { timeout: LIMIT_MS }, () => {
  it("a branch is refused by its reason, in every command that makes one, before anything is done", async () => {
    const fleet = await open();
    const bad = HOSTILE.filter((text) => !isBranch(text));
    for (const branch of bad) {
      for (const make of [
        () => fleet.createAgent({ branch, prompt: "x" }),
        () => fleet.multi([{ branch, prompt: "x" }]),
        ...(isBranch(`${branch}-1`) ? [] : [() => fleet.fanout({ count: 2, prefix: branch, prompt: "x" })]),
      ])
        expect(await tried("branch", branch, make, ["INVALID_BRANCH"]), shown(branch)).toBe("INVALID_BRANCH");
    }
    figure("R6", "texts that are no branch", `${bad.length} refused`);
  });

  it("the name of an agent finds that agent and no other, also where it looks like a glob", async () => {
    const fleet = await open();
    const names = ["a#(canary)", "$(canary)", "demo"];
    await fleet.multi(names.map((branch) => ({ branch, prompt: "x" })));
    const there = new Set(names);
    for (const name of there) expect((await fleet.agent(name)).branch).toBe(name);
    for (const [number, find] of [
      (name: string) => fleet.agent(name),
      (name: string) => fleet.logs(name),
      (name: string) => fleet.diff(name),
      (name: string) => fleet.attachCommand(name),
      (name: string) => fleet.stop(name),
      (name: string) => fleet.resume(name),
      (name: string) => fleet.kill(name),
      (name: string) => fleet.prompt(name, "x"),
      (name: string) => fleet.exec(name, ["canary"]),
      (name: string) => fleet.wait(name, { for: "ended", timeout: 60_000 }),
      (name: string) => fleet.restore(name),
      (name: string) => fleet.kill({ batch: name }),
      (name: string) => fleet.list({ batch: name }),
      (name: string) => fleet.list({ status: name as never }),
    ].entries()) {
      for (const name of share(number, 40)) {
        // A glob means those it matches, and they are to stay here.
        if (there.has(name) || /[*?]/.test(name)) continue;
        expect(await tried("target", name, () => find(name), ["AGENT_NOT_FOUND", "BATCH_NOT_FOUND", "USAGE"]), shown(name)).not.toBeNull();
      }
    }
    expect((await fleet.list()).map(({ branch }) => branch)).toEqual(names);
    await fleet.kill({ all: true }, { deleteBranch: true });
  });

  it("a ref, an adapter or a template names none, and makes nothing", async () => {
    const fleet = await open();
    const refs = world.git(repo, "for-each-ref");
    for (const [number, make] of [
      (text: string) => fleet.createAgent({ branch: "new", from: text }),
      (text: string) => fleet.createAgent({ branch: "new", adapter: text }),
      (text: string) => fleet.createAgent({ branch: "new", template: text }),
    ].entries()) {
      for (const text of share(number, 3)) {
        const codes = ["REF_NOT_FOUND", "CONFIG_INVALID", "USAGE", "AGENT_COMMAND_MISSING"];
        const code = await tried(["from", "agent", "template"][number] as string, text, () => make(text), codes);
        // Some are names of commits after all; what they make goes again.
        if (code === null) await fleet.kill("new", { force: true, deleteBranch: true });
      }
    }
    expect(world.git(repo, "for-each-ref")).toBe(refs);
  });

  it("a branch and a first prompt makes the agent of that branch, which is given the prompt byte for byte", async () => {
    const names = neighbours(HOSTILE.filter(isBranch)).filter((_, at) => LONG || at % 12 === 0);
    const prompts = HOSTILE.filter(isPrompt).filter((_, at) => LONG || at % 6 === 1);
    const tasks: Task[] = names.map((branch, at) => {
      // What reads keys needs most time: each tenth of them.
      const adapter = at % 10 === 0 ? "paste" : at % 2 === 0 ? "file" : "argv";
      const long = at === 0 ? LONG_PROMPTS[1] : at === 2 ? LONG_PROMPTS[0] : undefined;
      return { branch, adapter, prompt: long ?? prompts[prompts.length - 1 - (at % prompts.length)] ?? "" };
    });
    const fleet = await open();
    const { agents, failed } = await fleet.multi(tasks);
    expect(failed.map(({ branch, error }) => `${shown(branch)} ${error.message}`)).toEqual([]);
    tries += tasks.length * 2;
    for (const [at, agent] of agents.entries()) {
      const { branch, adapter, prompt } = tasks[at] as Task;
      expect(agent.branch).toBe(branch);
      expect(readFileSync(join(taken, `${agent.id}.branch`), "utf8")).toBe(branch);
      expect(world.git(agent.worktree, "symbolic-ref", "HEAD").replace(/\n$/, "")).toBe(`refs/heads/${branch}`);
      expect(agent.info.session).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(agent.worktree.slice(world.fleetHome.length)).toMatch(/^\/worktrees\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]{1,80}$/);
      if (adapter === "paste") await expectKeys(agent.id, prompt);
      else expect(readFileSync(join(taken, `${agent.id}.prompt`), "utf8") === prompt, shown(prompt)).toBe(true);
    }
    const folders = agents.map(({ worktree }) => worktree.toLowerCase());
    expect(new Set(folders).size).toBe(folders.length);
    expect((await fleet.list()).map(({ branch }) => branch).sort()).toEqual([...names].sort());
    for (const name of names.filter((_, at) => LONG || at % 4 === 0)) expect((await fleet.agent(name)).branch).toBe(name);
    const { killed, refused } = await fleet.kill({ all: true }, { deleteBranch: true });
    expect([killed.length, refused]).toEqual([names.length, []]);
    figure("R6", "branches with first prompts", `${names.length} agents, each prompt byte for byte`);
  });

  it("a prompt for a live agent arrives byte for byte or is refused", async () => {
    const fleet = await open();
    const agent = await fleet.createAgent({ branch: "reader", adapter: "paste" });
    const file = join(taken, `${agent.id}.keys`);
    let delivered = 0;
    for (const text of [...HOSTILE.filter((one, at) => LONG || !isPrompt(one) || at % 20 === 0), ...LONG_PROMPTS]) {
      const from = statSync(file).size;
      const code = await tried("prompt", text, () => fleet.prompt("reader", text), ["PROMPT_REFUSED", "USAGE"]);
      expect(code === null, `${shown(text)} ${code}`).toBe(isPrompt(text));
      if (code !== null) expect(statSync(file).size).toBe(from);
      else {
        delivered++;
        await expectKeys(agent.id, text, from);
      }
    }
    figure("R6", "prompts to a live agent", `${delivered} byte for byte, the rest refused`);
  });

  it("an argument, a flag or a variable reaches the program exactly", async () => {
    // {prompt_file} in a flag stands for the prompt's file.
    const words = HOSTILE.filter((text) => !text.includes("\0") && !/[\ud800-\udfff]/u.test(text) && text !== "{prompt_file}");
    const env = Object.fromEntries(words.map((text, at) => [`HOSTILE_${at}`, text]));
    const out = join(taken, "exact");
    const script = `for one; do printf '%s\\0' "$one"; done > '${out}.argv'; env -0 > '${out}.env.new'; mv '${out}.env.new' '${out}.env'; exec sleep 1000`;
    const settings = { "agents.exact.command": ["/bin/sh", "-c", script, "agent"], "agents.exact.flags": words, "agents.exact.env": env };
    const fleet = await open(repo, { settings });
    await fleet.createAgent({ branch: "exact", adapter: "exact" });
    await settle(() => existsSync(`${out}.env`), Boolean);
    const argv = readFileSync(`${out}.argv`, "utf8").split("\0").slice(0, -1);
    expect(argv.map(shown)).toEqual(words.map(shown));
    const there = new Map(
      readFileSync(`${out}.env`, "utf8")
        .split("\0")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    for (const [name, value] of Object.entries(env)) expect(shown(there.get(name) ?? "missing")).toBe(shown(value));
    let printed = "";
    await fleet.exec("exact", ["printf", "%s\\0", ...words], { onLine: ({ text }) => (printed += `${printed === "" ? "" : "\n"}${text}`) });
    expect(printed.split("\0").slice(0, -1).map(shown)).toEqual(words.map(shown));
    tries += words.length * 3;
    figure("R6", "arguments, flags, variables, exec", `${words.length} of each exact`);
  });

  it("a setting, from a file, a variable, a flag or `config set`, is refused with its key or stays one value", async () => {
    const probe = await open();
    const keys = probe.configValues().map(({ key }) => key);
    const codes = ["CONFIG_INVALID"];
    const { loadConfig, setConfigValue, homePaths } = await import("../../../core/src/config/index.js");
    const { toToml } = await import("../../../core/src/config/first-file.js");
    const paths = homePaths(join(world.root, "taken", "home"));
    for (const [number, key] of keys.entries()) {
      for (const text of share(number % 12, 12)) {
        const load = (more: object) => loadConfig({ paths, env: world.env, repo: null, ...more });
        await tried(`flag ${key}`, text, () => load({ settings: { [key]: text } }), codes);
        const variable = `AIFLEET_${key.toUpperCase().replaceAll(/[.-]/g, "_")}`;
        if (!text.includes("\0")) await tried(variable, text, () => load({ env: { ...world.env, [variable]: text } }), codes);
        const [section, ...rest] = key.split(".");
        world.write(paths.config, `[${section}]\n${rest.join(".")} = ${toToml(text)}\n`);
        await tried(`file ${key}`, text, () => load({}), codes);
      }
    }
    // Through the file and back: one key, this value, and every other line as it was.
    const file = join(world.root, "taken", "set.toml");
    const first = "# mine\n[templates.t]\nagent = 'x' # stays\n";
    for (const text of share(0, 4)) {
      world.write(file, first);
      const code = await tried(
        "config set",
        text,
        () => setConfigValue(file, "templates.t.prompt", JSON.stringify(text).replaceAll("\x7f", "\\u007f")),
        codes,
      );
      const { config } = await loadConfig({ paths: { ...paths, config: file }, env: world.env, repo: null });
      expect(readFileSync(file, "utf8")).toContain("# mine");
      expect(Object.keys(config.templates)).toEqual(["t"]);
      if (code === null && !/[\ud800-\udfff]/u.test(text)) expect(config.templates.t?.prompt, shown(text)).toBe(text);
    }
    figure("R6", "settings", `${keys.length} keys by file, variable and flag`);
  });

  it("a task's branch or prompt comes out of a task file as it was, and a hostile key is named", async () => {
    const { toToml } = await import("../../../core/src/config/first-file.js");
    for (const text of HOSTILE) {
      if (text.trim() === "") continue;
      const wanted = [{ branch: text, prompt: text }];
      const pick = (tasks: readonly Task[]) => tasks.map(({ branch, prompt }) => ({ branch, prompt }));
      expect(pick(await tasksOfText(JSON.stringify(wanted), "t.json")), shown(text)).toEqual(wanted);
      if (!/[\ud800-\udfff]/u.test(text)) {
        const toml = `[[task]]\nbranch = ${toToml(text)}\nprompt = ${toToml(text)}\n`;
        expect(pick(await tasksOfText(toml, "t.toml")), shown(text)).toEqual(wanted);
      }
      if (["branch", "prompt", "agent", "from", "template"].includes(text)) continue;
      await expect(tasksOfText(`[{"branch": "b", "prompt": "p", ${JSON.stringify(text)}: "x"}]`, "t.json")).rejects.toMatchObject({
        code: "USAGE",
      });
      tries += 3;
    }
  });

  it("the name of a credential file: copied 0600, and kept out of what an agent commits", async () => {
    const names = HOSTILE.filter(
      (name) =>
        /^[^\0/]+$/.test(name) && ![".", "..", ".git"].includes(name) && Buffer.byteLength(name) <= 255 && !/[\ud800-\udfff]/u.test(name),
    );
    const other = world.repo("secrets");
    for (const name of names) world.write(join(other, "creds", name), `secret ${name}`, 0o644);
    const fleet = await open(other, { settings: { "agent.default": "argv", "setup.credential_files": ["creds/**"] } });
    const agent = await fleet.createAgent({ branch: "keeper" });
    expect(readdirSync(join(agent.worktree, "creds")).sort()).toEqual(readdirSync(join(other, "creds")).sort());
    for (const name of names) expect(statSync(join(agent.worktree, "creds", name)).mode & 0o777).toBe(0o600);
    world.git(agent.worktree, "add", "-A");
    expect(world.git(agent.worktree, "diff", "--cached", "--name-only")).toBe("");
    // And each by its own name, as a pattern.
    const literal = names
      .filter((name) => name.trim() !== "" && !name.startsWith("~") && !/[*?[]/.test(name))
      .map((name) => `creds/${name}`);
    const second = await (await open(other, { settings: { "agent.default": "argv", "setup.credential_files": literal } })).createAgent({
      branch: "second",
    });
    expect(readdirSync(join(second.worktree, "creds")).length).toBe(literal.length);
    await fleet.kill({ all: true }, { force: true, deleteBranch: true });
    rmSync(other, { recursive: true });
    tries += names.length * 2;
    figure("R6", "credential files", `${names.length} names copied, none committed`);
  });
});

/** A command line: whatever comes of it, it is said in few words, in none that a terminal would obey, and in JSON where that is asked for. */
async function said(args: readonly string[], options: { env?: Record<string, string>; cwd?: string; input?: string } = {}): Promise<Ran> {
  tries++;
  const ran = await command(args, { cwd: options.cwd ?? repo, env: { ...agentEnv(), ...options.env }, input: options.input ?? "" });
  const what = JSON.stringify({
    args: args.map((text) => text.slice(0, 60)),
    ...ran,
    stdout: ran.stdout.slice(0, 600),
    stderr: ran.stderr.slice(0, 600),
  });
  expect(RAW.test(ran.stdout + ran.stderr), what).toBe(false);
  expect([0, 1, 2, 3, 4, 5, 6, 7], what).toContain(ran.code);
  const isHelp = args.some((word) => word === "-h" || word === "--help" || word === "help");
  if (isHelp && ran.code === 0) return ran;
  if (args.includes("--json") && args.indexOf("--json") < (args.includes("--") ? args.indexOf("--") : args.length)) {
    const { error } = JSON.parse(ran.stdout) as { error?: { code: keyof typeof ERROR_CODES } };
    if (error !== undefined) expect(ERROR_CODES[error.code].exit, what).toBe(ran.code);
  } else if (ran.code !== 0 && ran.code !== 7) {
    expect(ran.stderr, what).toMatch(/^(\S+: .+\n)*error: .+\n( {2}.*\n)*(hint: .+\n)?$/);
    expect(ran.stderr.length, what).toBeLessThan(3000);
  }
  return ran;
}

describe("the command line, given a hostile text", { timeout: LIMIT_MS }, () => {
  it("says so in a line or does it, and prints nothing a terminal would obey", async () => {
    await said(["create", "a-there", "--prompt", "x"]);
    const shapes: ((text: string) => readonly string[])[] = [
      (text) => ["create", text, "--prompt", "x"],
      (text) => ["create", "new", "--from", text],
      (text) => ["create", "new", "--agent", text],
      (text) => ["create", "new", "--template", text],
      (text) => ["create", "new", "--prompt-file", text],
      (text) => ["fanout", text, "--prompt", "x"],
      (text) => ["fanout", "1", text, "--prompt", "x"],
      (text) => ["multi", text],
      (text) => ["multi", "--file", text],
      (text) => ["prompt", text, "x"],
      (text) => ["logs", text],
      (text) => ["logs", "a-there", "-n", text],
      (text) => ["path", text],
      (text) => ["wait", text, "--timeout", "5"],
      (text) => ["wait", "a-there", "--timeout", text],
      (text) => ["exec", text, "--", "true"],
      (text) => ["exec", "a-there", "--", text],
      (text) => ["kill", text],
      (text) => ["kill", "--batch", text, "--yes"],
      (text) => ["restore", text],
      (text) => ["config", "get", text],
      (text) => ["config", "set", text, "x"],
      (text) => ["config", "set", "agent.default", text],
      (text) => ["list", "--status", text],
      (text) => ["list", "--repo", text],
      (text) => ["completion", text],
      (text) => ["init", "--type", text],
      (text) => [text],
      (text) => ["create", "new", `--${text}`],
    ];
    // What prints worst goes to every input; in the long form so does much of the rest.
    const worst = ["\u001b[31mred", "\u009b31m", "\u202eabc", "\n$(canary)\n", "\u001b]52;c;Y2FuYXJ5\u0007", "x".repeat(4096), "#(canary)"];
    for (const [number, shape] of shapes.entries()) {
      // Each command line is a program of its own: in the short form each second shape is tried, with one text.
      const all = LONG ? [...worst, ...HOSTILE.filter((_, at) => at % 10 === number % 10)] : worst;
      const texts = LONG ? all : all.filter((_, at) => number % 2 === 1 && at === number % worst.length);
      for (const [at, text] of texts.entries()) {
        if (text.includes("\0") || /[\ud800-\udfff]/u.test(text)) continue;
        const args = shape(text);
        await said((at + (number >> 1)) % 2 === 0 ? args : [args[0] as string, "--json", ...args.slice(1)]);
      }
    }
    const fleet = await open();
    for (const { branch } of await fleet.list()) if (branch !== "a-there") await fleet.kill(branch, { force: true, deleteBranch: true });
    // A branch with the commits of an agent that was killed without a word on it is kept.
    const refs = world.git(repo, "for-each-ref", "--format=%(refname)", "refs/heads").split("\n").filter(Boolean);
    for (const ref of refs) if (!/\/(main|a-there)$/.test(ref)) world.git(repo, "update-ref", "-d", ref);
    expect(world.git(repo, "status", "--porcelain")).toBe("");
  });

  it("that comes out of git, an agent, a setup command or an old name shows it harmless", async () => {
    const codes = "\\033[31m\\033]0;title\\007\\302\\2332J\\342\\200\\256";
    const print = `printf '${codes}\\n'`;
    await said(["create", "c\u009b31m-\u202e-x", "--prompt", "\u009b31m".slice(1)]);
    await said(["create", "fails", "--prompt", "x"], { env: { AIFLEET_SETUP_COMMANDS: `${print}; ${print} >&2; exit 3` } });
    await said(["create", "dies", "--agent", "dies"], {
      env: { AIFLEET_AGENTS_DIES_COMMAND: JSON.stringify(["sh", "-c", `${print}; exit 4`]) },
    });
    const talks = {
      AIFLEET_AGENTS_TALKS_COMMAND: JSON.stringify(["sh", "-c", `printf '\\033]0;ti\\302\\2331mtle\\007'; ${print}; exec sleep 1000`]),
    };
    await said(["create", "talks", "--agent", "talks"], { env: talks });
    world.git(repo, "update-ref", "refs/remotes/origin/\u202e\u009b31m", "HEAD");
    for (const args of [
      ["list"],
      ["list", "--json", "--changes"],
      ["list", "--grouped", "--verbose"],
      ["logs", "talks"],
      ["logs", "talks", "--json"],
      ["prompt", "c*", "x"],
      ["create", "\u202e\u009b31m"],
      ["wait", "c*", "--timeout", "10"],
      ["__complete", "--", "kill", ""],
      ["kill", "--all", "--force", "--delete-branch", "--yes"],
      ["restore", "--list"],
      ["config", "show", "--show-origin"],
    ])
      await said(args, { env: talks });
  });

  it("of bytes that are no UTF-8 refuses it: it would arrive as another", async () => {
    const { execFileSync } = await import("node:child_process");
    const { BIN } = await import("../support/cli.js");
    const run = (script: string, input: Buffer) => {
      try {
        const env = { ...agentEnv(), NODE: process.execPath, BIN };
        return {
          code: 0,
          stderr: execFileSync("sh", ["-c", script], { cwd: repo, env, input, stdio: ["pipe", "ignore", "pipe"] }).toString(),
        };
      } catch (error) {
        const { status, stderr } = error as { status: number; stderr: Buffer };
        return { code: status, stderr: stderr.toString() };
      }
    };
    for (const [at, bytes] of NO_UTF8.entries()) {
      const scripts = [
        '"$NODE" "$BIN" create new --prompt-file -',
        '"$NODE" "$BIN" multi --file -',
        ...(bytes.includes(0) ? [] : ['"$NODE" "$BIN" create new --prompt "$(cat)"']),
      ];
      for (const script of scripts.filter((_, number) => LONG || number === at % scripts.length)) {
        tries++;
        expect({ script, bytes: bytes.toString("hex"), ...run(script, bytes) }).toMatchObject({
          code: 2,
          stderr: expect.stringContaining("UTF-8"),
        });
      }
    }
  });
});

describe("a hostile place", { timeout: LIMIT_MS }, () => {
  const names = [
    "-x --exec=canary #(canary)$(canary);canary;'\"`canary`\u001b[31m\t%H#{pane_id}~*?[a]{b,c}\\\u202e日本\u{1f680} ",
    ...(LONG
      ? [
          "a\n$(canary)\nb",
          ...HOSTILE.filter(
            (name) => /^[^\0/]+$/.test(name) && !/^\.\.?$|[\ud800-\udfff]/u.test(name) && name !== ".git" && Buffer.byteLength(name) < 200,
          ),
        ]
      : []),
  ];

  it.each(names)("that holds the repository, the home, the worktrees and the temporary files: %j", async (name) => {
    const place = join(world.root, "taken", name);
    const there = join(place, name);
    mkdirSync(join(place, "tmp"), { recursive: true });
    world.git(world.root, "init", "-q", there);
    world.write(join(there, name), "x");
    world.git(there, "add", "-A");
    world.git(there, "commit", "-q", "--allow-empty-message", "-m", name);
    const env = {
      ...agentEnv(),
      AI_FLEET_HOME: join(place, "home"),
      TMPDIR: join(place, "tmp"),
      // A setting is one line.
      ...(/[\r\n]/.test(name) ? {} : { AIFLEET_WORKTREE_ROOT: join(place, "trees") }),
    };
    const settings = {
      "agents.keys.command": ["/bin/sh", "-c", "stty raw -echo; printf '\\033[?2004hREADY'; exec cat > keys", "keys"],
      "agents.keys.patterns.idle": "READY",
    };
    const fleet = await Fleet.open({ repo: there, env, settings });
    const agent = await fleet.createAgent({ branch: "a", adapter: "keys" });
    await fleet.prompt("a", name.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "").trim() || "x");
    expect((await fleet.list({ changes: true })).map(({ branch, repo, dirty }) => [branch, repo, dirty])).toEqual([["a", there, true]]);
    expect(await fleet.diff("a")).toContain("+");
    expect((await fleet.logs("a")).join("")).toContain("READY");
    const second = await said(["list"], { cwd: there, env });
    expect(second.code).toBe(0);
    const { killed } = await fleet.kill("a", { force: true });
    expect(killed[0]?.saved).not.toBeNull();
    await fleet.restore("a");
    await fleet.resume("a");
    expect(readFileSync(join(agent.worktree, name), "utf8")).toBe("x");
    await fleet.kill("a", { force: true });
    expect(world.git(there, "worktree", "list", "--porcelain").match(/^worktree /gm)).toHaveLength(1);
    rmSync(place, { recursive: true });
    tries += 10;
    figure("R6", `a repository, home, worktree root and TMPDIR called ${shown(name)}`, "works");
  });

  it("that is a remote's name or address is never run: nothing is asked of a remote", async () => {
    const other = world.repo("remotes");
    const remotes = ["o$(canary);`canary`", "--upload-pack=canary", "origin"];
    for (const [at, name] of remotes.entries()) {
      const lines = [
        'url = "ext::sh -c canary% x"',
        "uploadpack = canary",
        'proxy = "$(canary)"',
        `fetch = +refs/heads/*:refs/remotes/${at}/*`,
      ];
      appendFileSync(join(other, ".git/config"), `[remote "${name}"]\n\t${lines.join("\n\t")}\n`);
      world.git(other, "update-ref", `refs/remotes/${at}/b${at}-$(canary)`, "HEAD");
    }
    const fleet = await open(other);
    for (const at of remotes.keys()) {
      tries++;
      const agent = await fleet.createAgent({ branch: `b${at}-$(canary)`, prompt: "x" });
      expect(world.git(agent.worktree, "symbolic-ref", "HEAD").trimEnd()).toBe(`refs/heads/b${at}-$(canary)`);
    }
    expect(await fleet.list({ changes: true })).toHaveLength(remotes.length);
    expect(sung(world)).toEqual([]);
    await fleet.kill({ all: true }, { force: true, deleteBranch: true });
    rmSync(other, { recursive: true });
  });

  it("in the environment runs nothing and stops nothing", async () => {
    const texts = [
      "; canary #",
      "\u001b[31m",
      ...(LONG ? HOSTILE.filter((text) => !text.includes("\0") && !/[\ud800-\udfff]/u.test(text)) : []),
    ];
    const variables = [
      "SHELL",
      "TERM",
      "LANG",
      "LC_ALL",
      "LANGUAGE",
      "PAGER",
      "EDITOR",
      "VISUAL",
      "TMUX_TMPDIR",
      "ENV",
      "PS4",
      "COLUMNS",
      "LINES",
      "IFS",
      "CDPATH",
      "USER",
      "NO_COLOR",
      "XDG_CONFIG_HOME",
      "AIFLEET_UNKNOWN_KEY",
      "AIFLEET_ID",
    ];
    const gits = [
      "GIT_DIR",
      "GIT_WORK_TREE",
      "GIT_INDEX_FILE",
      "GIT_PAGER",
      "GIT_EDITOR",
      "GIT_EXTERNAL_DIFF",
      "GIT_SSH_COMMAND",
      "GIT_EXEC_PATH",
      "GIT_TEMPLATE_DIR",
      "GIT_CONFIG_PARAMETERS",
      "GIT_TRACE2_EVENT",
      "GIT_ASKPASS",
      "GIT_PROXY_COMMAND",
      "GIT_CEILING_DIRECTORIES",
      "GIT_NAMESPACE",
    ];
    for (const text of texts) {
      const env: Record<string, string> = Object.fromEntries([...variables, ...gits].map((name) => [name, text]));
      // Node itself falls over some names of a locale before it runs anything.
      if (texts.indexOf(text) >= 2) Object.assign(env, { LANG: "C", LC_ALL: "C" });
      // Git itself gives up where it cannot look for its settings, as in a folder whose name is too long.
      if (Buffer.byteLength(text) > 255) delete env.XDG_CONFIG_HOME;
      Object.assign(env, {
        GIT_CONFIG_COUNT: "2",
        GIT_CONFIG_KEY_0: "core.fsmonitor",
        GIT_CONFIG_VALUE_0: "canary",
        GIT_CONFIG_KEY_1: "diff.external",
        GIT_CONFIG_VALUE_1: "canary",
      });
      for (const args of [
        ["create", "new", "--prompt", text.trim() === "" ? "x" : "y"],
        ["diff", "new"],
        ["list", "--changes"],
        ["kill", "new", "--force", "--delete-branch"],
      ]) {
        const ran = await said(args, { env });
        expect(ran.code, JSON.stringify({ text, args, stderr: ran.stderr })).toBe(0);
      }
    }
    figure("R6", "environments", `${texts.length} texts in ${variables.length + gits.length} variables each`);
  });
});

/** What a program of keys has read: the text as one paste and one Enter. */
async function expectKeys(id: string, text: string, from = 0): Promise<void> {
  const file = join(taken, `${id}.keys`);
  const wanted = Buffer.from(`\u001b[200~${text}\u001b[201~\r`);
  const got = await settle(
    () => (existsSync(file) ? readFileSync(file).subarray(from) : Buffer.alloc(0)),
    (bytes) => bytes.length >= wanted.length,
  );
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  expect(digest(got), shown(text)).toBe(digest(wanted));
}
