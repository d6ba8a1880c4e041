import { join } from "node:path";
import { givenUpAmong, isDeleting, isLeft, isProject, wakeDeleter } from "../given-up.js";
import { type Check, type Finding, note, ok, problem } from "./finding.js";

/** How long sizes are counted, milliseconds. */
const COUNT_MS = 3000;

/** What is left of removed worktrees: what is being deleted, and what could not be. */
export const checkRemains: Check = async ({ deps, call }) => {
  const { files } = deps.host;
  const { root } = deps.settings.config.worktree;
  const names = (await files.list(root)) ?? [];
  const findings: Finding[] = [];
  const given = givenUpAmong(names).map((name) => join(root, name));
  if (given.length > 0) {
    const size = await sizeOf(given);
    const folders = given.length === 1 ? "1 folder" : `${given.length} folders`;
    const what = `${folders} of removed worktrees${size === null ? "" : `, ${size},`}`;
    const verb = given.length === 1 ? "is" : "are";
    if (await isDeleting(deps)) findings.push(note("removed", `${what} ${verb} being deleted in the background.`));
    else {
      await wakeDeleter(deps);
      findings.push(note("removed", `${what} ${verb} to be deleted; a process in the background has been started for it.`));
    }
  }
  const places = [root, ...names.filter(isProject).map((name) => join(root, name))];
  for (const place of places)
    for (const name of ((await files.list(place).catch(() => null)) ?? []).filter(isLeft)) {
      const path = join(place, name);
      findings.push(problem("removed", `${path} could not be deleted; its files may belong to another user.`, `sudo rm -rf ${path}`));
    }
  return findings.length > 0 ? findings : [ok("removed", "Nothing is left of removed worktrees.")];

  async function sizeOf(folders: readonly string[]): Promise<string | null> {
    // What goes while it is counted makes `du` complain, and the total is right all the same.
    const counted = await deps.host.run(["du", "-skc", "--", ...folders], { timeoutMs: COUNT_MS }, call).catch(() => null);
    const kilobytes = Number(/^(\d+)\ttotal$/m.exec(counted?.stdout ?? "")?.[1] ?? Number.NaN);
    if (!Number.isFinite(kilobytes)) return null;
    return kilobytes < 1024 * 1024 ? `${Math.ceil(kilobytes / 1024)} MB` : `${(kilobytes / 1024 / 1024).toFixed(1)} GB`;
  }
};
