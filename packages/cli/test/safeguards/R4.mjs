export default [
  {
    what: "where registry and mark disagree on what an agent is, the mark wins",
    file: "packages/core/src/engine/reconcile.ts",
    replace: "return corrected(record, recordOf(own) ?? record);",
    by: "return recordOf(own) === null ? record : corrected(record, record);",
    test: "packages/cli/test/faults/registry.test.ts",
    name: "wrong in a branch of somebody else's",
  },
];
