import { RUN_MARK } from "../../host/index.js";
import type { Host } from "../../ports/index.js";

/**
 * What a git command is for.
 *
 * - `quick`: a question git answers from a few files; given up after {@link QUICK_MS} without progress
 * - `scan`: a question that may look at every file of a work tree
 * - `act`: changes something, and may run hooks and filters of the user's
 */
export type GitKind = "quick" | "scan" | "act";

/** Milliseconds without progress after which a quick question is given up. */
export const QUICK_MS = 3000;

/**
 * What must be so for our own commands, whatever the user has set. Many run in the git directory itself, which
 * `safe.bareRepository` may forbid where git came upon it by chance; ours was found before, by rules that it is part
 * of. A file system monitor is a program that outlives the worktree, and a wrong word of it would lose work.
 */
const SETTINGS = [
  ["safe.bareRepository", "all"],
  ["core.fsmonitor", "false"],
] as const;

/** Leaves the settings to the user: for the question where a repository is. */
export const USERS_SETTINGS = { GIT_CONFIG_COUNT: "0" } as const;

/** What is to be added to a command's environment for more settings. */
export function moreSettings(settings: readonly (readonly [key: string, value: string])[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(SETTINGS.length + settings.length) };
  for (const [i, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${SETTINGS.length + i}`] = key;
    env[`GIT_CONFIG_VALUE_${SETTINGS.length + i}`] = value;
  }
  return env;
}

/**
 * The environment git runs in: the host user's, less every `GIT_*` variable (one inherited from a
 * hook would send the command to another repository).
 *
 * Questions speak C so that the few messages we must read are known, and take no optional locks.
 * Commands that run hooks and filters keep the user's locale, because those print and encode in it;
 * `LANGUAGE` alone keeps git's own messages English.
 */
export function gitEnvironment(host: Host, kind: GitKind, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(host.env)) {
    if (!/^GIT_/i.test(name)) env[name] = value;
  }
  env[RUN_MARK.name] = RUN_MARK.value;
  for (const [i, [key, value]] of SETTINGS.entries())
    Object.assign(env, { [`GIT_CONFIG_KEY_${i}`]: key, [`GIT_CONFIG_VALUE_${i}`]: value });
  env.GIT_CONFIG_COUNT = String(SETTINGS.length);
  env.GIT_TERMINAL_PROMPT = "0";
  env.LANGUAGE = "en";
  if (kind !== "act") {
    env.LC_ALL = "C";
    env.GIT_OPTIONAL_LOCKS = "0";
  }
  return Object.assign(env, extra);
}
