const test = "packages/cli/test/faults/interrupted-at-every-step.test.ts";

export default [
  {
    what: "a change by git that nobody may interrupt is out of the terminal's reach",
    file: "packages/core/src/drivers/git/client.ts",
    replace: 'const byHost = host.id !== "local" || (isFirm && kind === "act");',
    by: 'const byHost = host.id !== "local";',
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
