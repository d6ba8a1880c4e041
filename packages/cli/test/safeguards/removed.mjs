const untouched = "packages/core/test/git/untouched.test.ts";
const removed = "packages/core/test/fleet/removed.test.ts";

export default [
  {
    what: "a worktree is known without git only if nothing else is in it",
    file: "packages/core/src/drivers/git/untouched.ts",
    replace: 'else if (path === ".git" ? kind !== git : kind !== "folder" || !folders.has(path)) return false;',
    by: "",
    test: untouched,
    name: "an untracked file",
  },
  {
    what: "and only if none of its files is missing",
    file: "packages/core/src/drivers/git/untouched.ts",
    replace: "if (known.length < entries.size) return false;",
    by: "",
    test: untouched,
    name: "a deleted file",
  },
  {
    what: "and only if its index is its branch's tree",
    file: "packages/core/src/drivers/git/untouched.ts",
    replace: "=== parsed.tree ? at : null",
    by: '!== "" ? at : null',
    test: untouched,
    name: "another commit's",
  },
  {
    what: "a file from the second in which the index was written is read",
    file: "packages/core/src/drivers/git/untouched.ts",
    replace: "if (isOlder(stat) && isSameStat(stat, entry)) continue;",
    by: "if ((isOlder(stat) && isSameStat(stat, entry)) || stat.size > 0) continue;",
    test: untouched,
    name: "when the index is no younger",
  },
  {
    what: "what is written between the last look and the removal is saved by force",
    file: "packages/core/src/engine/take-clean.ts",
    replace: "else if (entry.loss.reasons.length > 0) withWork.push(entry);",
    by: "",
    test: removed,
    name: "is saved by force",
  },
  {
    what: "the deleter takes nothing but what was given up",
    file: "packages/core/src/engine/given-up.ts",
    replace: "names.filter((name) => GIVEN_UP.test(name))",
    by: 'names.filter((name) => name.startsWith(".aifleet-"))',
    test: removed,
    name: "deletes nothing else",
  },
  {
    what: "a folder that is still registered is not swept away",
    file: "packages/core/src/engine/sweep.ts",
    replace: " && !(await isAwaited(deps, path))",
    by: "",
    test: removed,
    name: "still registered",
  },
  {
    what: "a worktree that had left its place when its kill was killed is put back",
    file: "packages/core/src/engine/removal.ts",
    replace: "if (!saved) await putBack(deps, record);",
    by: "",
    test: "packages/cli/test/faults/removed.test.ts",
    name: "is taken back",
  },
];
