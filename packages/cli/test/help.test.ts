import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMMANDS, findCommand } from "../src/commands-table.js";
import { candidates, type Names } from "../src/completion/candidates.js";
import { commandHelp, examplesOf, rootHelp, usages } from "../src/help.js";
import { reference } from "../src/reference.js";

describe("help", () => {
  it("docs/cli.md is what the definitions say (npm run docs writes it)", async () => {
    expect(readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8")).toBe(await reference());
  });

  it.each(COMMANDS.map((entry) => [entry.name, entry] as const))(
    "fleet %s: every flag and argument is described, with examples",
    async (name, entry) => {
      const command = await entry.load();
      const help = await commandHelp(entry);
      expect(usages(command).every((usage) => usage.split(" ")[0] === name)).toBe(true);
      expect(examplesOf(command).length).toBeGreaterThan(0);
      for (const [flag, { description }] of Object.entries({ ...command.flags, ...command.baseFlags })) {
        expect(description, flag).toBeTruthy();
        expect(help).toContain(`--${flag}`);
      }
      for (const line of help.split("\n").filter((line) => !line.startsWith("  $"))) expect(line.length).toBeLessThanOrEqual(100);
    },
  );

  it("shows every command", async () => {
    const help = await rootHelp();
    for (const { name } of COMMANDS) expect(help).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  it("is the help people know", async () => {
    const entry = findCommand("logs");
    expect(entry && (await commandHelp(entry))).toMatchInlineSnapshot(`
      "Show what an agent printed.

      Reads the live screen and its history, or the kept log when the agent is gone. --follow ends with
      the agent or on Ctrl+C; with --json it prints one line of JSON a line.

      USAGE
        $ fleet logs BRANCH [-n LINES] [--follow] [--raw]

      ARGUMENTS
        BRANCH  Branch or id of the agent.

      FLAGS
        -n, --lines LINES  How many lines from the end. Default: 100.
        -f, --follow       Go on with new lines as they come.
            --raw          What the program wrote, escape sequences and all.

      COMMON FLAGS
            --json               One JSON document on stdout and nothing else there.
            --repo PATH          Repository to work on, any folder of it. Default: the current one.
        -v, --verbose            Show every git and tmux command with its time on stderr.
            --no-color           Plain text; the variable NO_COLOR does the same.
            --no-project-config  Pass over the repository's .aifleet/config.toml if it is not trusted.
        -h, --help               Show this.

      EXAMPLES
        $ fleet logs fix-auth -n 100
        $ fleet logs fix-auth --follow
        $ fleet logs fix-auth --raw > session.log
      "
    `);
  });
});

describe("completion", () => {
  const none = async () => [];
  const names: Names = {
    branches: async () => ["fix-auth", "fix-css", "docs"].map((word) => ({ word, about: "idle" })),
    batches: async () => [{ word: "k3x9", about: "" }],
    adapters: async () => [{ word: "claude", about: "" }],
    settings: async () => [{ word: "agent.default", about: "" }],
    saved: none,
  };
  const complete = async (...words: string[]) => (await candidates(words, names)).map(({ word }) => word);

  it("offers commands, branches, flags and their values", async () => {
    expect(await complete("l")).toEqual(["list", "logs"]);
    expect(await complete("kill", "fix")).toEqual(["fix-auth", "fix-css"]);
    expect(await complete("kill", "fix-auth", "")).toEqual(["fix-css", "docs"]);
    expect(await complete("logs", "fix-auth", "")).toEqual([]);
    expect(await complete("--repo", "x", "kill", "--d")).toEqual(["--delete-branch"]);
    expect(await complete("list", "--batch", "")).toEqual(["k3x9"]);
    expect(await complete("wait", "--for=i")).toEqual(["--for=idle"]);
    expect(await complete("list", "--status", "wa")).toEqual(["waiting"]);
    expect(await complete("config", "get", "")).toEqual(["agent.default"]);
    expect(await complete("config", "v")).toEqual(["validate"]);
    expect(await complete("multi", "--file", "")).toEqual([":files"]);
    expect(await complete("nonsense", "")).toEqual([]);
  });
});
