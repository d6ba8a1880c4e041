import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../core/test/support/world.js";
import { BIN, fleet } from "./support/cli.js";

let world: World;
let repo: string;
beforeAll(() => {
  world = makeWorld("cli");
  repo = world.repo();
});
afterAll(() => world.dispose());

const run = (...args: string[]) => fleet(args, { cwd: repo, env: world.env });

describe("wrong usage", () => {
  it.each([
    [["create"], "USAGE", "Missing argument: BRANCH."],
    [["create", "a", "b"], "USAGE", "Unexpected argument: b."],
    [["create", "a", "--promt", "x"], "USAGE", "Unknown flag --promt."],
    [["create", "a", "--prompt"], "USAGE", "--prompt expects a value."],
    [["create", "a", "--prompt", ""], "USAGE", "--prompt is empty."],
    [["create", "a", "--prompt", "x", "--prompt-file", "y"], "USAGE", "exclude each other"],
    [["fanout", "-1", "--prompt", "x"], "INVALID_COUNT", '"-1"'],
    [["fanout", "1e9", "--prompt", "x"], "INVALID_COUNT", '"1e9"'],
    [["multi", "a:x", "a:y"], "USAGE", "The branch a is named twice."],
    [["lsit"], "USAGE", 'Unknown command "lsit".'],
    [["list", "--status", "busy"], "USAGE", 'There is no status "busy".'],
    [["list", "--watch"], "USAGE", "--watch needs a terminal."],
    [["wait", "a", "--for", "x"], "USAGE", "--for takes one of idle, waiting, done, ended"],
    [["kill"], "USAGE", "Say which agents"],
    [["exec", "--all"], "USAGE", "The command is missing."],
    [["attach", "a"], "NOT_A_TERMINAL", "attach needs a terminal."],
  ] as const)("fleet %j is %s", async (args, code, words) => {
    const text = await run(...args);
    expect(text).toMatchObject({ code: 2, stdout: "" });
    expect(text.stderr).toMatch(/^error: /);
    expect(text.stderr).toContain(words);
    expect(text.stderr).not.toMatch(/^\s+at /m);
    if (args[0] === "attach") return;
    const json = await run("--json", ...args.filter((word) => word !== "--watch"));
    if (args.some((word) => word === "--watch")) return;
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code, message: expect.stringContaining(words) } });
  });

  it("makes nothing", () => expect(existsSync(world.fleetHome)).toBe(false));
});

describe("the start", () => {
  it("prints help and version without a repository or a home", async () => {
    const help = await fleet(["--help"], { cwd: world.root, env: world.env });
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("fleet COMMAND");
    expect((await run()).stdout).toBe(help.stdout);
    expect((await run("--version")).stdout).toMatch(/^fleet \d+\.\d+\.\d+\n$/);
  });

  it("goes on with a damaged or foreign code cache, and writes its own into a home that exists", async () => {
    const copy = join(world.root, "copy");
    cpSync(join(dirname(BIN), ".."), copy, {
      recursive: true,
      filter: (path) => !/node_modules|src|test/.test(path.slice(path.indexOf("packages"))),
    });
    const bin = join(copy, "bin/fleet.js");
    const caches = readdirSync(join(copy, "dist")).filter((name) => name.endsWith(".cache"));
    expect(caches.map((name) => name.replace(/.*-/, "")).sort()).toEqual(["help.cache", "look.cache", "make.cache", "rest.cache"]);
    const cacheOf = (kind: string) => caches.find((name) => name.endsWith(`-${kind}.cache`)) as string;
    const place = join(copy, "dist", cacheOf("help"));
    const env = { ...world.env, AI_FLEET_HOME: join(world.root, "cache-home") };
    const whole = readFileSync(place);
    const flipped = Buffer.from(whole);
    for (let at = 2000; at < flipped.length; at += 5000) flipped[at] = (flipped[at] ?? 0) ^ 0xff;
    for (const bytes of [
      flipped,
      Buffer.alloc(0),
      Buffer.from("nonsense"),
      whole.subarray(0, whole.length / 2),
      Buffer.alloc(whole.length, 7),
    ]) {
      writeFileSync(place, bytes);
      expect(await fleet(["--version"], { cwd: repo, env, bin })).toMatchObject({ code: 0, stderr: "" });
    }
    expect(existsSync(env.AI_FLEET_HOME)).toBe(false);
    for (const cache of caches) rmSync(join(copy, "dist", cache));
    world.write(join(env.AI_FLEET_HOME, "config.toml"), "");
    await fleet(["list"], { cwd: repo, env, bin });
    await fleet(["--help"], { cwd: repo, env, bin });
    expect(readdirSync(join(env.AI_FLEET_HOME, "cache")).sort()).toEqual([cacheOf("help"), cacheOf("look")]);
  });

  it("works through a link, as npm installs it", async () => {
    const link = join(world.root, "flt");
    symlinkSync(BIN, link);
    expect(await fleet(["--version"], { cwd: repo, env: world.env, bin: link })).toMatchObject({ code: 0 });
  });
});
