// Writes docs/cli.md from the built command line; `--check` only says whether it is up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const file = new URL("../../../docs/cli.md", import.meta.url);
const { reference } = createRequire(import.meta.url)("../dist/fleet.cjs");
const text = await reference();
if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== text) {
    console.error("docs/cli.md is stale: run `npm run docs` in packages/cli.");
    process.exitCode = 1;
  }
} else writeFileSync(file, text);
