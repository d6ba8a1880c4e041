const test = "packages/cli/test/faults/churn.test.ts";
const undisturbed = "6 s: git";

export default [
  {
    what: "who was killed is taken from the registry",
    file: "packages/core/src/fleet/actions/kill.ts",
    replace: "      .filter((agent) => !gone.has(agent.id))\n",
    by: "      .filter(() => gone.size >= 0)\n",
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
];
