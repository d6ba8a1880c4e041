import { COMMON_FLAGS } from "./base.js";
import { COMMANDS } from "./commands-table.js";
import { examplesOf, flagRows, usages } from "./help.js";

/** docs/cli.md: every command from the definitions that parse it. */
export async function reference(): Promise<string> {
  const parts = [HEAD, table(["Flag", "What it does"], [...flagRows(COMMON_FLAGS), ["-h, --help", "Show help."]])];
  for (const { name, load } of COMMANDS) {
    const command = await load();
    parts.push(`## fleet ${name}`, command.summary ?? "");
    if (command.description !== undefined) parts.push(command.description);
    parts.push(fenced(usages(command).map((usage) => `fleet ${usage}`)));
    const args = Object.entries(command.args ?? {}).map(([arg, { description, options }]) => {
      const choice = options === undefined ? "" : ` One of: ${options.join(", ")}.`;
      return [arg.toUpperCase(), `${description ?? ""}${choice}`] as const;
    });
    if (args.length > 0) parts.push(table(["Argument", "What it is"], args));
    const flags = flagRows(command.flags);
    if (flags.length > 0) parts.push(table(["Flag", "What it does"], flags));
    parts.push("Examples:", fenced(examplesOf(command)));
  }
  return `${parts.join("\n\n")}\n`;
}

const HEAD = `# The fleet command

<!-- Generated from the commands' own definitions by \`npm run docs\` in packages/cli. Change it there. -->

\`fleet\`, or \`flt\`. An agent is named by its branch or, from anywhere, by its id; \`*\` and \`?\` match branches.

Results go to stdout, everything else to stderr. On a terminal tables fit its width and have colour. Piped, a table is one line a row
with tabs between the fields, no header, and nothing is cut. Scripts should use \`--json\`: one document, or one a line with \`--follow\` and
\`--watch\`. Errors then are \`{"error": {"code", "message", "hint", "data"}}\` on stdout, with the same exit code as without.

Questions are asked only on a terminal. Elsewhere the command fails with \`CONFIRMATION_NEEDED\` and names the flag that answers.
Ctrl+C undoes or finishes the step in hand and exits with 130 (SIGTERM: 143); pressed twice it ends at once.

| Exit code | Meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong usage |
| 3 | no such agent, batch, repository or ref |
| 4 | refused, to keep something safe |
| 5 | a needed program is missing or too old |
| 6 | gave up waiting |
| 7 | some done, some not |
| 130, 143 | interrupted |

## Common flags

Every command takes them; they may also stand before the command.`;

function table(head: readonly string[], rows: readonly (readonly [string, string])[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return [`| ${head.join(" | ")} |`, "|---|---|", ...rows.map(([term, text]) => `| \`${cell(term.trim())}\` | ${cell(text)} |`)].join("\n");
}

function fenced(lines: readonly string[]): string {
  return ["```sh", ...lines, "```"].join("\n");
}
