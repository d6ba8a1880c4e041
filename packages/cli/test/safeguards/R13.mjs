const test = "packages/cli/test/faults/interrupted-at-every-step.test.ts";

export default [
  {
    what: "every git is out of the terminal's reach",
    file: "packages/core/src/host/library-child.ts",
    replace: "ours ? { ...options, detached: true } : options",
    by: "options",
    test,
    name: "a kill that has begun is finished",
  },
  {
    what: "a second Ctrl+C ends the program at once",
    file: "packages/cli/src/session.ts",
    replace: "if (this.interrupted !== null) {",
    by: "if (this.interrupted === 0) {",
    test,
    name: "pressed again it leaves at once",
  },
  {
    what: "the lock that an ended git leaves on a branch that is undone goes with it",
    file: "packages/core/src/engine/transact.ts",
    replace: "(await removeLocksOfMade(deps, { begunAt, steps }).catch(() => false))",
    by: "(await removeLocksOfMade(deps, { begunAt, steps: [] }).catch(() => false))",
    test: "packages/cli/test/faults/git-locks.test.ts",
    name: "goes with the branch before a command ends",
  },
];
