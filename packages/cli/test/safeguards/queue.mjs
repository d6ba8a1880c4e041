const queued = "packages/core/test/fleet/queued.test.ts";
const faults = "packages/cli/test/faults/queued.test.ts";

export default [
  {
    what: "agents beyond fleet.max_running are queued, whoever reserves at the same time",
    file: "packages/core/src/engine/reserve.ts",
    replace: 'at < places ? starting : { ...starting, status: "queued" }',
    by: "at < places || places > -99 ? starting : { ...starting }",
    test: queued,
    name: "whoever asks at the same time",
  },
  {
    what: "the queue's files tell of agents that the registry has lost",
    file: "packages/core/src/engine/reconcile.ts",
    replace: "    ...lostToRegistry(queued, elsewhere, (id) => own.has(id), scope.commonDir),\n",
    by: "",
    test: queued,
    name: "registry is lost",
  },
  {
    what: "a queued agent starts from the commit that its base was when it was asked for",
    file: "packages/core/src/engine/queued/start.ts",
    replace: "from: isNew ? record.base : null",
    by: "from: null",
    test: queued,
    name: "registry is lost",
  },
  {
    what: "a name that git cannot keep beside a queued one is refused at once",
    file: "packages/core/src/engine/reserve.ts",
    replace: 'if (isInside && agent.status === "queued") throw branchBlocked(branch, agent.branch);',
    by: "if (isInside) continue;",
    test: queued,
    name: "keep their names",
  },
  {
    what: "what keeps one agent from being started does not keep the others",
    file: "packages/core/src/engine/queued/start.ts",
    replace: "      held.set(id, place);\n      continue;",
    by: "      held.set(id, place);\n      break;",
    test: queued,
    name: "hold up no other",
  },
  {
    what: "the next command starts a starter where the last one was killed",
    file: "packages/core/src/engine/reconcile.ts",
    replace: "  await wakeStarter(deps, queued);\n",
    by: "",
    test: faults,
    name: "killed at any step",
  },
  {
    what: "an agent that is up leaves the queue, though its starter was killed before it could say so",
    file: "packages/core/src/engine/queued/settle.ts",
    replace: "if (entry !== undefined) await dropLeftover(deps, record.id);",
    by: "void dropLeftover;",
    test: faults,
    name: "killed at any step",
  },
];
