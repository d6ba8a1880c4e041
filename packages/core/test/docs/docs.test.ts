import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { firstFileText } from "../../src/config/first-file.js";
import { readFileLayer } from "../../src/config/read.js";
import * as core from "../../src/index.js";
import * as testing from "../../src/testing/index.js";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const text = (page: string): string => readFileSync(join(ROOT, page), "utf8");
const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "packages/core/README.md",
  "packages/cli/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

interface DocsScript {
  readonly PAGES: readonly string[];
  partsOf(core: object): Record<string, string>;
  fill(text: string, parts: Record<string, string>): string;
}
const script = (await import(pathToFileURL(join(ROOT, "scripts/docs.mjs")).href)) as DocsScript;

/** Blocks of one language in a page. */
function blocks(page: string, language: string): string[] {
  return [...text(page).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, body = ""]) => (name === language ? [body] : []));
}

/** What a heading is called in a link. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

describe("the documentation", () => {
  it.each(script.PAGES)("%s says what the code says (node scripts/docs.mjs writes it)", (page) => {
    expect(script.fill(text(page), script.partsOf(core))).toBe(text(page));
  });

  it.each(PAGES)("%s links to pages and headings that are there", (page) => {
    const links = [...text(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link).filter((link) => !/^https?:/.test(link));
    const dead = links.filter((link) => {
      const [path = "", heading] = link.split("#");
      const file = path === "" ? join(ROOT, page) : resolve(join(ROOT, dirname(page)), path);
      if (!existsSync(file)) return true;
      if (heading === undefined) return false;
      const headings = [...readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, words = ""]) => anchor(words));
      return !headings.includes(heading);
    });
    expect(dead).toEqual([]);
  });

  it.each(PAGES)("%s names commands and flags that there are", (page) => {
    const reference = text("docs/cli.md");
    const common = new Set([...(reference.split("\n## fleet ")[0] ?? "").matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag));
    const flags = new Map<string, ReadonlySet<string>>();
    for (const part of reference.split("\n## fleet ").slice(1)) {
      flags.set(part.split("\n")[0] ?? "", new Set([...part.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag)));
    }
    const wrong: string[] = [];
    for (const line of [...blocks(page, "sh"), ...blocks(page, "console")].join("").split("\n")) {
      const typed = line.replace(/^\S*\$ /, "").replace(/\s#.*/, "");
      for (const [, command = "", rest = ""] of typed.matchAll(
        /(?:^|[(=] ?|&& |\| )(?:[A-Z_]+=\S+ )*fleet ([a-z]+)((?:"[^"]*"|'[^']*'|[^|)"'])*)/g,
      )) {
        const known = flags.get(command);
        const used = (rest.replace(/"[^"]*"|'[^']*'/g, "").split(" -- ")[0] ?? "").match(/--[a-z][a-z-]*/g) ?? [];
        if (known === undefined) wrong.push(`fleet ${command}`);
        for (const flag of used) if (known?.has(flag) === false && !common.has(flag)) wrong.push(`fleet ${command} ${flag}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each(PAGES)("%s shows settings that are valid", async (page) => {
    for (const block of blocks(page, "toml")) {
      if (block.includes("[[task]]")) continue;
      const around = { fleetHome: "/home/me/.ai_fleet", userHome: "/home/me", folder: "/home/me/shop" };
      await expect(readFileLayer(block, page, "user", around)).resolves.toMatchObject({ notes: [] });
    }
  });

  it.each(PAGES)("%s imports names that are exported", (page) => {
    const exported: Record<string, object> = { "@aifleet/core": core, "@aifleet/core/testing": testing };
    for (const [, names = "", from = ""] of blocks(page, "js")
      .join("")
      .matchAll(/import \{([^}]+)\} from "(@aifleet[^"]+)"/g)) {
      for (const name of names.split(",")) expect(Object.keys(exported[from] ?? {})).toContain(name.trim());
    }
  });

  it("has a row for every built-in agent, every directive of the scripted one, and every suite", () => {
    const without = (page: string, rows: readonly string[]) => rows.filter((row) => !text(page).includes(row));
    expect(
      without(
        "docs/agents.md",
        core.BUILT_IN_ADAPTERS.map((name) => `\n| \`${name}\` |`),
      ),
    ).toEqual([]);
    const program = text("packages/core/src/agents/demo/program.ts");
    const directives = [...program.matchAll(/^ \* {5}\[\[([a-z-]+)/gm)].map(([, word]) => word);
    expect(directives.length).toBeGreaterThan(5);
    expect(
      without(
        "docs/testing.md",
        directives.map((word) => `\n| \`[[${word}`),
      ),
    ).toEqual([]);
    const suites = Object.keys(testing).filter((name) => name.endsWith("Contract"));
    expect(suites.length).toBeGreaterThan(3);
    expect(
      without(
        "docs/drivers.md",
        suites.map((suite) => `\`${suite}\``),
      ),
    ).toEqual([]);
  });

  it("describes a first-run file that is valid itself", async () => {
    const around = { fleetHome: "/home/me/.ai_fleet", userHome: "/home/me", folder: "/home/me" };
    await expect(readFileLayer(firstFileText(), "config.toml", "user", around)).resolves.toMatchObject({ notes: [] });
  });
});
