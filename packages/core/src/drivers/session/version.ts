import { FleetError, isFleetError } from "../../errors/index.js";
import { printable } from "../../host/index.js";
import type { Call, Host } from "../../ports/index.js";

const NEEDED = "3.2";
/** A tmux that has not told its version within this time does not work, milliseconds. */
const VERSION_MS = 3000;

/** The version of tmux on the host. Throws `TOOL_MISSING`, `TOOL_OLD`. */
export async function tmuxVersion(host: Host, env: Readonly<Record<string, string>>, call?: Call): Promise<string> {
  const result = await host.run(["tmux", "-V"], { env, timeoutMs: VERSION_MS, keepBytes: 4096, endRest: true }, call).catch((error) => {
    if (!isFleetError(error, "TIMEOUT")) throw error;
    throw new FleetError("TIMEOUT", `tmux does not answer: \`tmux -V\` did not end within ${VERSION_MS / 1000} s.`, {
      hint: "Run `tmux -V` to see what holds it up; `command -v tmux` shows which program it is.",
      data: { tool: "tmux" },
      cause: error,
    });
  });
  const version = parseVersion(result.stdout);
  if (version === null || result.exitCode !== 0) {
    const said = printable(result.stdout + result.stderr);
    const ended = result.exitCode === null ? `ended by ${result.exitSignal ?? "a signal"}` : `exit code ${result.exitCode}`;
    throw new FleetError("DRIVER_FAILED", `tmux does not work: \`tmux -V\` gave no version (${said === "" ? ended : said}).`, {
      hint: "Run `tmux -V` to see; `command -v tmux` shows which program it is.",
      data: { tool: "tmux", exitCode: result.exitCode },
    });
  }
  if (version.major < 3 || (version.major === 3 && version.minor < 2)) {
    throw new FleetError("TOOL_OLD", `tmux ${version.text} is too old: ${NEEDED} or newer is needed.`, {
      hint: `Install tmux ${NEEDED} or newer.`,
      data: { tool: "tmux", found: version.text, needed: NEEDED },
    });
  }
  return version.text;
}

/** `tmux 3.3a`, `tmux next-3.5`, `tmux openbsd-7.4`, `tmux master`. */
export function parseVersion(printed: string): { readonly text: string; readonly major: number; readonly minor: number } | null {
  const text = /^tmux\s+(\S+)/.exec(printed)?.[1];
  if (text === undefined) return null;
  const numbers = /^(?:next-)?(\d+)\.(\d+)/.exec(text);
  // Builds without a number of their own (master, openbsd-7.4) are newer than what is needed.
  if (numbers === null) return { text, major: Number.POSITIVE_INFINITY, minor: 0 };
  return { text, major: Number(numbers[1]), minor: Number(numbers[2]) };
}
