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
];
