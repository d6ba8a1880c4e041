const test = "packages/cli/test/faults/secrets.test.ts";

export default [
  {
    what: "a setup command stands in no argv",
    file: "packages/core/src/engine/setup.ts",
    replace: "where.env.AIFLEET_ID === undefined ? RUN :",
    by: "where.env.PATH !== undefined ? command :",
    test,
    name: "stands in no command line",
  },
  {
    what: "what a setup command printed is told without secrets",
    file: "packages/core/src/engine/setup.ts",
    replace: "withoutSecrets(deps, lastLines(",
    by: "((_: unknown, text: string) => text)(deps, lastLines(",
    test,
    name: "is not printed, not even with --verbose",
  },
  {
    what: "what a dying agent printed is told without secrets",
    file: "packages/core/src/engine/rise.ts",
    replace: "const output = withoutSecrets(deps, shown);",
    by: "const output = shown;",
    test,
    name: "is not printed, not even with --verbose",
  },
  {
    what: "DEBUG does not make a library print the environment",
    file: "packages/core/src/drivers/git/simple-git-run.ts",
    replace: "  delete process.env.DEBUG;\n",
    by: "",
    test,
    name: "is not printed, not even with --verbose",
  },
  {
    what: "a credential file is not written through a branch's link",
    file: "packages/core/src/engine/credentials.ts",
    replace: "if (!isInside(target, await nearest(files, dirname(place)))) {",
    by: 'if (target === "") {',
    test,
    name: "is not written through a link",
  },
  {
    what: "a credential file is not read through a link that leads out",
    file: "packages/core/src/engine/credentials.ts",
    replace: "if (origin === null || !isInside(source, origin)) {",
    by: "if (origin === null) {",
    test,
    name: "that leads out is not followed",
  },
];
