import { chmodSync, readdirSync, statSync } from "node:fs";
import type { HomePaths } from "./paths.js";

/** Names of what lies in a home. A folder that holds others is not the fleet's alone. */
const OURS = /^(config\.toml|state\.json|trust\.json|tmux\.(conf|sock)|worktrees|logs|trash|journal|run|cache|queue)($|\.)|^\.tmp-/;

/**
 * Closes to others what a home that was there before left open: the home itself, where nothing but the
 * fleet lives in it and the user owns it, and the fleet's folders in it. Answers with a sentence on each.
 */
export function closeHome(paths: HomePaths): readonly string[] {
  const told: string[] = [];
  for (const path of [paths.home, paths.logs, paths.trash, paths.journal, paths.run, paths.worktrees]) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || (stat.mode & 0o077) === 0 || stat.uid !== process.getuid?.()) continue;
    if (path === paths.home && readdirSync(path).some((name) => !OURS.test(name))) continue;
    chmodSync(path, 0o700);
    told.push(`${path} was open to other users (mode ${(stat.mode & 0o777).toString(8).padStart(4, "0")}); it is private now (0700).`);
  }
  return told;
}
