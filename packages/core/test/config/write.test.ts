import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configReference, firstFileText } from "../../src/config/first-file.js";
import { homePaths } from "../../src/config/paths.js";
import { loadConfig } from "../../src/config/read.js";
import { KEYS } from "../../src/config/schema.js";
import { setsNothing } from "../../src/config/toml.js";
import { setConfigValue, writeFirstConfig } from "../../src/config/write.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
let file: string;
beforeEach(() => {
  world = makeWorld("config");
  file = homePaths(world.fleetHome).config;
});
afterEach(() => world.dispose());

const load = () => loadConfig({ paths: homePaths(world.fleetHome), env: world.env, repo: null });
const text = () => readFileSync(file, "utf8");

describe("the settings file of the first run", () => {
  it("explains every key, sets none, and is the user's alone", async () => {
    expect(writeFirstConfig(homePaths(world.fleetHome))).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(world.fleetHome).mode & 0o777).toBe(0o700);
    expect(readdirSync(world.fleetHome)).toEqual(["config.toml"]);
    for (const { key, docs } of KEYS) {
      expect(text()).toContain(docs);
      expect(text()).toContain(`# ${key.replace(/^(?:(?:agents|templates)\.<name>|[a-z]+)\./, "")} = `);
    }
    expect(setsNothing(text())).toBe(true);
    expect((await load()).origins.size).toBe(0);
  });

  it("holds only defaults and examples that are valid once the # is taken away", async () => {
    const opened = firstFileText().replaceAll(/^# (\[|[a-z_.]+ = )/gm, "$1");
    world.write(file, opened);
    const loaded = await load();
    expect(loaded.origins.size).toBe(KEYS.length);
    expect(loaded.config.tmux.prefix).toBe("ai_");
  });

  it("is never written over one that is there", () => {
    world.write(file, "# mine\n");
    expect(writeFirstConfig(homePaths(world.fleetHome))).toBe(false);
    expect(text()).toBe("# mine\n");
    expect(readdirSync(world.fleetHome)).toEqual(["config.toml"]);
  });

  it("has a table for the documentation with every key", () => {
    for (const { key } of KEYS) expect(configReference()).toContain(`| \`${key}\` |`);
  });
});

describe("setting a key", () => {
  it("keeps comments, order and everything else", async () => {
    world.write(file, '# mine\n[tmux] # here\nprefix = "a_" # why\n\n# more\n[git]\ntimeout = 5\n');
    expect(await setConfigValue(file, "tmux.prefix", "b_")).toBe("b_");
    expect(text()).toBe('# mine\n[tmux] # here\nprefix = "b_" # why\n\n# more\n[git]\ntimeout = 5\n');
  });

  it("of a new adapter makes a section of its own, and the next key joins it", async () => {
    world.write(file, "# mine\n[git]\ntimeout = 5");
    await setConfigValue(file, "agents.new.command", '["prog", "-x"]');
    await setConfigValue(file, "agents.new.flags", '["-y"]');
    expect(text()).toBe('# mine\n[git]\ntimeout = 5\n\n[agents.new]\ncommand = ["prog", "-x"]\nflags = ["-y"]\n');
    world.write(file, 'agents = { old = { command = "x" } }\n');
    await setConfigValue(file, "agents.new.command", "y");
    expect({ ...(await load()).config.agents }).toMatchObject({ old: { command: ["x"] }, new: { command: ["y"] } });
  });

  it.each([
    ["agent.default", "codex", "codex"],
    ["agent.default", '"codex"', "codex"],
    ["fleet.max_parallel", "8", 8],
    ["setup.quick", "true", true],
    ["setup.quick", "yes", true],
    ["setup.commands", '["a", "b c"]', ["a", "b c"]],
    ["setup.commands", "npm ci", ["npm ci"]],
    ["tmux.prefix", "12", "12"],
    ["agents.new.command", "prog --x 'a b'", "prog --x 'a b'"],
    ["agents.new.env", '{ A = "1" }', { A: "1" }],
    ["agents.new.patterns.idle", "^> $", "^> $"],
    ["templates.t.prompt", 'Say "hi"\nand é', 'Say "hi"\nand é'],
    ["logs.max_size", "5MB", "5MB"],
    ["default_agent", "codex", "codex"],
    ["worktree.base", "main", "main"],
  ])("%s to %j works in the first-run file and in no file", async (key, raw, value) => {
    for (const start of [null, firstFileText()]) {
      if (start === null) mkdirSync(world.fleetHome, { recursive: true });
      else writeFileSync(file, start);
      expect(await setConfigValue(file, key, raw)).toEqual(value);
      expect((await load()).origins.size).toBe(1);
      expect(statSync(file).mode & 0o777).toBe(start === null ? 0o600 : statSync(file).mode & 0o777);
      // Twice is the same as once.
      const once = text();
      await setConfigValue(file, key, raw);
      expect(text()).toBe(once);
    }
  });

  it.each([
    ["tmux.prefx", "x"],
    ["fleet.max_parallel", "0"],
    ["fleet.max_parallel", "1\ntmux.prefix = 'x'"],
    ["tmux.prefix", "a b"],
    ["setup.quick", "maybe"],
    ["agents.a/b.command", "x"],
    ["agents.x.command", "a 'b"],
  ])("%s to %j is refused and nothing is written", async (key, raw) => {
    world.write(file, "# mine\n");
    await expect(setConfigValue(file, key, raw)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(text()).toBe("# mine\n");
  });

  it.each(["[agent\n", 'agent.default = "x"\nagent.default = "y"\n', "# ok\nnonsense.key = 1\n"])(
    "never overwrites a broken file: %j",
    async (broken) => {
      world.write(file, broken);
      await expect(setConfigValue(file, "tmux.prefix", "x")).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        data: { file, line: expect.any(Number) },
      });
      expect(text()).toBe(broken);
    },
  );

  it("mends a wrong value of that same key", async () => {
    world.write(file, 'fleet.max_parallel = "many"\n');
    await setConfigValue(file, "fleet.max_parallel", "3");
    expect((await load()).config.fleet.maxParallel).toBe(3);
  });

  it("follows a link to the file and keeps its mode", async () => {
    const real = world.write(join(world.root, "dotfiles", "fleet.toml"), "[git]\ntimeout = 5\n");
    chmodSync(real, 0o640);
    mkdirSync(world.fleetHome);
    symlinkSync(real, file);
    await setConfigValue(file, "git.timeout", "6");
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toBe("[git]\ntimeout = 6\n");
    expect(statSync(real).mode & 0o777).toBe(0o640);
  });

  it("of the whole home is refused for a project", async () => {
    await expect(setConfigValue(file, "tmux.socket", "/x", { origin: "project" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});
