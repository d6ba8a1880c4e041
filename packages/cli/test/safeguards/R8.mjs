const test = "packages/cli/test/faults/broken-tools.test.ts";

export default [
  {
    what: "a change by git that does not get on is given up",
    file: "packages/core/src/host/idle.ts",
    replace: "if (silentMs < idleMs) return;",
    by: "if (silentMs < 1000 * idleMs) return;",
    test,
    name: "gives up one that does not",
  },
  {
    what: "a checkout that is slow but writes is not given up",
    file: "packages/core/src/host/idle.ts",
    replace: "const gotOn = hasPrinted || (now !== null && now !== written);",
    by: "const gotOn = hasPrinted;",
    test,
    name: "has the time a slow checkout needs",
  },
  {
    what: "nothing is changed where tmux could not be asked",
    file: "packages/core/src/fleet/actions/require.ts",
    replace: "for (const { unasked } of agents) if (unasked !== null) throw unknown(unasked);",
    by: "void agents;",
    test,
    name: "whose tmux server is suspended",
  },
  {
    what: "an answer of tmux that is not whole is no answer",
    file: "packages/core/src/drivers/session/client.ts",
    replace: "if (end === null) throw senseless(doing, answer.stdout);",
    by: 'if (end === null) return { rows: "", sessions: 0 };',
    test,
    name: "within ten seconds",
  },
  {
    what: "a branch that git says it has made is there",
    file: "packages/core/src/drivers/git/add/make-branches.ts",
    replace: "  await requireMade(git, repo, names);\n",
    by: "",
    test: "packages/cli/test/faults/broken-tools.test.ts",
    name: "says what is wrong within ten seconds",
  },
  {
    what: "what was typed, and not seen to be, is never typed again",
    file: "packages/core/src/engine/deliver.ts",
    replace: "await attempt(() => deps.sessions.submit(session, record.id), ",
    by: "await (async (work: () => Promise<string>, _: string) => work())(() => deps.sessions.submit(session, record.id), ",
    test: "packages/cli/test/faults/broken-tools.test.ts",
    name: "types a prompt once",
  },
];
