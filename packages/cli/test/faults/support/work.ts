import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../../../core/test/support/world.js";
import type { Case } from "./cases.js";
import { contentOf, type Expectation, type Listed, listed, savedIds, strays } from "./oracle.js";
import { json } from "./run.js";
import type { Stage } from "./stage.js";

/** What may be there after a command of that case, whatever became of it. */
export function expectedOf(stage: Stage, testCase: Case, agents: readonly Listed[]): Expectation {
  const more = testCase.expects?.(stage, agents) ?? {};
  const { branches, ids } = stage.before;
  return { ...more, branches: [...branches, ...(more.branches ?? []).filter((name) => !branches.has(name))], ended: ids };
}

/** What is lost of the work that was there: commits on no ref, files that are neither in the worktree nor restored as they were. */
export async function lostWork({ scene, before }: Stage, { work, drops, expects }: Case, agents: readonly Listed[]): Promise<string[]> {
  const { world, repo } = scene;
  const wrong: string[] = [];
  for (const commit of before.commits) {
    const refs = world.git(repo, "for-each-ref", "--contains", commit, "--format=%(refname)").trim();
    if (refs === "") wrong.push(`the commit ${commit} is on no ref`);
  }
  if (work === undefined) return wrong;
  if (drops === true && savedIds(world).length === 0) return wrong;
  let worktree = agents.find(({ branch }) => branch === "a")?.worktree ?? expects?.({ scene, before } as Stage, agents).worktrees?.[0];
  if (worktree === undefined) {
    const restored = await json<{ agent?: Listed; error?: { message: string } }>(world, repo, "restore", "a");
    worktree = restored.agent?.worktree;
    if (worktree === undefined) return [...wrong, `the work cannot be restored: ${restored.error?.message}`];
    const after = await listed(world, repo);
    wrong.push(...(await strays(world, repo, after.agents, { ended: [...savedIds(world), ...idsOfLogs(world)] })));
  }
  const files = contentOf(worktree);
  for (const [file, content] of Object.entries(work)) {
    const mode = file === "run.sh" ? "755" : "644";
    if (files[file] !== `${mode} ${content}`) wrong.push(`${file} is ${files[file] ?? "gone"}`);
  }
  const status = world.git(worktree, "status", "--porcelain", "-uall");
  if (!status.includes("A  new/file.txt") || !status.includes("?? run.sh") || !status.includes(" M README.md"))
    wrong.push(`status is ${status}`);
  return wrong;
}

/** Ids of agents whose logs are kept: also of those that are gone. */
export function idsOfLogs(world: World): string[] {
  return readdirSync(join(world.fleetHome, "logs")).map((name) => name.split(".")[0] as string);
}
