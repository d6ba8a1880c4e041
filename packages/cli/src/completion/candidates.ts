import { COMMANDS, type CommandClass, findCommand } from "../commands-table.js";

export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** What only the fleet itself knows; asked when a name is really wanted. */
export interface Names {
  branches(): Promise<Candidate[]>;
  batches(): Promise<Candidate[]>;
  adapters(): Promise<Candidate[]>;
  saved(): Promise<Candidate[]>;
  settings(): Promise<Candidate[]>;
}

/** The shell's own completion of files is wanted. */
export const FILES = ":files";

/** Commands whose arguments are agents. */
const TAKES_AGENTS = new Set(["prompt", "answer", "attach", "logs", "wait", "diff", "exec", "path", "stop", "resume", "kill"]);
/** Those that take more than one. */
const TAKES_SEVERAL = new Set(["wait", "exec", "stop", "resume", "kill"]);

/** What may stand where the last of the words is being typed. */
export async function candidates(words: readonly string[], names: Names): Promise<Candidate[]> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  return (await possible(before, current, names)).filter(({ word }) => word === FILES || word.startsWith(current));
}

async function possible(before: readonly string[], current: string, names: Names): Promise<Candidate[]> {
  const at = before.findIndex((word, index) => !word.startsWith("-") && before[index - 1] !== "--repo");
  const entry = at === -1 ? undefined : findCommand(before[at]);
  if (entry === undefined) return at === -1 || before[at] === "help" ? commandNames() : [];
  if (before.includes("--")) return [{ word: FILES, about: "" }];
  const command = await entry.load();
  const flags = { ...command.flags, ...command.baseFlags };
  const inline = /^--([\w-]+)=/.exec(current);
  const previous = inline === null ? before.at(-1) : `--${inline[1]}`;
  const asked = Object.entries(flags).find(
    ([name, flag]) => flag.type === "option" && (previous === `--${name}` || previous === `-${flag.char}`),
  );
  if (asked !== undefined) {
    const values = await valuesOf(asked[0], asked[1].type === "option" ? asked[1].options : undefined, names);
    return inline === null ? values : values.map(({ word, about }) => ({ word: word === FILES ? word : `${inline[0]}${word}`, about }));
  }
  if (current.startsWith("-")) {
    const own = Object.entries(flags).map(([name, flag]) => ({ word: `--${name}`, about: flag.description ?? "" }));
    return [...own.filter(({ word }) => !before.includes(word)), { word: "--help", about: "Show help." }];
  }
  const given = before.slice(at + 1).filter((word, index, all) => !word.startsWith("-") && !takesValue(flags, all[index - 1]));
  return argumentsOf(entry.name, command, given, names);
}

async function argumentsOf(name: string, command: CommandClass, given: readonly string[], names: Names): Promise<Candidate[]> {
  if (TAKES_AGENTS.has(name) && (given.length === 0 || TAKES_SEVERAL.has(name))) {
    return (await names.branches()).filter(({ word }) => !given.includes(word));
  }
  if (name === "restore" && given.length === 0) return names.saved();
  if (name === "queue" && given.length === 0) return ["list", "drop"].map((word) => ({ word, about: "" }));
  if (name === "queue") return (await names.branches()).filter(({ word }) => !given.includes(word));
  if (name === "trash" && given.length === 0) return ["list", "drop"].map((word) => ({ word, about: "" }));
  if (name === "trash" && given[0] === "drop") return (await names.saved()).filter(({ word }) => !given.includes(word));
  if (name === "config" && (given[0] === "get" || given[0] === "set") && given.length === 1) return names.settings();
  const arg = Object.values(command.args ?? {})[given.length];
  return (arg?.options ?? []).map((word) => ({ word, about: "" }));
}

async function valuesOf(name: string, options: readonly string[] | undefined, names: Names): Promise<Candidate[]> {
  if (options !== undefined) return options.map((word) => ({ word, about: "" }));
  if (name === "batch") return names.batches();
  if (name === "agent") return names.adapters();
  if (name === "status") return Object.keys((await import("../render/status.js")).STATUS_LOOKS).map((word) => ({ word, about: "" }));
  return name === "prompt-file" || name === "file" || name === "repo" ? [{ word: FILES, about: "" }] : [];
}

function takesValue(flags: CommandClass["flags"], word: string | undefined): boolean {
  return Object.entries(flags).some(
    ([name, flag]) => flag.type === "option" && (word === `--${name}` || (flag.char !== undefined && word === `-${flag.char}`)),
  );
}

async function commandNames(): Promise<Candidate[]> {
  return Promise.all(COMMANDS.map(async (entry) => ({ word: entry.name, about: (await entry.load()).summary ?? "" })));
}
