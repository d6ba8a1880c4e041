import { join } from "node:path";
import { FleetError } from "../../errors/index.js";
import { token } from "../../host/index.js";
import type { HostFiles } from "../../ports/index.js";
import { isAdminDirOf } from "./links.js";

/**
 * Takes one worktree out of the repository's registrations, locked or not; fine if it is gone. Never `git worktree prune`: that
 * unregisters every sibling that is away for a moment.
 */
export async function unregister(files: HostFiles, commonDir: string, adminDir: string): Promise<void> {
  const away = await takeOut(files, commonDir, adminDir);
  if (away !== null) await files.removeTree(away);
}

/**
 * As {@link unregister}, but the admin directory is only renamed away, which comes first in any case, because a git that lists worktrees while one
 * is being deleted fails on the half of it. Answers with the folder that is to be deleted, null if it was gone.
 */
export async function takeOut(files: HostFiles, commonDir: string, adminDir: string): Promise<string | null> {
  if (!isAdminDirOf(commonDir, adminDir)) {
    throw new FleetError("DRIVER_FAILED", `${adminDir} is no worktree's admin directory of ${commonDir}; nothing was removed.`);
  }
  if ((await files.stat(adminDir)) === null) return null;
  const away = join(commonDir, `aifleet-gone-${process.pid}-${token()}`);
  await files.rename(adminDir, away);
  return away;
}
