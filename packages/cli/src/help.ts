import { COMMANDS, type CommandClass, type Entry } from "./commands-table.js";
import { VERSION } from "./version.js";

const WIDTH = 100;

/** The help of one command, from the definitions that parse its arguments. */
export async function commandHelp(entry: Entry): Promise<string> {
  const command = await entry.load();
  const sections: [string, string[]][] = [
    [
      "USAGE",
      usages(command)
        .map((usage) => `$ fleet ${usage}`)
        .flatMap((usage) => wrap(usage, 2, 6)),
    ],
  ];
  const args = Object.entries(command.args ?? {}).map(([name, arg]) => {
    const options = arg.options === undefined ? "" : ` One of: ${arg.options.join(", ")}.`;
    return [name.toUpperCase(), `${arg.description ?? ""}${options}`] as const;
  });
  if (args.length > 0) sections.push(["ARGUMENTS", definitions(args)]);
  const flags = flagRows(command.flags);
  if (flags.length > 0) sections.push(["FLAGS", definitions(flags)]);
  sections.push(["COMMON FLAGS", definitions([...flagRows(command.baseFlags), ["-h, --help", "Show this."]])]);
  sections.push(["EXAMPLES", examplesOf(command).map((example) => `  $ ${example}`)]);
  const head = [
    ...wrap(command.summary ?? "", 0, 0),
    ...(command.description === undefined ? [] : ["", ...wrap(command.description, 0, 0)]),
  ];
  return `${[head.join("\n"), ...sections.map(([title, lines]) => `${title}\n${lines.join("\n")}`)].join("\n\n")}\n`;
}

/** The help of `fleet` itself. */
export async function rootHelp(): Promise<string> {
  const groups = new Map<string, (readonly [string, string])[]>();
  for (const entry of COMMANDS) {
    const rows = groups.get(entry.group) ?? [];
    rows.push([entry.name, (await entry.load()).summary ?? ""]);
    groups.set(entry.group, rows);
  }
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const sections = [...groups].map(([title, rows]) => `${title.toUpperCase()}\n${definitions(rows, width).join("\n")}`);
  return [
    "Command many AI coding agents: each has a branch, a git worktree and a tmux session of its own.",
    "USAGE\n  $ fleet COMMAND [--json] [--repo PATH] [--verbose] [--no-color]",
    ...sections,
    `\`fleet COMMAND --help\` shows flags and examples. This is version ${VERSION}.\n`,
  ].join("\n\n");
}

export function usages(command: CommandClass): string[] {
  return command.usage === undefined ? [] : [command.usage].flat();
}

export function examplesOf(command: CommandClass): string[] {
  return (command.examples ?? []).map((example) => (typeof example === "string" ? example : example.command));
}

/** `-p, --prompt TEXT` and what it does. */
export function flagRows(flags: CommandClass["flags"] | undefined): (readonly [string, string])[] {
  return Object.entries(flags ?? {})
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]) => {
      const value = flag.type === "option" ? ` ${[flag.helpValue ?? flag.options?.join("|") ?? "VALUE"].flat().join(" ")}` : "";
      const preset = flag.type === "option" && typeof flag.default === "string" ? ` Default: ${flag.default}.` : "";
      return [`${flag.char === undefined ? "    " : `-${flag.char}, `}--${name}${value}`, `${flag.description ?? ""}${preset}`] as const;
    });
}

function definitions(rows: readonly (readonly [string, string])[], least = 0): string[] {
  const column = Math.max(least, ...rows.map(([term]) => term.length).filter((length) => length <= 34));
  return rows.flatMap(([term, text]) => {
    const lines = wrap(text, column + 4, column + 4);
    const [first = "", ...rest] = lines;
    if (term.length > column) return [`  ${term}`, ...lines];
    return [`  ${term.padEnd(column)}  ${first.trimStart()}`.trimEnd(), ...rest];
  });
}

function wrap(text: string, first: number, next: number): string[] {
  const lines: string[] = [];
  let line = " ".repeat(first);
  let empty = true;
  for (const word of text.split(" ")) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = " ".repeat(next);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}
