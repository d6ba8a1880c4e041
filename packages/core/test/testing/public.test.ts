import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as testing from "../../src/testing/index.js";

const folder = join(import.meta.dirname, "../../src/testing");
const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const textOf = (name: string) => readFileSync(join(folder, name), "utf8");

describe("what @aifleet/core/testing asks of those who import it", () => {
  test("no package: its code and its types come from the core and from Node alone", () => {
    const imports = sources.flatMap((name) =>
      [...textOf(name).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => `${name}: ${match[1]}`),
    );
    expect(imports.length).toBeGreaterThan(50);
    expect(imports.filter((line) => !/: (?:\.{1,2}\/|node:)/.test(line))).toEqual([]);
  });

  test("no guessing: every exported name has its word of explanation", () => {
    const names = [
      ...textOf("index.ts")
        .replace(/\/\*\*.*?\*\//s, "")
        .matchAll(/(\w+)(?=,|\s*})/g),
    ].map((match) => match[1] ?? "");
    expect(names).toEqual(expect.arrayContaining(Object.keys(testing)));
    const everything = sources
      .filter((name) => name !== "index.ts")
      .map(textOf)
      .join("\n");
    const bare = names.filter(
      (name) => !new RegExp(`\\*/\\nexport (?:async )?(?:function|const|class|interface|type) ${name}\\b`).test(everything),
    );
    expect(bare).toEqual([]);
  });
});
