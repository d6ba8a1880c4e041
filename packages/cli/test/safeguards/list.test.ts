import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

interface Safeguard {
  readonly what: string;
  readonly file: string;
  readonly replace: string;
  readonly by: string;
  readonly test: string;
  readonly name?: string;
}

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../../../..");

describe("what npm run test:safeguards takes out", () => {
  it("is code that is there, once, and its test is there", async () => {
    const stale: string[] = [];
    for (const list of readdirSync(here).filter((name) => name.endsWith(".mjs"))) {
      const { default: safeguards } = (await import(pathToFileURL(join(here, list)).href)) as { default: readonly Safeguard[] };
      for (const { what, file, replace, by, test } of safeguards) {
        if (textOf(file).split(replace).length !== 2 || by === replace) stale.push(`${list}: ${what}: not exactly once in ${file}`);
        // Whether it has a test of that name, the runner sees: many are put together from a table.
        if (!existsSync(join(root, test))) stale.push(`${list}: ${what}: there is no ${test}`);
      }
    }
    expect(stale).toEqual([]);
  });
});

function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}
