import { isAbsolute, join } from "node:path";
import { FleetError } from "../errors/index.js";
import type { Deps } from "./deps.js";

/** Where a program lies that the environment's PATH finds; undefined where that cannot be said before its folder is there, null if nowhere. */
export async function findProgram(
  deps: Deps,
  program: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null | undefined> {
  const places = program.includes("/")
    ? isAbsolute(program)
      ? [program]
      : null
    : (env.PATH ?? "")
        .split(":")
        .filter((folder) => folder !== "")
        .map((folder) => join(folder, program));
  // A relative path is looked for in the new worktree, which is not there yet.
  if (places === null) return undefined;
  for (const place of places) {
    // A folder on PATH that may not be looked into is passed over, as shells do.
    const real = await deps.host.files.realPath(place).catch(() => null);
    const stat = real === null ? null : await deps.host.files.stat(real);
    if (stat?.kind === "file" && (stat.mode & 0o111) !== 0) return place;
  }
  return null;
}

/** Throws `AGENT_COMMAND_MISSING` unless the program can be started from `folder` with this environment. */
export async function requireProgram(
  deps: Deps,
  program: string,
  adapter: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  if ((await findProgram(deps, program, env)) !== null) return;
  throw new FleetError("AGENT_COMMAND_MISSING", `The agent "${adapter}" needs the program "${program}", which is not installed.`, {
    hint: `Install it, or name another agent with --agent; \`fleet config set agents.${adapter}.command …\` sets another command.`,
    data: { adapter, program },
  });
}
