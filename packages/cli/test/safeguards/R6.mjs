const test = "packages/cli/test/faults/hostile-strings.test.ts";

export default [
  {
    what: "a word of a pane's script is quoted whole",
    file: "packages/core/src/drivers/session/quote.ts",
    replace: `.replaceAll("'", "'\\\\''")`,
    by: "",
    test: "packages/core/test/properties/words.test.ts",
    name: "exactly these arguments and variables",
  },
  {
    what: "an error is one line that hides nothing",
    file: "packages/cli/src/render/width.ts",
    replace: '  return reveal(short.replace(/\\r?\\n/g, "\\\\n").replace(/\\t/g, "\\\\t"));',
    by: "  return short;",
    test,
    name: "says so in a line or does it",
  },
  {
    what: "a branch name that git reads as an option is none",
    file: "packages/core/src/drivers/git/branch-name.ts",
    replace: 'if (name.startsWith("-"))',
    by: 'if (name.startsWith("--no-such"))',
    test: "packages/core/test/properties/names.test.ts",
    name: "where it is one for git",
  },
  {
    what: "what an agent printed is shown without changes of the reading direction",
    file: "packages/cli/src/commands/logs.ts",
    replace: "  return clean(line, { keepNewlines: true });",
    by: "  return clean(line, { keepNewlines: true }) && line;",
    test,
    name: "that comes out of git",
  },
];
