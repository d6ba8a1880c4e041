import { join } from "node:path";
import type { Deps } from "./deps.js";

/** A folder that was made and never registered: empty, or with nothing in it but a `.git` file that leads nowhere. */
export async function removeBare(deps: Deps, commonDir: string, path: string): Promise<void> {
  const { files } = deps.host;
  const names = (await files.stat(path))?.kind === "folder" ? await files.list(path) : null;
  if (names === null || names.some((name) => name !== ".git")) return;
  if (names.length > 0) {
    const adminDir = /^gitdir: (.+)\n$/.exec((await files.read(join(path, ".git"))) ?? "")?.[1] ?? "";
    // An empty file is one that was being written.
    if (adminDir !== "" && (!adminDir.startsWith(`${commonDir}/worktrees/`) || (await files.stat(adminDir)) !== null)) return;
    if ((await files.stat(join(path, ".git")))?.kind !== "file") return;
  }
  await files.removeTree(path);
}
