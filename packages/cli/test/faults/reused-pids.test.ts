import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { figure, LONG } from "./support/report.js";
import { fleetEnv } from "./support/run.js";

/** A pid namespace of one's own, where the next pid can be chosen: needs root, or user namespaces. */
const NAMESPACE = ["--pid", "--fork", "--mount-proc", ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"])];
const canChoosePids = ((): boolean => {
  try {
    execFileSync("unshare", [...NAMESPACE, "sh", "-c", "echo 500 > /proc/sys/kernel/ns_last_pid"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** What comes of an agent's program and its tmux server before another process gets the program's pid. */
const SCRIPT = `
  fleet() { "$NODE" "$BIN" "$@"; }
  # The kernel gives pids below 300 once only.
  echo 1000 > /proc/sys/kernel/ns_last_pid
  fleet create one >&2 || exit 1
  server=$(tmux -S "$AI_FLEET_HOME/tmux.sock" display-message -p '#{pid}')
  pid=$(tmux -S "$AI_FLEET_HOME/tmux.sock" list-panes -a -F '#{pane_pid}')
  kill -KILL "$server" "$pid"
  # This shell is the namespace's first process: it fetches the orphans as it waits for what it runs.
  while [ -e "/proc/$pid" ]; do sleep 0.02; done
  echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
  setsid sleep 1000 &
  stranger=$!
  [ "$stranger" = "$pid" ] || { echo "pid $pid was not to be had" >&2; exit 1; }
  fleet list --json
  fleet "$@" >&2
  echo "exit $?"
  kill -0 "$stranger" && echo "the stranger lives"
  tmux -S "$AI_FLEET_HOME/tmux.sock" kill-server 2>/dev/null
  kill "$stranger"
`;

let world: World;
beforeEach(() => {
  world = makeWorld("pids");
});
afterEach(() => world.dispose());

// Elsewhere the same is played with what is written down: see reboot.test.ts.
describe.skipIf(!canChoosePids)("a process that got the pid of an agent's program, and leads a group and a session under it", () => {
  const COMMANDS = [
    ["kill", "one"],
    ["resume", "one"],
    ["stop", "one"],
    ["create", "one", "--replace"],
    ["doctor", "--fix"],
  ];
  it.each(LONG ? COMMANDS.map((args) => [args]) : [[COMMANDS[0] as string[]]])("is neither shown nor signalled by %j", async (args) => {
    const env = { ...fleetEnv(world), NODE: process.execPath, BIN };
    const ran = await promisify(execFile)("unshare", [...NAMESPACE, "sh", "-c", SCRIPT, "sh", ...args], { cwd: world.repo(), env });
    const [list, ...rest] = ran.stdout.trim().split(/\n(?=exit|the)/);
    expect(JSON.parse(list as string)).toMatchObject({ agents: [{ branch: "one", status: "lost", pid: null }] });
    expect(rest).toEqual(["exit 0", "the stranger lives"]);
    figure("R11", `a foreign process with the pid of an agent's program, ${args.join(" ")}`, "lives on");
  });
});
