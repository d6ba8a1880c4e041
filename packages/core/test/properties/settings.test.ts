import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toToml } from "../../src/config/first-file.js";
import { homePaths } from "../../src/config/paths.js";
import { loadConfig } from "../../src/config/read.js";
import { parseToml } from "../../src/config/toml.js";
import { setConfigValue } from "../../src/config/write.js";
import { makeWorld, type World } from "../support/world.js";
import { argument, runs } from "./texts.js";

let world: World;
let file: string;
beforeAll(() => {
  world = makeWorld("properties");
  file = homePaths(world.fleetHome).config;
});
afterAll(() => world.dispose());

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

it("a value written as TOML is read as it was", async () => {
  const key = argument.filter((text) => text !== "" && text !== "__proto__");
  const value = fc.oneof(argument, fc.integer({ min: 0, max: 1e9 }), fc.boolean(), fc.array(argument), fc.dictionary(key, argument));
  await fc.assert(
    fc.asyncProperty(value, async (one) => {
      expect(plain((await parseToml(`value = ${toToml(one)}\n`, "t")).value)).toEqual(plain(one));
    }),
    runs(200),
  );
});

it("a value that is set is the one that is read, and the rest of the file stays", async () => {
  const first = "# mine\n[templates.t]\nagent = 'x' # stays\n\n[agents.other]\ncommand = [\"a b\"]\n";
  await fc.assert(
    fc.asyncProperty(
      argument,
      fc.array(
        argument.filter((word) => word !== ""),
        { minLength: 1 },
      ),
      async (prompt, flags) => {
        world.write(file, first);
        await setConfigValue(file, "templates.t.prompt", toToml(prompt));
        await setConfigValue(file, "agents.mine.flags", toToml(flags));
        await setConfigValue(file, "templates.t.prompt", toToml(`${prompt}!`));
        const text = readFileSync(file, "utf8");
        for (const line of first.split("\n")) expect(text.split("\n")).toContain(line);
        const { config } = await loadConfig({ paths: homePaths(join(world.fleetHome)), env: world.env, repo: null });
        expect(config.templates.t?.prompt).toBe(`${prompt}!`);
        expect(config.agents.mine?.flags).toEqual(flags);
        expect(Object.keys(config.templates)).toEqual(["t"]);
      },
    ),
    runs(40),
  );
});
