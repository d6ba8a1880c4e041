import { token } from "../../host/index.js";
import type { SessionSpec } from "../../ports/index.js";
import { logCommand } from "./log-pipe.js";
import { tmuxWord } from "./quote.js";

/** A spec on its way to the server. */
export interface Launch {
  readonly spec: SessionSpec;
  /** The script the pane starts with; gone as soon as it runs. */
  readonly script: string;
}

/** What the server said of a session it started. */
export interface Started {
  readonly launch: Launch;
  readonly id: string;
  readonly pid: number;
  readonly serverPid: number;
  readonly tty: string;
  readonly createdAt: number;
}

export function newScriptPath(runFolder: string): string {
  return `${runFolder}/.tmp-${process.pid}-${token()}.sh`;
}

/** One line of tmux commands: make the session, mark it, log it. A line that fails skips only its own rest. */
export function launchLine({ spec, script }: Launch, logMaxBytes: number | null): string {
  const target = `-t '=${spec.name}:'`;
  const { columns = 200, rows = 50 } = spec.size ?? {};
  const told = `${spec.agent}|#{pane_id}|#{pane_pid}|#{pid}|#{session_created}|#{pane_tty}`;
  return [
    `new-session -d -P -F '${told}' -s ${spec.name} -n ${spec.name} -c / -x ${columns} -y ${rows} -- /bin/sh ${tmuxWord(script)}`,
    `pipe-pane -O ${target} ${tmuxWord(logCommand(spec.logFile, logMaxBytes))}`,
    `set-option ${target} @aifleet_id ${spec.agent}`,
    `set-option -F ${target} @aifleet_pane '#{pane_id}'`,
    `set-option -w ${target} remain-on-exit on`,
  ].join(" ; ");
}

/** What {@link launchLine} printed for each session that was made. */
export function parseStarted(stdout: string, launches: readonly Launch[]): Map<Launch, Started> {
  const byAgent = new Map(launches.map((launch) => [launch.spec.agent, launch]));
  const started = new Map<Launch, Started>();
  for (const line of stdout.split("\n")) {
    const [agent = "", id = "", pid, serverPid, created, tty = ""] = line.split("|");
    const launch = byAgent.get(agent);
    if (launch === undefined || !/^%\d+$/.test(id)) continue;
    started.set(launch, { launch, id, pid: Number(pid), serverPid: Number(serverPid), tty, createdAt: Number(created) * 1000 });
  }
  return started;
}
