import { diskFailure, FleetError } from "../../errors/index.js";
import { printable } from "../../host/index.js";

/** How a git command ended. */
export interface GitOutcome {
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A git command that ended in a way its caller did not expect, run in `place`, as the error to throw. */
export function gitFailure(argv: readonly string[], outcome: GitOutcome, place: string): FleetError {
  const command = subcommand(argv);
  const stderr = withoutLogin(outcome.stderr);
  const reason = reasonOf({ ...outcome, stderr });
  const options = {
    data: { argv: argv.map(withoutLogin), exitCode: outcome.exitCode, stderr: stderr.slice(-4000) },
  };
  if (/No space left on device|Disk quota exceeded|File too large/.test(outcome.stderr)) {
    return new FleetError("DISK_FULL", `git ${command} ran out of space in ${place}: ${reason}`, {
      ...options,
      hint: "Free some space and run the command again.",
    });
  }
  if (/detected dubious ownership/.test(outcome.stderr)) {
    return new FleetError("PERMISSION_DENIED", `git refuses the repository because another user owns it: ${reason}`, {
      ...options,
      hint: "If you trust it, run: git config --global --add safe.directory <its path>",
    });
  }
  if (/Permission denied|Read-only file system|Operation not permitted/.test(outcome.stderr)) {
    return new FleetError("PERMISSION_DENIED", `git ${command} may not read or write a file in ${place}: ${reason}`, {
      ...options,
      hint: "Check who owns the repository's files and whether they are writable.",
    });
  }
  const lock = lockIn(stderr);
  if (lock !== null) {
    return new FleetError("DRIVER_FAILED", `git ${command} cannot go on while another git holds the lock ${printable(lock)}.`, {
      data: { ...options.data, lock },
      hint: "Run the command again when that git is done. If none runs any more, it was left behind: remove the file.",
    });
  }
  return new FleetError("DRIVER_FAILED", `git ${command} failed: ${reason}`, {
    ...options,
    hint: "Run the command with --verbose to see every git call.",
  });
}

/** git said that it was done, and what it answered cannot be: nothing is concluded from that. */
export function senseless(argv: readonly string[], stdout: string): FleetError {
  const said = printable(stdout);
  return new FleetError(
    "DRIVER_FAILED",
    `git ${subcommand(argv)} reported success, but ${said === "" ? "answered nothing" : `answered nonsense (${said})`}.`,
    {
      hint: "`command -v git` shows which program it is; --verbose shows every git call.",
      data: { tool: "git", argv: [...argv] },
    },
  );
}

/** Whether git failed at a write and does not tell why: it drops the reason where the system gave it for a file's content. */
export function isUnexplainedWrite({ stderr }: GitOutcome): boolean {
  const write = /(unable to|couldn't|could not|cannot|failed to) (write|create|append|copy|close) |write error|sha1 file|file write/;
  return write.test(stderr) && diskFailure(stderr, "git") === null;
}

/** A git that could not write to `place`, for a reason that was found out afterwards. */
export function couldNotWrite(argv: readonly string[], outcome: GitOutcome, place: string, found: FleetError): FleetError {
  const { message, data } = gitFailure(argv, outcome, place);
  const how = found.code === "DISK_FULL" ? "ran out of space" : "cannot write";
  const said = message.replace(/^git \S+ failed: /, "");
  const options = { data, cause: found, ...(found.hint === null ? {} : { hint: found.hint }) };
  return new FleetError(found.code, `git ${subcommand(argv)} ${how} in ${place}: ${said}`, options as never);
}

/** The lock file of git's that stood in the way, null if it was something else. */
function lockIn(stderr: string): string | null {
  const file = /Unable to create '(.+\.lock)': File exists/.exec(stderr)?.[1];
  const settings = /could not lock config file (.+): File exists/.exec(stderr)?.[1];
  return file?.replaceAll("/./", "/") ?? (settings === undefined ? null : `${settings}.lock`);
}

/**
 * Whether a failure is known to be two gits meeting at one file, so that trying again is right. A `gc` removes
 * the emptied folder of loose objects that another git is about to write into: no temporary file can be created there.
 */
export function isRace(stderr: string): boolean {
  return /unable to create temporary file: No such file|could not lock config file|failed to read .*commondir|Invalid path '.*\/worktrees\/.*': No such file|Unable to create '.*\.lock': File exists|cannot lock ref .*Unable to create/.test(
    stderr,
  );
}

/** Git prints addresses of remotes as they are set, with the name and password or the token in them. */
function withoutLogin(text: string): string {
  return text.replace(/\b((?:https?|ftps?):\/\/)[^\s/@]+@/g, "$1…@").replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/g, "$1:…@");
}

function reasonOf(outcome: GitOutcome): string {
  const lines = outcome.stderr
    .slice(-100_000)
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "" && !/^(hint|warning):/.test(line));
  const telling = lines.find((line) => /^(fatal|error):/.test(line)) ?? lines.at(-1);
  if (telling !== undefined) return shorten(telling.replace(/^(fatal|error):\s*/, ""));
  return outcome.exitCode === null ? "a signal ended it" : `exit code ${outcome.exitCode}`;
}

/** One line of an error message: what git says is short, what another program says in its name may be anything. */
function shorten(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\ufffd]+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** `status` of `-c x=y status -z`. */
export function subcommand(argv: readonly string[]): string {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === "-c" || word === "-C") i++;
    else if (!word.startsWith("-")) return word;
  }
  return argv[0] ?? "";
}
