const test = "packages/cli/test/faults/processes.test.ts";

export default [
  {
    what: "a child that cleared its environment is found by its second mark",
    file: "packages/core/src/drivers/process/procfs.ts",
    replace: 'limit?.test(own ?? "") === true',
    by: 'limit?.test(own ?? "") === null',
    test,
    name: "children that get away in every way",
  },
  {
    what: "what ignores TERM gets KILL",
    file: "packages/core/src/drivers/process/end-trees.ts",
    replace: 'if (killing) return await hands.signal(victim.pid, "SIGKILL");',
    by: 'if (killing) return await hands.signal(victim.pid, "SIGTERM");',
    test,
    name: "children that get away in every way",
  },
  {
    what: "a tmux server is nobody's to end",
    file: "packages/core/src/drivers/process/table.ts",
    replace: 'return row.name === "tmux: server" || (row.name === "tmux" && row.parent === 1);',
    by: 'return row.name === "";',
    test,
    name: "what is not the agent's lives on",
  },
];
