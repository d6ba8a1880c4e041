import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { type Person, person } from "./support/person.js";

let world: World;
let me: Person;

beforeEach(() => {
  world = makeWorld("agents");
  me = person(world, world.repo());
});
afterEach(() => world.dispose());

interface Info {
  readonly name: string;
}

describe("fleet doctor --probe", () => {
  it("tells what works of an agent program as it comes, after saying what it costs", async () => {
    const { code, stdout, stderr } = await me.fleet(["doctor", "--probe", "demo"]);
    expect(code).toBe(0);
    expect(stderr).toBe("One short prompt is sent to demo, which costs one answer of its model (--no-prompt: none).\n");
    // A turn may be too short to be seen, which is said.
    const said = stdout.replace(/^· (status: idle \(\w+\); the turn was too short to be seen)$/m, "✓ $1");
    expect(said.replace(/^(. \w+:).*$/gm, "$1")).toBe("✓ program:\n✓ start:\n✓ ready:\n✓ delivery:\n✓ status:\n✓ resume:\n✓ end:\n");
    expect(await me.fleet(["list"])).toMatchObject({ stdout: "" });
  });

  it("is one document with --json, and says clearly what is not there", async () => {
    const report = await me.json(["doctor", "--probe", "demo", "--no-prompt"]);
    expect(report).toMatchObject({ code: 0, adapter: "demo", healthy: true, findings: expect.any(Array) });
    const away = { env: { PATH: "/usr/bin:/bin" } };
    expect(await me.fleet(["doctor", "--probe", "gemini"], away)).toMatchObject({
      code: 5,
      stdout: "",
      stderr: expect.stringContaining('needs the program "gemini", which is not installed'),
    });
    expect(await me.fleet(["doctor", "--probe", "demo"], { cwd: world.root })).toMatchObject({ code: 3 });
    expect(await me.fleet(["doctor", "--probe", "demo", "--fix"])).toMatchObject({ code: 2 });
    expect(await me.fleet(["doctor", "--no-prompt"])).toMatchObject({ code: 2 });
  });
});

describe("fleet agents", () => {
  it("tells which programs are installed, in which version, and how each is read", async () => {
    const bin = join(world.root, "bin");
    world.write(join(bin, "codex"), "#!/bin/sh\necho 'codex-cli 12.3.4 (a build)'\n", 0o755);
    world.write(join(bin, "opencode"), "#!/bin/sh\nexit 3\n", 0o755);
    world.write(
      join(world.fleetHome, "config.toml"),
      '[agent]\ndefault = "codex"\n[agents.lines]\ncommand = ["cat"]\n[agents.claude]\ncommand = ["/nowhere/claude"]\n',
    );
    const ran = await me.json(["agents"], { env: { PATH: `${bin}:/usr/bin:/bin`, AIFLEET_AGENT_DEFAULT: undefined } });
    const by = Object.fromEntries((ran.adapters as Info[]).map((info) => [info.name, info]));
    expect(ran.code).toBe(0);
    expect(by.codex).toMatchObject({ isDefault: true, path: join(bin, "codex"), version: "12.3.4", status: "hooks", problem: null });
    expect(by.opencode).toMatchObject({ version: null, problem: null, resumes: true });
    expect(by.claude).toMatchObject({ path: null, version: null, problem: "/nowhere/claude is not installed." });
    expect(by.gemini).toMatchObject({ path: null, problem: "gemini is not installed." });
    expect(by.lines).toMatchObject({ program: "cat", version: null, modes: [], resumes: false, problem: null });
  });

  it("prints a line for each, also outside a repository", async () => {
    const { code, stdout } = await me.fleet(["agents"], { cwd: world.root });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^demo \*\t-\tscreen\t-\tyes\t\/.*node$/m);
  });
});
