import { basename, join } from "node:path";
import { FleetError } from "../../../errors/index.js";
import { token } from "../../../host/index.js";
import type { Repository, Worktree } from "../../../model/index.js";
import type { HostFiles, WorktreeSpec } from "../../../ports/index.js";
import type { Git } from "../client.js";
import { MARK_FILE } from "../marks.js";
import { restOf, withRest } from "./registered.js";

const ATTEMPTS = 50;

/**
 * Registers a worktree as `git worktree add --no-checkout` does, without its processes: the files that
 * gitrepository-layout(5) describes, written beside and renamed into place, so that no git ever sees
 * half of them (which is what parallel `git worktree add`s fail on). The mark is among them.
 *
 * `append` makes the small files: they lie in a folder nobody knows yet, so the care `write` takes
 * (another file, fsync, rename for each) would only cost time.
 */
export async function registerByHand(git: Git, repo: Repository, spec: WorktreeSpec, seed: Omit<Worktree, "adminDir">): Promise<Worktree> {
  const { files } = git.host;
  const registry = join(repo.commonDir, "worktrees");
  const unfinished = join(repo.commonDir, `aifleet-new-${process.pid}-${token()}`);
  await files.makeFolder(registry, 0o755);
  let made = false;
  try {
    await files.makeFolder(unfinished, 0o755);
    await files.append(join(unfinished, "HEAD"), seed.branch === null ? `${seed.head}\n` : `ref: refs/heads/${seed.branch}\n`);
    await files.append(join(unfinished, "commondir"), "../..\n");
    await files.append(join(unfinished, "gitdir"), `${seed.path}/.git\n`);
    await files.makeFolder(seed.path, 0o755);
    made = true;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const adminDir = join(registry, await freeName(files, registry, basename(seed.path), attempt));
      const worktree: Worktree = { ...seed, adminDir };
      // Before the registration: a registration whose folder does not name it back looks abandoned, and any `git gc` may prune it.
      await rewrite(files, join(seed.path, ".git"), `gitdir: ${adminDir}\n`);
      if (spec.mark !== undefined) await rewrite(files, join(unfinished, MARK_FILE), spec.mark(worktree));
      try {
        await files.rename(unfinished, adminDir);
        return worktree;
      } catch (error) {
        // Another git took the name, or removed the folder with its last entry.
        if ((await files.stat(adminDir)) === null && (await files.stat(registry)) !== null) throw error;
        await files.makeFolder(registry, 0o755);
      }
    }
    throw new FleetError("DRIVER_FAILED", `No name was free in ${registry} for the worktree ${seed.path}.`);
  } catch (error) {
    const left = await restOf(async () => {
      await files.removeTree(unfinished);
      if (made) await files.removeTree(seed.path);
    });
    throw left === null ? error : withRest(error, left);
  }
}

async function freeName(files: HostFiles, registry: string, folder: string, attempt: number): Promise<string> {
  const base = folder.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 100) || "worktree";
  for (let n = attempt; ; n++) {
    const name = n === 0 ? base : `${base}${n}`;
    if ((await files.stat(join(registry, name))) === null) return name;
  }
}

async function rewrite(files: HostFiles, path: string, content: string): Promise<void> {
  await files.remove(path);
  await files.append(path, content);
}
