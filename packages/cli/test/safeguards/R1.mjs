const test = "packages/cli/test/faults/killed-at-every-step.test.ts";

export default [
  {
    what: "a step is noted before it is done",
    file: "packages/core/src/engine/transact.ts",
    replace: "      await entry.did(step);\n",
    by: "",
    test,
    name: "create:",
  },
  {
    what: "the next command undoes what a killed one began",
    file: "packages/core/src/engine/reconcile.ts",
    replace: "  await recover(deps, warn);\n",
    by: "",
    test,
    name: "create:",
  },
  {
    what: "locks and temporary files of killed commands are swept",
    file: "packages/core/src/engine/reconcile.ts",
    replace: "  await sweep(deps, scope, places);\n",
    by: "",
    test,
    name: "create:",
  },
  {
    what: "a removal is in the journal until the registry has been told",
    file: "packages/core/src/engine/take-away.ts",
    replace: "await undo.did(removalStep(entry, options), async () => undefined);",
    by: "void undo;",
    test,
    name: "kill:",
  },
  {
    what: "a restoral whose folder is back in its place is finished",
    file: "packages/core/src/engine/restoral.ts",
    replace: "if (made !== undefined) await finishRestoral(deps, repo, entry, made.adminDir);",
    by: "void finishRestoral;",
    test,
    name: "restore:",
  },
  {
    what: "a paste that got no Enter is marked, and nothing is typed after it",
    file: "packages/core/src/drivers/session/input.ts",
    replace: 'const UNSENT = "@aifleet_unsent";',
    by: 'const UNSENT = "@aifleet_unsent" + Math.random().toString(36).slice(2);',
    test,
    name: "is not made one with the next",
  },
];
