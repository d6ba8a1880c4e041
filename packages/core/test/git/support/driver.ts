import type { GitCommand, GitRunner } from "../../../src/drivers/git/client.js";
import { simpleGitDriver } from "../../../src/drivers/git/simple-git.js";
import { localHost } from "../../../src/host/index.js";
import type { Repository, Worktree } from "../../../src/model/index.js";
import type { GitDriver, Locks, WorktreeResult, WorktreeSpec } from "../../../src/ports/index.js";
import type { World } from "../../support/world.js";

/** Locks within this process: enough where one process does all. */
export function processLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>();
  return {
    hold(path, work) {
      const waited = tails.has(path);
      const turn = (tails.get(path) ?? Promise.resolve()).catch(() => undefined).then(() => work({ waited }));
      tails.set(path, turn);
      return turn;
    },
    sweep: async () => undefined,
  };
}

export interface TestDriver {
  readonly git: GitDriver;
  readonly commands: GitCommand[];
}

export function makeDriver(world: World, env: Record<string, string> = {}, locks: Locks = processLocks(), runner?: GitRunner): TestDriver {
  const commands: GitCommand[] = [];
  const host = localHost({ env: { ...world.env, ...env }, runner: "spawn" });
  const onCommand = (command: GitCommand) => commands.push(command);
  return { git: simpleGitDriver({ host, locks, timeoutMs: 60_000, onCommand, ...(runner === undefined ? {} : { runner }) }), commands };
}

export async function rootOf(git: GitDriver, folder: string): Promise<Repository> {
  const repo = await git.root(folder);
  if (repo === null) throw new Error(`${folder} belongs to no repository.`);
  return repo;
}

export function spec(path: string, branch: string, base: string, rest: Partial<WorktreeSpec> = {}): WorktreeSpec {
  return { key: branch, path, branch, mode: "create", base, ...rest };
}

export async function addAll(git: GitDriver, repo: Repository, specs: readonly WorktreeSpec[], parallel = 4): Promise<WorktreeResult[]> {
  const results: WorktreeResult[] = [];
  for await (const result of git.addWorktrees(repo, specs, { parallel })) results.push(result);
  return results;
}

export async function addOne(git: GitDriver, repo: Repository, one: WorktreeSpec): Promise<Worktree> {
  const [result] = await addAll(git, repo, [one]);
  if (result === undefined) throw new Error("No result.");
  if (!result.ok) throw result.error;
  return result.worktree;
}
