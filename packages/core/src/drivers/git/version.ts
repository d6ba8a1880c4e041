import { FleetError } from "../../errors/index.js";
import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";

const NEEDED: readonly [number, number] = [2, 36];

/** git's version. Throws `TOOL_OLD` below 2.36, `TOOL_MISSING` without one. */
export async function gitVersion(git: Git, call?: Call): Promise<string> {
  const { stdout } = await git.run("/", ["--version"], { kind: "quick" }, call);
  const found = /(\d+)\.(\d+)(?:\.\d+)*/.exec(stdout);
  if (found === null) throw new FleetError("DRIVER_FAILED", `git told no version: ${stdout.trim()}`);
  const [version, major, minor] = found;
  checkVersion(version, Number(major), Number(minor));
  return version;
}

export function checkVersion(version: string, major: number, minor: number): void {
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return;
  const needed = NEEDED.join(".");
  throw new FleetError("TOOL_OLD", `git ${version} is too old: ${needed} or later is needed.`, {
    data: { tool: "git", found: version, needed },
    hint: `Install git ${needed} or later.`,
  });
}
