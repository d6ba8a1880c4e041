const test = "packages/cli/test/faults/churn.test.ts";
const undisturbed = "6 s: git";
const killed = "one in twenty killed";

export default [
  {
    what: "the registry is read, changed and written under its lock",
    file: "packages/core/src/drivers/store/file-store.ts",
    replace: "        paths.state,\n        async () => {",
    by: "        paths.state + Math.random(),\n        async () => {",
    test,
    name: undisturbed,
  },
  {
    what: "who waited for an agent looks again at what became of it",
    file: "packages/core/src/engine/agent-lock.ts",
    replace: "async () => work(await asTheyAre(deps, seen, warn, call))",
    by: "async () => work({ there: seen, gone: [] })",
    test,
    name: undisturbed,
  },
  {
    what: "a kill ends the session",
    file: "packages/core/src/engine/ending.ts",
    replace: "  await deps.sessions.end(targets.map(({ record }) => record.id));\n",
    by: "",
    test,
    name: undisturbed,
  },
  {
    what: "the next command undoes what a killed one began",
    file: "packages/core/src/engine/reconcile.ts",
    replace: "  await recover(deps, warn);\n",
    by: "",
    test,
    name: killed,
  },
];
