// Writes the parts of the documentation that come from the code. `--check` only says whether they are up to date.
// A page holds such a part between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; what is around it is written by hand.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Pages with generated parts, relative to the repository. */
export const PAGES = ["docs/configuration.md", "docs/errors.md"];

/**
 * The parts by name, from the core's own tables.
 *
 * @param {{ configReference: () => string, ERROR_CODES: Record<string, { exit: number, meaning: string }> }} core
 * @returns {Record<string, string>}
 */
export function partsOf({ configReference, ERROR_CODES }) {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { exit, meaning }]) => `| \`${code}\` | ${exit} | ${meaning.replaceAll("|", "\\|")} |`,
  );
  return {
    settings: configReference(),
    errors: ["| code | exit | what happened |", "| --- | --- | --- |", ...rows].join("\n"),
  };
}

/**
 * A page's text with its parts filled in anew. Throws where it names a part that there is not, or has none.
 *
 * @param {string} text
 * @param {Record<string, string>} parts
 */
export function fill(text, parts) {
  let filled = 0;
  const result = text.replace(/(<!-- generated: (\w+) -->\n)[\s\S]*?(<!-- end of \2 -->)/g, (_, start, name, end) => {
    if (parts[name] === undefined) throw new Error(`There is no generated part "${name}".`);
    filled += 1;
    return `${start}\n${parts[name]}\n\n${end}`;
  });
  if (filled === 0) throw new Error("The page has no generated part.");
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const parts = partsOf(await import("../packages/core/dist/index.js"));
  for (const page of PAGES) {
    const before = readFileSync(join(root, page), "utf8");
    const after = fill(before, parts);
    if (before === after) continue;
    if (process.argv.includes("--check")) {
      console.error(`${page} is stale: run \`node scripts/docs.mjs\`.`);
      process.exitCode = 1;
    } else {
      writeFileSync(join(root, page), after);
      console.log(`wrote ${page}`);
    }
  }
}
