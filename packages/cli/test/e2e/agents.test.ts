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
