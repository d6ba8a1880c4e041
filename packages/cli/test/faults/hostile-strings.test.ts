// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are texts for a shell
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkBranchName } from "../../../core/src/drivers/git/branch-name.js";
import { Fleet, type FleetOpenOptions, isFleetError, type Task } from "../../../core/src/index.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { tasksOfText } from "../../src/input/tasks.js";
import { HOSTILE, LONG_PROMPTS, places, sung, withCanary } from "./support/hostile.js";
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
      ["argv", `${note}; printf %s "$1" > "$TAKEN/$AIFLEET_ID.prompt"; exec sleep 1000`, ""],
      ["file", `${note}; cat -- "$1" > "$TAKEN/$AIFLEET_ID.prompt"; exec sleep 1000`, '"{prompt_file}"'],
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
  expect({ ran, made, left: left.filter((what) => !what.includes("logs/")) }).toEqual({ ran: [], made: [], left: [] });
  expect(existsSync("/tmp/fleet-hostile-outside")).toBe(false);
  figure("R6", "hostile texts", `${HOSTILE.length} texts, ${tries} tries, 0 canaries, 0 files outside`);
}, 120_000);

let tries = 0;
const open = (folder = repo, options: Partial<FleetOpenOptions> = {}) =>
  Fleet.open({ repo: folder, env: fleetEnv(world), settings: { "agent.default": "argv" }, ...options });
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
