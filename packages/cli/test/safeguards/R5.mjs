const reboot = "packages/cli/test/faults/reboot.test.ts";
const lost = "packages/cli/test/faults/lost-server.test.ts";
const resume = "packages/core/src/fleet/actions/resume.ts";

export default [
  {
    what: "a process of another boot is gone, whatever has its pid now",
    file: "packages/core/src/engine/look.ts",
    replace: "other.start === who.start && other.boot === who.boot",
    by: "other.start === who.start",
    test: reboot,
    name: "pids belong to others",
  },
  {
    what: "agents are started again at a distance",
    file: resume,
    replace: "if (tried && isEnded(status)) await deps.clock.sleep(SPACING_MS, call);",
    by: "",
    test: reboot,
    name: "starts them at a distance",
  },
  {
    what: "what would fail for all is tried once",
    file: resume,
    replace: 'else if (HITS_KIND.has(known.code) || (known.code === "AGENT_DIED" && !up.has(adapter))) hopeless.add(adapter);',
    by: "",
    test: reboot,
    name: "tries once what would fail for all",
  },
  {
    what: "what outlived a killed server is ended before its agent starts again",
    file: resume,
    replace: 'if (record.status === "lost")',
    by: "if (Number.isNaN(0))",
    test: lost,
    name: "killed while what a wrapper started lives on",
  },
  {
    what: "an agent whose program still runs is not started twice",
    file: resume,
    replace: 'if (status === "unknown") throw stillRuns(now.record);',
    by: "",
    test: lost,
    name: "killed while a program ignores the hangup",
  },
  {
    what: "a server whose socket is gone is made to open it again",
    file: "packages/core/src/drivers/session/tmux.ts",
    replace: "    reconnect: (pids, call) => reconnect(client, socket, pids, call),\n",
    by: "",
    test: lost,
    name: "is reached again",
  },
];
