const copies = "packages/core/test/git/copies.test.ts";
const share = "packages/core/test/fleet/share.test.ts";

export default [
  {
    what: "nothing is copied from a file that is not as git made it",
    file: "packages/core/src/host/fill-folders.ts",
    replace: "if (seen[i] !== known[at + i]) throw",
    by: "if (seen[i] !== known[at + i] && i < 0) throw",
    test: copies,
    name: "also when somebody writes",
  },
  {
    what: "where a filter has a say, git checks each worktree out",
    file: "packages/core/src/drivers/git/add/settings.ts",
    replace: 'alike &&= key.startsWith("filter.lfs.") && value !== null && LFS.test(value);',
    by: "alike &&= value !== key || LFS.test(value);",
    test: copies,
    name: "one by one where there is a filter",
  },
  {
    what: "copies are older than their index, so that git has nothing to look into",
    file: "packages/core/src/host/replicate.ts",
    replace: "const AGE_S = 2;",
    by: "const AGE_S = 0;",
    test: copies,
    name: "older than their index",
  },
  {
    what: "an index that is true of one worktree alone is not given to another",
    file: "packages/core/src/drivers/git/add/copies.ts",
    replace: 'new Set(["TREE", "EOIE", "IEOT"])',
    by: 'new Set(["TREE", "EOIE", "IEOT", "UNTR", "link"])',
    test: copies,
    name: "an untracked cache",
  },
  {
    what: "what git does not ignore is not shared",
    file: "packages/core/src/engine/share.ts",
    replace: "if (!ignored.has(asked(entry))) {",
    by: "if (!ignored.has(asked(entry)) && ignored.has(null)) {",
    test: share,
    name: "is left where it is",
  },
  {
    what: "nothing is shared out of the repository by a link",
    file: "packages/core/src/engine/share.ts",
    replace: "if (origin === null || !isInside(source, origin)) return",
    by: "if (origin === null) return",
    test: share,
    name: "is left where it is",
  },
];
