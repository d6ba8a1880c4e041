const test = "packages/cli/test/faults/dying.test.ts";

export default [
  {
    what: "an ended program's terminal is reset, so that one that leaves ends no server",
    file: "packages/core/src/drivers/session/conf.ts",
    replace: "const RESET = `if-shell -F '#{@aifleet_ended}' ''",
    by: "const RESET = `if-shell -F '1' ''",
    test,
    name: "a terminal that watches a program die",
  },
  {
    what: "a paste goes only into a live pane",
    file: "packages/core/src/drivers/session/input.ts",
    replace: ",#{==:#{pane_dead},0}}`",
    by: ",1}`",
    test,
    name: "a prompt to a program that dies anywhere",
  },
];
