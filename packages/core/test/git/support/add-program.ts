import { simpleGitDriver } from "../../../src/drivers/git/index.js";
import { processDriver } from "../../../src/drivers/process/index.js";
import { fileLocks } from "../../../src/drivers/store/index.js";
import { localHost } from "../../../src/host/index.js";

/** Run as a process of its own: makes worktrees `<folder>/<prefix>-<n>` and prints one line for each that is up or failed. */
const [, , path = "", folder = "", prefix = "", count = "1"] = process.argv;
const host = localHost({ runner: "spawn" });
const git = simpleGitDriver({ host, locks: fileLocks({ processes: processDriver(host) }) });
const repo = await git.root(path);
if (repo === null) throw new Error(`${path} is no repository.`);
const base = await git.resolve(path, "HEAD");
const specs = Array.from({ length: Number(count) }, (_, n) => {
  const branch = `${prefix}-${n}`;
  return { key: branch, path: `${folder}/${branch}`, branch, mode: "create" as const, base: base ?? "", mark: () => `mark ${branch}` };
});
for await (const result of git.addWorktrees(repo, specs, { parallel: 2 })) {
  console.log(result.ok ? `ok ${result.key}` : `failed ${result.key} ${result.error.message}`);
}
