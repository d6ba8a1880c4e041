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
    what: "a look at the fleet goes on where nothing can be written",
    file: "packages/core/src/engine/unwritable.ts",
    replace: "    if (!isOfTheDisk(error)) throw error;\n",
    by: "    if (isOfTheDisk(error)) throw error;\n",
    test: failing,
    name: "create",
  },
  {
    what: "a stop is noted before any program is ended",
    file: "packages/core/src/drivers/store/journal.ts",
    replace: "() => appendFileSync(file,",
    by: '() => step.kind !== "stop" && appendFileSync(file,',
    test: failing,
    name: "stop",
  },
];
