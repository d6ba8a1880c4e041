import { FleetError } from "../../errors/index.js";
import { limitLine } from "../../model/index.js";
import type { SessionSpec } from "../../ports/index.js";
import { shellWord } from "./quote.js";

/** One argument or variable may hold this many bytes, its ending NUL not counted: the limit of Linux. */
const MAX_BYTES = 131_071;

/**
 * Names that are not handed over: those the terminal itself sets (what the user's own terminal is
 * says nothing about a tmux pane), those that describe the caller's place, and those that a shell
 * holds read-only or takes offence at.
 */
const NOT_HANDED_OVER =
  /^(TERM|TERM_PROGRAM|TERM_PROGRAM_VERSION|TMUX.*|LINES|COLUMNS|PWD|OLDPWD|_|UID|EUID|PPID|OPTIND|LINENO|SHELLOPTS|BASHOPTS|BASH_VERSINFO|IFS)$/;

/** What the server's own environment or the shell would add. */
const FROM_SERVER = ["TMUX", "TMUX_PANE", "PATH", "HOME", "LANG", "SHELL", "OLDPWD"];

/** Left behind by a script that could not enter the folder, so that this is told from a program that exits 71. */
export const NO_FOLDER_SUFFIX = ".cwd";

/**
 * The script that a pane starts with: enters the folder, sets the environment and becomes the program.
 * All of the user's text stands in it single-quoted and nowhere else. With a
 * `umask`, in octal, what the program makes has it; else that of whoever started the server. `removesItself`, which takes a
 * program of its own: else whoever made it removes it once it has run.
 */
export function specScript(spec: SessionSpec, path: string, umask: string | null = null, removesItself = true): string {
  const handed = Object.entries(spec.env).filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !NOT_HANDED_OVER.test(name));
  const kept = new Set(handed.map(([name]) => name));
  const dropped = FROM_SERVER.filter((name) => !kept.has(name));
  const file = shellWord(path);
  return [
    ...(removesItself ? [`rm -f -- ${file}`] : []),
    `cd -P -- ${shellWord(spec.cwd)} 2>/dev/null || { umask 077; : > ${file}${NO_FOLDER_SUFFIX}; exit 71; }`,
    limitLine(spec.agent),
    ...(umask === null ? [] : [`umask ${umask}`]),
    `unset ${dropped.join(" ")}`,
    ...handed.map(([name, value]) => `export ${name}=${shellWord(value)}`),
    "export PWD",
    `exec ${spec.argv.map(shellWord).join(" ")}`,
    "",
  ].join("\n");
}

/** Throws where a spec could not be started as it is. */
export function checkSpec(spec: SessionSpec): void {
  const wrong = (what: string) => new FleetError("DRIVER_FAILED", `The session ${spec.name} cannot be started: ${what}.`);
  if (!/^[A-Za-z0-9_-]+$/.test(spec.name)) throw wrong("its name may hold only letters, digits, _ and -");
  if (!/^[A-Za-z0-9]+$/.test(spec.agent)) throw wrong("the agent's id may hold only letters and digits");
  if (!spec.cwd.startsWith("/")) throw wrong("its folder must be an absolute path");
  if (!spec.logFile.startsWith("/") || spec.logFile.endsWith("\n")) throw wrong("its log must be an absolute path");
  const texts = [...spec.argv, spec.cwd, spec.logFile, ...Object.values(spec.env)];
  if (texts.some((text) => text.includes("\0"))) throw wrong("an argument or variable holds a NUL");
  if (spec.argv[0] === "") throw wrong("the program has no name");
  if (spec.argv.some((text) => Buffer.byteLength(text) > MAX_BYTES)) throw wrong(`an argument is longer than ${MAX_BYTES} bytes`);
}
