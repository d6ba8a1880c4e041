const real = "packages/cli/test/faults/real-disk.test.ts";
const failing = "packages/cli/test/faults/full-disk.test.ts";

export default [
  {
    what: "a write of git's that failed without a reason is looked into",
    file: "packages/core/src/drivers/git/full-disk.ts",
    replace: "if (!isUnexplainedWrite(outcome)) return",
    by: 'if (outcome.stderr !== "") return',
    test: real,
    name: "create, its disk holds the repository",
  },
  {
    what: "a folder that cannot be moved for want of a writable disk stays registered",
    file: "packages/core/src/drivers/git/remove.ts",
    replace: '    if (code !== "EXDEV" && code !== "EBUSY") throw error;\n',
    by: "    void code;\n",
    test: real,
    name: "create, its disk holds the home",
  },
  {
    what: "what could be neither made nor taken back stays in the journal",
    file: "packages/core/src/drivers/git/add/register-by-hand.ts",
    replace: "throw left === null ? error : withRest(error, left);",
    by: "throw left === null ? error : (error as Error);",
    test: real,
    name: "create, its disk holds the home",
  },
  {
    what: "a look at the fleet goes on where nothing can be written",
    file: "packages/core/src/engine/unwritable.ts",
    replace: "    if (!isOfTheDisk(error)) throw error;\n",
    by: "    if (isOfTheDisk(error)) throw error;\n",
    test: failing,
    name: "create",
  },
  {
    what: "a file takes the place of the old one only when it is whole",
    file: "packages/core/src/config/durable.ts",
    replace: "const temporary = options.temporary ?? join(",
    by: "const temporary = path || join(",
    test: failing,
    name: "kill --force",
  },
];
