import { FleetError } from "../../errors/index.js";
import type { BranchFacts, Repository } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import { areAbsent } from "./absent-refs.js";
import { hasFile, MAX_PATTERNS } from "./branch-file.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { mapThroughRefspec } from "./parse-config.js";
import { type HeldBranches, readHeldBranches } from "./registrations.js";
import { repositorySettings } from "./repository-settings.js";
import { listWorktrees } from "./worktree-list.js";

/** Facts on several branch names: two git calls, however many names, one where none of them is there. */
export async function branchFacts(git: Git, repo: Repository, names: readonly string[], call?: Call): Promise<Map<string, BranchFacts>> {
  if (names.length === 0) return new Map();
  const [entries, held] = await Promise.all([repositorySettings(git, repo, call), heldBranches(git, repo, call)]);
  const foldCase = entries.some(({ key, value }) => key === "core.ignorecase" && (value === null || value === "true"));
  const remotes = entries.flatMap(({ key, value }) => {
    const remote = /^remote\.([\s\S]+)\.fetch$/.exec(key)?.[1];
    return remote === undefined || value === null ? [] : [{ remote, refspec: value }];
  });

  const wanted = names.map((name) => ({
    name,
    remotes: remotes.flatMap(({ remote, refspec }) => {
      const ref = mapThroughRefspec(refspec, `refs/heads/${name}`);
      return ref === null ? [] : [{ remote, ref }];
    }),
  }));
  const patterns = wanted.flatMap(({ name, remotes }) => [
    ...withParents(name).map((branch) => `refs/heads/${branch}`),
    ...remotes.map(({ ref }) => ref),
  ]);
  const all = foldCase || patterns.length > MAX_PATTERNS;
  const asFiles = entries.every(({ key, value }) => key !== "extensions.refstorage" || value === "files");
  const none = !all && asFiles && (await areAbsent(git.host.files, repo, patterns));
  const tips = none
    ? new Map<string, string>()
    : await readTips(git, repo, all ? ["refs/heads", "refs/remotes"] : [...new Set(patterns)], call);
  for (const name of names) if (!tips.has(`refs/heads/${name}`)) await requireAbsent(git, repo, name, tips, call);
  const heads = [...tips.keys()].filter((ref) => ref.startsWith("refs/heads/")).map((ref) => ref.slice("refs/heads/".length));
  const blocker = blockers(heads, foldCase);

  return new Map(
    wanted.map(({ name, remotes }) => [
      name,
      {
        name,
        tip: tips.get(`refs/heads/${name}`) ?? null,
        remotes: remotes.flatMap(({ remote, ref }) => {
          const tip = tips.get(ref);
          return tip === undefined ? [] : [{ remote, ref, tip }];
        }),
        checkedOutAt: held.get(name) ?? null,
        blockedBy: blocker(name),
      },
    ]),
  );
}

/** Where branches stand, those that are there: one git call, however many names. */
export async function branchTips(git: Git, repo: Repository, names: readonly string[], call?: Call): Promise<Map<string, string>> {
  const refs = names.length > MAX_PATTERNS ? ["refs/heads"] : names.map((name) => `refs/heads/${name}`);
  const tips = names.length === 0 ? new Map<string, string>() : await readTips(git, repo, refs, call);
  for (const name of names) if (!tips.has(`refs/heads/${name}`)) await requireAbsent(git, repo, name, tips, call);
  return new Map(
    names.flatMap((name) => {
      const tip = tips.get(`refs/heads/${name}`);
      return tip === undefined ? [] : [[name, tip] as const];
    }),
  );
}

/** Branches that worktrees have in hand; git is asked only where files cannot tell. */
export async function heldBranches(git: Git, repo: Repository, call?: Call): Promise<HeldBranches> {
  const held = await readHeldBranches(git.host.files, repo);
  if (held !== null) return held;
  const worktrees = await listWorktrees(git, repo, call);
  return new Map(worktrees.flatMap(({ branch, path }) => (branch === null ? [] : [[branch, path] as const])));
}

export async function listBranches(git: Git, repo: Repository, call?: Call): Promise<string[]> {
  const args = ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"];
  const { stdout } = await git.run(repo.commonDir, args, { kind: "quick" }, call);
  return stdout.split("\n").filter((line) => line !== "");
}

/**
 * That a branch is not there is concluded only where its file says nothing else: an empty answer is what a git
 * gives, too, that did nothing. One that came up between the two looks is added to what was found.
 */
async function requireAbsent(git: Git, repo: Repository, name: string, tips: Map<string, string>, call?: Call): Promise<void> {
  if (!(await hasFile(git, repo, name))) return;
  const ref = `refs/heads/${name}`;
  const tip = (await readTips(git, repo, [ref], call)).get(ref);
  if (tip !== undefined) tips.set(ref, tip);
  else if (await hasFile(git, repo, name)) {
    throw new FleetError("DRIVER_FAILED", `git does not know the branch ${name}, but its file is there.`, {
      hint: `Look with \`git -C ${repo.path} show-ref ${name}\`; \`command -v git\` shows which program git is.`,
      data: { tool: "git", branch: name },
    });
  }
}

async function readTips(git: Git, repo: Repository, patterns: readonly string[], call?: Call): Promise<Map<string, string>> {
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", ...patterns];
  const { stdout } = await git.run(repo.commonDir, args, { kind: "quick" }, call);
  const tips = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const cut = line.indexOf(" ");
    if (line === "") continue;
    if (!/^[0-9a-f]{40}([0-9a-f]{24})? refs\//.test(line)) throw senseless(args, stdout);
    tips.set(line.slice(cut + 1), line.slice(0, cut));
  }
  return tips;
}

/** `a/b/c` -> `a/b/c`, `a/b`, `a`: git cannot hold a branch and a folder of one name. */
function withParents(name: string): string[] {
  const parts = name.split("/");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("/"));
}

/** Finds the branch in a name's way: a folder of it, one that has it as a folder, or, on disks that fold case, its twin. */
function blockers(heads: readonly string[], foldCase: boolean): (name: string) => string | null {
  const fold = (text: string) => (foldCase ? text.toLowerCase() : text);
  const byName = new Map<string, string>();
  const byFolder = new Map<string, string>();
  for (const head of heads) {
    byName.set(fold(head), head);
    for (const folder of withParents(fold(head)).slice(1)) if (!byFolder.has(folder)) byFolder.set(folder, head);
  }
  const exact = new Set(heads);
  return (name) => {
    for (const parent of withParents(fold(name)).slice(1)) {
      const blocking = byName.get(parent);
      if (blocking !== undefined) return blocking;
    }
    const under = byFolder.get(fold(name));
    if (under !== undefined) return under;
    return exact.has(name) ? null : (byName.get(fold(name)) ?? null);
  };
}
