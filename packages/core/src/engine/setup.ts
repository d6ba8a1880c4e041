import { FleetError, isFleetError } from "../errors/index.js";
import { limitLine } from "../model/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { withoutSecrets } from "./secrets.js";

/** How much of a setup command's output is kept for the error, bytes of each stream. */
const KEPT_OUTPUT = 64 * 1024;

/** The command comes in a variable, which nothing it starts inherits: what stands in an argv is everyone's to read. */
const RUN = 'set -- "$AIFLEET_SETUP"; unset AIFLEET_SETUP; eval "shift; $1"';

/**
 * Runs the setup commands in order in a new worktree. They are the user's own shell lines, from a file
 * the user wrote or trusted. Throws `SETUP_FAILED` with the command's last output.
 */
export async function runSetup(
  deps: Deps,
  where: { readonly worktree: string; readonly env: Readonly<Record<string, string>> },
  commands: readonly string[],
  timeoutSeconds: number,
  onCommand: (name: string) => void,
  call?: Call,
): Promise<void> {
  for (const [i, command] of commands.entries()) {
    const name = commands.length === 1 ? nameOf(command) : `${i + 1} of ${commands.length}, ${nameOf(command)}`;
    onCommand(name);
    const result = await runOne(deps, where, command, name, timeoutSeconds, call);
    if (result.exitCode === 0) continue;
    const output = withoutSecrets(deps, lastLines(`${result.stdout}\n${result.stderr}`));
    const words = lastWords(output);
    const how = result.exitCode === null ? `ended by ${result.exitSignal ?? "a signal"}` : `exit ${result.exitCode}`;
    throw new FleetError("SETUP_FAILED", `The setup command ${name} failed (${how})${words === "" ? "." : `: ${words}`}`, {
      hint: "Mend setup.commands, or skip them with --quick.",
      data: { command: name, exitCode: result.exitCode, output },
    });
  }
}

async function runOne(
  deps: Deps,
  where: { readonly worktree: string; readonly env: Readonly<Record<string, string>> },
  command: string,
  name: string,
  timeoutSeconds: number,
  call?: Call,
) {
  try {
    return await deps.host.run(
      ["/bin/sh", "-c", where.env.AIFLEET_ID === undefined ? RUN : `${limitLine(where.env.AIFLEET_ID)}; ${RUN}`],
      { cwd: where.worktree, env: { ...where.env, AIFLEET_SETUP: command }, timeoutMs: timeoutSeconds * 1000, keepBytes: KEPT_OUTPUT },
      call,
    );
  } catch (error) {
    if (!isFleetError(error, "TIMEOUT")) throw error;
    throw new FleetError("SETUP_FAILED", `The setup command ${name} ran longer than ${timeoutSeconds} s and was ended.`, {
      hint: "Raise setup.timeout, mend the command, or skip it with --quick.",
      data: { command: name, exitCode: null, output: "" },
      cause: error,
    });
  }
}

/** A command as it may be shown: its program alone, for the rest may hold a password. */
function nameOf(command: string): string {
  const program =
    command
      .trim()
      .split(/[\s;|&<>()]+/)
      .find((word) => word !== "" && !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word)) ?? "";
  const name = program.slice(program.lastIndexOf("/") + 1);
  return /^[A-Za-z][\w.+-]{0,30}$/.test(name) ? `\`${name} …\`` : "`…`";
}

/** The last line of some output, short enough for a message of one line. */
export function lastWords(output: string): string {
  const line = output.split("\n").at(-1)?.trim() ?? "";
  return line.length > 200 ? `…${line.slice(-200)}` : line;
}

/** The last few lines, short enough to go with an error. */
export function lastLines(text: string, count = 5): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-count)
    .join("\n")
    .slice(-2000);
}
