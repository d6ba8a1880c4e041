import { FleetError, isFleetError } from "../errors/index.js";
import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** How much of a setup command's output is kept for the error, bytes of each stream. */
const KEPT_OUTPUT = 64 * 1024;

/**
 * Runs the setup commands in order in a new worktree. They are the user's own shell lines, from a file
 * the user wrote or trusted. Throws `SETUP_FAILED` with the command's last output.
 */
export async function runSetup(
  deps: Deps,
  where: { readonly worktree: string; readonly env: Readonly<Record<string, string>> },
  commands: readonly string[],
  timeoutSeconds: number,
  onCommand: (command: string) => void,
  call?: Call,
): Promise<void> {
  for (const command of commands) {
    onCommand(command);
    const result = await runOne(deps, where, command, timeoutSeconds, call);
    if (result.exitCode === 0) continue;
    const output = lastLines(`${result.stdout}\n${result.stderr}`);
    const words = lastWords(output);
    const how = result.exitCode === null ? `ended by ${result.exitSignal ?? "a signal"}` : `exit ${result.exitCode}`;
    throw new FleetError("SETUP_FAILED", `The setup command \`${command}\` failed (${how})${words === "" ? "." : `: ${words}`}`, {
      hint: "Mend setup.commands, or skip them with --quick.",
      data: { command, exitCode: result.exitCode, output },
    });
  }
}

async function runOne(
  deps: Deps,
  where: { readonly worktree: string; readonly env: Readonly<Record<string, string>> },
  command: string,
  timeoutSeconds: number,
  call?: Call,
) {
  try {
    return await deps.host.run(
      ["/bin/sh", "-c", command],
      { cwd: where.worktree, env: where.env, timeoutMs: timeoutSeconds * 1000, keepBytes: KEPT_OUTPUT },
      call,
    );
  } catch (error) {
    if (!isFleetError(error, "TIMEOUT")) throw error;
    throw new FleetError("SETUP_FAILED", `The setup command \`${command}\` ran longer than ${timeoutSeconds} s and was ended.`, {
      hint: "Raise setup.timeout, mend the command, or skip it with --quick.",
      data: { command, exitCode: null, output: "" },
      cause: error,
    });
  }
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
