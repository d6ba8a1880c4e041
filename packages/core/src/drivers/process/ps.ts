import { FleetError } from "../../errors/index.js";
import type { Call, Host } from "../../ports/index.js";
import type { Row } from "./table.js";

/** One line of `ps`. */
export interface PsRow extends Row {
  readonly cpuMs: number;
  readonly ageMs: number;
}

/** Runs `ps` so that its words do not depend on the user's language. */
async function runPs(host: Host, args: readonly string[], call?: Call): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run(["ps", ...args], { env: { ...host.env, LC_ALL: "C", TZ: "UTC" } }, call);
  // With pids that are all gone it prints nothing and exits 1.
  if (exitCode !== 0 && stderr.trim() !== "") throw new FleetError("DRIVER_FAILED", `ps failed: ${stderr.trim()}`);
  return stdout;
}

const COLUMNS = ["pid=", "ppid=", "pgid=", "tpgid=", "stat=", "lstart=", "time=", "etime=", "comm="].flatMap((column) => ["-o", column]);
const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(\S+)\s+(\w+ +\w+ +\d+ +[\d:]+ +\d+)\s+(\S+)\s+(\S+)\s+(.*)$/;

/** Every process, or those of the pids. */
export async function psRows(host: Host, pids: readonly number[] | null, call?: Call): Promise<ReadonlyMap<number, PsRow>> {
  if (pids !== null && pids.length === 0) return new Map();
  const text = await runPs(host, [...COLUMNS, ...(pids === null ? ["-A"] : ["-p", pids.join(",")])], call);
  const rows = new Map<number, PsRow>();
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, pid, parent, group, foreground, state = "", start = "", time = "", age = "", name = ""] = match;
    rows.set(Number(pid), {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: 0,
      foreground: Number(foreground) > 0 ? Number(foreground) : -1,
      name: name.trim().replace(/^.*\/(?=[^/]+$)/, ""),
      zombie: state.startsWith("Z"),
      start: String(Math.round(Date.parse(`${start.replaceAll(/ +/g, " ")} UTC`) / 1000)),
      cpuMs: clockMs(time),
      ageMs: clockMs(age),
    });
  }
  if (pids === null && rows.size === 0) throw new FleetError("DRIVER_FAILED", "ps showed no process at all.");
  return rows;
}

/** Whole command lines by pid; `withEnvironment` appends the variables of processes that are the user's own. */
export async function psCommands(host: Host, withEnvironment: boolean, call?: Call): Promise<ReadonlyMap<number, string>> {
  const text = await runPs(host, [withEnvironment ? "axeww" : "axww", "-o", "pid=,command="], call);
  const commands = new Map<number, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*(\d+) (.*)$/.exec(line);
    if (match !== null) commands.set(Number(match[1]), match[2] ?? "");
  }
  return commands;
}

/** `[[days-]hours:]minutes:seconds` in milliseconds. */
function clockMs(text: string): number {
  const [days, clock] = text.includes("-") ? text.split("-") : ["0", text];
  const seconds = (clock ?? "").split(":").reduce((total, part) => total * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1000;
}
