import { describe, expect, it } from "vitest";
import { detectType, PROJECT_TYPES, projectConfigText } from "../../src/config/init.js";
import { lineOfKey } from "../../src/config/lines.js";
import { readFileLayer } from "../../src/config/read.js";
import { formatSize, parseSize } from "../../src/config/size.js";
import { splitWords } from "../../src/config/words.js";

describe("a project's first settings", () => {
  it.each([
    [["Gemfile", "config.ru", "package.json"], "rails"],
    [["package.json", "README.md"], "node"],
    [["pyproject.toml"], "python"],
    [["requirements.txt"], "python"],
    [["Makefile"], "generic"],
    [[], "generic"],
  ])("fit its files: %j", (files, type) => {
    expect(detectType(files)).toBe(type);
  });

  it.each(PROJECT_TYPES)("are valid for %s", async (type) => {
    const around = { fleetHome: "/h", userHome: "/u", folder: "/r" };
    const layer = await readFileLayer(projectConfigText(type), ".aifleet/config.toml", "project", around);
    expect(layer.notes).toEqual([]);
    expect(layer.settings.get("setup.credential_files")?.value).toContain(".env");
  });

  it("use the tools whose lock files are there", () => {
    expect(projectConfigText("node", ["package-lock.json"])).toContain('commands = ["npm ci"]');
    expect(projectConfigText("node", ["pnpm-lock.yaml"])).toContain("pnpm install --frozen-lockfile");
    expect(projectConfigText("node", ["package.json"])).toContain('commands = ["npm install"]');
    expect(projectConfigText("python", ["uv.lock"])).toContain('commands = ["uv sync"]');
    expect(projectConfigText("rails", ["Gemfile"])).toContain('"bundle install"');
    expect(projectConfigText("rails", ["Gemfile"])).toContain("config/master.key");
  });
});

describe("words", () => {
  it.each([
    ["a b  c", ["a", "b", "c"]],
    ["", []],
    ["  ", []],
    [`a 'b c' "d e"`, ["a", "b c", "d e"]],
    [`''`, [""]],
    [`a"b"'c'd`, ["abcd"]],
    ["a\\ b", ["a b"]],
    [`"a\\"b\\\\c\\d"`, [`a"b\\c\\d`]],
    [`'a\\b'`, ["a\\b"]],
    ["a;b | c $(d) `e` *", ["a;b", "|", "c", "$(d)", "`e`", "*"]],
    ["a\tb\nc", ["a", "b", "c"]],
    ["'a", null],
    ['"a', null],
    ["a\\", null],
  ])("%j become %j, as in a shell without its magic", (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });
});

describe("sizes", () => {
  it.each([
    ["20MB", 20_000_000],
    ["1.5 kb", 1500],
    ["1MiB", 1024 ** 2],
    ["7", 7],
    [7, 7],
    ["0", null],
    [-1, null],
    [1.5, null],
    ["MB", null],
    ["1TBD", null],
    [true, null],
  ])("%j is %j bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
    if (bytes !== null) expect(parseSize(formatSize(bytes))).toBe(bytes);
  });
});

describe("the line of a key", () => {
  const text = [
    'a = """',
    "b = 1",
    '"""',
    "[t] # x",
    "b = [",
    "  1, # c = 2",
    "]",
    "c.d = { e = 1 }",
    '"q r".s = 1',
    "[t.u]",
    "v = 1",
  ].join("\n");

  it.each([
    [["a"], 1],
    [["t", "b"], 5],
    [["t", "c", "d"], 8],
    [["t", "c", "d", "e"], 8],
    [["t", "q r", "s"], 9],
    [["t", "u", "v"], 11],
    [["t", "missing"], 4],
    [["missing"], undefined],
    [["b"], undefined],
  ])("%j is found", (path, line) => {
    expect(lineOfKey(text, path)).toBe(line);
  });
});
