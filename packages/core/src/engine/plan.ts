import { join } from "node:path";
import { FleetError } from "../errors/index.js";
import {
  type AgentRecord,
  type BranchFacts,
  PERMISSION_MODES,
  type PermissionMode,
  type Repository,
  type Warning,
} from "../model/index.js";
import type { AgentAdapter, Call } from "../ports/index.js";
import { checkPromptText } from "./deliver.js";
import type { Deps } from "./deps.js";
import { projectName, slugFor } from "./names.js";
import { requireProgram } from "./program.js";

/** One agent somebody asked for. */
export interface Wish {
  readonly branch: string;
  readonly prompt: string | null;
  readonly adapter: string;
  readonly mode: PermissionMode | null;
  readonly from: string | null;
  readonly setup: readonly string[];
  readonly batch: string | null;
  readonly index: number | null;
  /** Refuse a branch that exists instead of working on it. */
  readonly mustBeNew: boolean;
}

/** One agent that can be made: every check that needs no change has passed. */
export interface Plan {
  readonly wish: Wish;
  readonly adapter: AgentAdapter;
  readonly mode: "create" | "use" | "track";
  /** Commit the branch starts from. */
  readonly base: string;
  /** What git is given to start from: the commit, or the remote ref to track. */
  readonly start: string;
}

/** Checks several wishes against repository and settings. Changes nothing; throws at the first that cannot be. */
export async function makePlans(
  deps: Deps,
  repo: Repository,
  folder: string,
  wishes: readonly Wish[],
  warn: (warning: Warning) => void,
  call?: Call,
): Promise<readonly Plan[]> {
  const { git } = deps;
  refuseTwins(wishes);
  for (const wish of wishes) {
    git.checkBranchName(wish.branch);
    if (wish.prompt !== null) checkPromptText(wish.prompt);
  }
  const adapters = new Map<string, AgentAdapter>();
  for (const name of new Set(wishes.map((wish) => wish.adapter))) adapters.set(name, await requireAdapter(deps, name));
  for (const { adapter, mode } of wishes) if (mode !== null) requireMode(adapters.get(adapter) as AgentAdapter, mode);

  const names = wishes.map((wish) => wish.branch);
  const revisions = new Set(wishes.map((wish) => wish.from ?? deps.settings.config.worktree.base));
  const [facts, ...commits] = await Promise.all([
    git.branches(repo, names, call),
    ...[...revisions].map(async (revision) => [revision, await git.resolve(folder, revision, call)] as const),
  ]);
  const resolved = new Map(commits);
  return wishes.map((wish) => {
    const known = facts.get(wish.branch);
    if (known === undefined) throw new FleetError("DRIVER_FAILED", `git said nothing about the branch ${wish.branch}.`);
    const revision = wish.from ?? deps.settings.config.worktree.base;
    const adapter = adapters.get(wish.adapter) as AgentAdapter;
    return { wish, adapter, ...startOf(wish, known, revision, resolved.get(revision) ?? null, warn) };
  });
}

function startOf(
  wish: Wish,
  facts: BranchFacts,
  revision: string,
  commit: string | null,
  warn: (warning: Warning) => void,
): Pick<Plan, "mode" | "base" | "start"> {
  const { branch } = wish;
  if (facts.checkedOutAt !== null) {
    throw new FleetError("BRANCH_IN_USE", `The branch "${branch}" is checked out at ${facts.checkedOutAt}.`, {
      hint: "A branch can be checked out once: take another name, or switch that worktree to another branch.",
      data: { branch, place: facts.checkedOutAt },
    });
  }
  if (facts.blockedBy !== null) {
    throw branchBlocked(branch, facts.blockedBy);
  }
  if (facts.tip !== null) {
    if (wish.from !== null || wish.mustBeNew) {
      throw branchExists(wish);
    }
    warn({ code: "BRANCH_USED", branch, message: `The branch ${branch} exists and is used as it is.` });
    return { mode: "use", base: facts.tip, start: facts.tip };
  }
  const remote = facts.remotes[0];
  if (remote !== undefined && wish.from === null && !wish.mustBeNew) {
    if (facts.remotes.length > 1) {
      throw new FleetError(
        "BRANCH_EXISTS",
        `The branch "${branch}" exists on several remotes: ${facts.remotes.map((entry) => entry.remote).join(", ")}.`,
        {
          hint: `Say which with --from, for example --from ${remote.remote}/${branch}.`,
          data: { branch },
        },
      );
    }
    warn({ code: "BRANCH_TRACKED", branch, message: `The branch ${branch} exists on ${remote.remote} and is checked out from there.` });
    return { mode: "track", base: remote.tip, start: remote.ref };
  }
  if (commit === null) throw noCommit(revision);
  return { mode: "create", base: commit, start: commit };
}

/**
 * Throws what would still stand against a wish once the agent that has its branch is gone, so that
 * nobody is ended for nothing.
 */
export async function checkReplacement(deps: Deps, repo: Repository, folder: string, wish: Wish, old: AgentRecord): Promise<void> {
  if (wish.prompt !== null) checkPromptText(wish.prompt);
  await requireAdapter(deps, wish.adapter);
  if (wish.from === null) return;
  if ((await deps.git.resolve(folder, wish.from)) === null) throw noCommit(wish.from);
  const tip = (await deps.git.branches(repo, [wish.branch])).get(wish.branch)?.tip ?? null;
  // The branch goes with the agent only where it loses nothing.
  const goes = tip === null || (old.createdBranch && (await deps.git.isReachable(repo, tip, { except: wish.branch })));
  if (!goes) throw branchExists(wish);
}

function branchExists({ branch, from }: Wish): FleetError {
  return new FleetError("BRANCH_EXISTS", `The branch "${branch}" exists already.`, {
    hint: from === null ? "Take another name or prefix." : "Leave out --from to work on the branch as it is, or take another name.",
    data: { branch },
  });
}

/** A base that names nothing. */
export function noCommit(revision: string): FleetError {
  const unborn = revision === "HEAD";
  return new FleetError(
    "REF_NOT_FOUND",
    unborn ? "The repository has no commit yet." : `"${revision}" names no commit in this repository.`,
    {
      hint: unborn ? "Make a first commit: agents start from one." : "`git branch --all` and `git tag` show what there is.",
      data: { ref: revision },
    },
  );
}

function refuseTwins(wishes: readonly Wish[]): void {
  const seen = new Set<string>();
  for (const { branch } of wishes) {
    if (seen.has(branch))
      throw new FleetError("USAGE", `The branch "${branch}" is named twice.`, { hint: "Give every task a branch of its own." });
    seen.add(branch);
  }
  for (const branch of seen) {
    const folder = foldersOf(branch).find((name) => seen.has(name));
    if (folder !== undefined) throw branchBlocked(branch, folder);
  }
}

/** `a/b/c` -> `a`, `a/b` */
function foldersOf(branch: string): readonly string[] {
  const parts = branch.split("/");
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join("/"));
}

/** A name that git cannot keep beside another. */
export function branchBlocked(branch: string, by: string): FleetError {
  return new FleetError(
    "BRANCH_IN_USE",
    `The branch "${branch}" cannot be made beside the branch "${by}": git keeps one name inside the other.`,
    {
      hint: "Take a name that is no folder of the other.",
      data: { branch, place: by },
    },
  );
}

/** The adapter of that name, whose program is installed. Throws `CONFIG_INVALID` or `AGENT_COMMAND_MISSING`. */
export async function requireAdapter(deps: Deps, name: string): Promise<AgentAdapter> {
  const adapter = deps.adapters.get(name);
  if (adapter === null) {
    throw new FleetError("CONFIG_INVALID", `There is no agent "${name}".`, {
      hint: `Known are ${deps.adapters.names().join(", ")}; a new one is made by setting agents.${/^[\w-]+$/.test(name) ? name : "<name>"}.command.`,
      data: { key: "agent.default" },
    });
  }
  const command = deps.settings.config.agents[name]?.command ?? null;
  const program = command?.[0] ?? adapter.program;
  await requireProgram(deps, program, name, { ...deps.env, ...deps.settings.config.agents[name]?.env });
  return adapter;
}

/** Throws `USAGE` for a mode that cannot be had of a program: it would run with other rights than somebody thinks. */
function requireMode({ name, title, modes = {} }: AgentAdapter, mode: PermissionMode): void {
  if (modes[mode] !== undefined) return;
  const known = PERMISSION_MODES.filter((one) => modes[one] !== undefined);
  throw new FleetError("USAGE", `${title} has no permission mode "${mode}".`, {
    hint: known.length > 0 ? `It has ${known.join(", ")}.` : `Give its own arguments with agents.${name}.flags.`,
    data: { adapter: name, mode, known },
  });
}

/** The record an agent starts with. `taken`: slugs of the project that are in use. */
export function newRecord(deps: Deps, repo: Repository, plan: Plan, taken: ReadonlySet<string>, maker: AgentRecord["maker"]): AgentRecord {
  const project = projectName(repo);
  const slug = slugFor(plan.wish.branch, taken);
  const now = new Date(deps.clock.now()).toISOString();
  return {
    id: deps.ids.next(),
    branch: plan.wish.branch,
    repo: repo.path,
    commonDir: repo.commonDir,
    project,
    slug,
    worktree: join(deps.settings.config.worktree.root, project, slug),
    adminDir: "",
    session: `${deps.settings.config.tmux.prefix}${project}_${slug}`,
    batch: plan.wish.batch,
    index: plan.wish.index,
    adapter: plan.wish.adapter,
    prompt: plan.wish.prompt,
    createdAt: now,
    base: plan.base,
    createdBranch: plan.mode !== "use",
    credentials: [],
    ...(plan.wish.mode === null ? {} : { mode: plan.wish.mode }),
    conversation: null,
    process: null,
    maker,
    status: "starting",
    statusSource: "session",
    statusSince: now,
    exitCode: null,
  };
}
