import { FleetError } from "../../errors/index.js";
import { printable } from "../../host/index.js";
import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";

const ANY_EXIT = Array.from({ length: 256 }, (_, code) => code);

const NEEDED: readonly [number, number] = [2, 36];

/** git's version. Throws `TOOL_OLD` below 2.36, `TOOL_MISSING` without one. */
export async function gitVersion(git: Git, call?: Call): Promise<string> {
  const { stdout, stderr, exitCode } = await git.run("/", ["--version"], { kind: "quick", accept: ANY_EXIT }, call);
  const found = /^git version (\d+)\.(\d+)(?:\.\d+)*/m.exec(stdout);
  if (found === null || exitCode !== 0) {
    const said = printable(stdout + stderr);
    throw new FleetError("DRIVER_FAILED", `git does not work: \`git --version\` gave no version (${said || `exit code ${exitCode}`}).`, {
      hint: "Run `git --version` to see; `command -v git` shows which program it is.",
      data: { tool: "git", exitCode },
    });
  }
  const version = found[0].slice("git version ".length);
  const [, major, minor] = found;
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
