import { COMMANDS, type CommandClass, type Entry, findCommand } from "./commands-table.js";
import { Failure, usage } from "./failure.js";
import { oclifConfig } from "./oclif-config.js";
import { guarded } from "./render/color.js";
import { output } from "./render/output.js";
import { session } from "./session.js";
import { VERSION } from "./version.js";

/** Flags that may stand before the command, as in `git -C`. The value says whether one takes a value. */
const EARLY = new Map([
  ["--json", false],
  ["--verbose", false],
  ["-v", false],
  ["--no-color", false],
  ["--no-project-config", false],
  ["--repo", true],
]);

/** docs/cli.md, for the script that writes it. */
export const reference = async (): Promise<string> => (await import("./reference.js")).reference();

/** Runs one command line and ends the process with its exit code, once everything printed has been read. */
export async function main(argv: readonly string[]): Promise<void> {
  session.listen();
  output.listen();
  // What escapes every other net still ends as one sentence; Node's own warnings are for developers.
  if (!process.env.DEBUG) process.removeAllListeners("warning");
  process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
    // A program that cannot be started for want of a file handle is told to whoever asked for it; simple-git leaves this second word of it to nobody.
    if (/^E[MN]FILE$/.test(error.code ?? "") && error.syscall?.startsWith("spawn")) return;
    void failure(error, { json: argv.includes("--json"), color: false, entry: undefined }).then((code) => process.exit(code));
  });
  const code = await run(argv);
  session.restore();
  await output.flush();
  process.exit(session.interrupted ?? code);
}

/** Runs one command line; returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const [name, words] = commandFirst(argv);
  const end = words.indexOf("--");
  const own = end === -1 ? words : words.slice(0, end);
  const entry = findCommand(name);
  try {
    if (argv.some((word) => word.includes("\ufffd"))) (await import("./input/argv.js")).refuseBytes();
    process.exitCode = 0;
    if (name === "--version" || name === "version")
      output.write(own.includes("--json") ? `${JSON.stringify({ version: VERSION })}\n` : `fleet ${VERSION}\n`);
    else if (name === "__complete") await (await import("./completion/answer.js")).answer(words);
    else if (name === "__courier") await (await import("./courier.js")).carry(words);
    else if (name === "__pool") await (await import("./filler.js")).refill(words);
    else if (name === "__delete") await (await import("./deleter.js")).deleteRemoved(words);
    else if (wantsHelp(name, own)) await help(name === "help" ? own.find((word) => !word.startsWith("-")) : name);
    else if (entry === undefined) throw await unknown(name ?? "");
    else await execute(await entry.load(), words);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return failure(error, { json: own.includes("--json"), color: !own.includes("--no-color"), entry });
  }
}

/** The command and its words; common flags that stand before it are put behind it. */
export function commandFirst(argv: readonly string[]): [name: string | undefined, words: string[]] {
  let at = 0;
  while (at < argv.length) {
    const takesValue = EARLY.get((argv[at] ?? "").replace(/=.*/s, ""));
    if (takesValue === undefined) break;
    at += takesValue && !argv[at]?.includes("=") ? 2 : 1;
  }
  const [name, ...rest] = argv.slice(at);
  return [name, [...argv.slice(0, at), ...rest]];
}

function wantsHelp(name: string | undefined, own: readonly string[]): boolean {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") return true;
  return own.includes("--help") || own.includes("-h");
}

async function help(name: string | undefined): Promise<void> {
  const { commandHelp, rootHelp } = await import("./help.js");
  if (name === undefined || name === "--help" || name === "-h") output.write(await rootHelp());
  else {
    const entry = findCommand(name);
    if (entry === undefined) throw await unknown(name);
    output.write(await commandHelp(entry));
  }
}

async function execute(command: CommandClass, argv: string[]): Promise<void> {
  // `_run` is oclif's own path through init, run, catch and finally; its public `run` would look for a package on disk first.
  const Runnable = command as unknown as new (argv: string[], config: typeof oclifConfig) => { _run(): Promise<unknown> };
  await new Runnable(argv, oclifConfig)._run();
}

async function unknown(name: string): Promise<Error> {
  if (name.startsWith("-")) return usage(`Unknown flag ${name}.`, "See `fleet --help`.", { flags: [name] });
  const { nearest } = await import("./nearest.js");
  const near = nearest(
    name,
    COMMANDS.map((entry) => entry.name),
  );
  return usage(`Unknown command "${name}".`, near === null ? "See `fleet --help`." : `Did you mean \`fleet ${near}\`?`, { command: name });
}

async function failure(error: unknown, context: { json: boolean; color: boolean; entry: Entry | undefined }): Promise<number> {
  // Nobody reads any more: what was only being shown has ended as it should.
  if (output.gone.aborted && session.interrupted === null && (error as { code?: unknown })?.code === "INTERRUPTED") return 0;
  const { shownError, printError } = await import("./render/errors.js");
  const command = context.entry === undefined ? undefined : await context.entry.load();
  const flags = command === undefined ? [] : Object.keys({ ...command.baseFlags, ...command.flags });
  const shown = await shownError(session.interrupted === null ? error : interruption(error), { command: context.entry?.name, flags });
  printError(shown, context);
  if (process.env.DEBUG) process.stderr.write(guarded(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`));
  return shown.exit;
}

/** An abort that came up as something else (a closed terminal, an aborted read) is an interruption all the same. */
function interruption(error: unknown): unknown {
  const { name } = (error ?? {}) as { name?: unknown };
  return name === "AbortError" ? new Failure("INTERRUPTED", "Interrupted.") : error;
}
