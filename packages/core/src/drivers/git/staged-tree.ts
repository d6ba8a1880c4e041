import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import type { Place } from "./save.js";
import { withScratchIndex } from "./scratch-index.js";

/** The index as a tree. In the middle of a conflict, which no tree can hold, each side stands under a folder of its own. */
export function stagedTree(git: Git, { folder, adminDir, env }: Pick<Place, "folder" | "adminDir" | "env">, call?: Call): Promise<string> {
  return withScratchIndex(git.host, adminDir, async (file) => {
    const own = { ...env, GIT_INDEX_FILE: file };
    const { exitCode, stdout } = await git.run(folder, ["write-tree"], { env: own, accept: [0, 128] }, call);
    if (exitCode === 0) return stdout.trim();
    const entries = (await git.run(folder, ["ls-files", "-z", "--stage"], { kind: "scan", env: own }, call)).stdout;
    const apart = entries.split("\0").flatMap((entry) => {
      const [, mode, oid, stage, path] = /^(\d+) ([0-9a-f]+) ([0-3])\t([\s\S]+)$/.exec(entry) ?? [];
      if (path === undefined) return [];
      return [`${mode} ${oid} 0\t${stage === "0" ? path : `stage-${stage}/${path}`}\0`];
    });
    await git.host.files.remove(file);
    await git.run(folder, ["update-index", "-z", "--index-info"], { env: own, input: apart.join("") }, call);
    return (await git.run(folder, ["write-tree"], { env: own }, call)).stdout.trim();
  });
}
