const hands = "packages/cli/test/faults/users-hands.test.ts";
const work = "packages/cli/test/faults/users-work.test.ts";

export default [
  {
    what: "a worktree that somebody locked is not removed",
    file: "packages/core/src/engine/loss.ts",
    replace: "if (facts.locked !== null) reasons.push(",
    by: "if (facts.locked === undefined) reasons.push(",
    test: work,
    name: "a worktree that somebody locked",
  },
  {
    what: "commits of a submodule that no remote has are work",
    file: "packages/core/src/drivers/git/submodules.ts",
    replace: "if (commits > 0) submodules.push(",
    by: "if (commits > 1000) submodules.push(",
    test: work,
    name: "commits on another",
  },
  {
    what: "changes that git was told not to look at are work",
    file: "packages/core/src/drivers/git/inspect.ts",
    replace: "[...new Set([...modified, ...hidden])]",
    by: "[...new Set(modified)]",
    test: work,
    name: "a change to a file that git was told",
  },
  {
    what: "commits that only the worktree's reflog names are kept",
    file: "packages/core/src/drivers/git/save.ts",
    replace: "[...heads, ...(await ownCommits(git, repo.commonDir, adminDir, heads, call))]",
    by: "[...heads]",
    test: hands,
    name: "do not keep the agent, but are kept",
  },
  {
    what: "a worktree that was written to while it went is put back",
    file: "packages/core/src/drivers/git/remove.ts",
    replace: "if (changed.has(now) || changed.has(adminDir)) {",
    by: 'if (changed.has("")) {',
    test: hands,
    name: "nobody saw before the worktree left its place",
  },
  {
    what: "what is mounted in a worktree is not deleted with it",
    file: "packages/core/src/drivers/git/mounts.ts",
    replace: "if (inside === undefined) return;",
    by: 'if (inside !== "") return;',
    test: hands,
    name: "with a file system mounted inside",
  },
  {
    what: "a folder that does not name its registration is not touched",
    file: "packages/core/src/engine/loss.ts",
    replace: 'return adminDir !== "" && (await deps.git.readLink(worktree))?.adminDir === adminDir;',
    by: 'return adminDir !== "" && worktree !== "";',
    test: hands,
    name: "replaced by a clone",
  },
];
