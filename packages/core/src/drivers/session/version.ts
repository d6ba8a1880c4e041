import { FleetError } from "../../errors/index.js";
import type { Call, Host } from "../../ports/index.js";

const NEEDED = "3.2";

/** The version of tmux on the host. Throws `TOOL_MISSING`, `TOOL_OLD`. */
export async function tmuxVersion(host: Host, env: Readonly<Record<string, string>>, call?: Call): Promise<string> {
  const { stdout, stderr, exitCode } = await host.run(["tmux", "-V"], { env, timeoutMs: 5000 }, call);
  const version = parseVersion(stdout);
  if (version === null)
    throw new FleetError("DRIVER_FAILED", `tmux -V gave no version: ${(stdout + stderr).trim() || `exit code ${exitCode}`}`);
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
