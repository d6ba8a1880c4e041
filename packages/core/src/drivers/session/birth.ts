import type { HostFiles } from "../../ports/index.js";
import type { Started } from "./launch.js";

/** What became of a pane's process: the program runs, it has ended, or neither can be said yet. */
export type Birth = "up" | "dead" | "pending";

/**
 * Looks at many panes at once. On Linux the command line says it: the forked server and the shell
 * that runs the script come before the program itself. Elsewhere the script's own removal, its first
 * act, has to do; what dies after that is seen by the next listing.
 */
export async function births(files: HostFiles, started: readonly Started[], procfs: boolean): Promise<Birth[]> {
  if (!procfs) {
    const stats = await Promise.all(started.map(({ launch }) => files.stat(launch.script)));
    return stats.map((stat) => (stat === null ? "up" : "pending"));
  }
  const server = started[0] === undefined ? null : `/proc/${started[0].serverPid}/cmdline`;
  const paths = started.flatMap(({ pid }) => [`/proc/${pid}/cmdline`, `/proc/${pid}/stat`]);
  const [serverLine, ...read] = await files.readMany([server ?? "/proc/self/cmdline", ...paths]);
  return started.map(({ launch }, i) => {
    const line = read[2 * i];
    const stat = read[2 * i + 1];
    if (line == null || stat == null || isZombie(stat)) return "dead";
    return line === "" || line === serverLine || line.includes(launch.script) ? "pending" : "up";
  });
}

/** The state stands behind the name, which may itself hold brackets. */
function isZombie(stat: string): boolean {
  return /^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

export async function hasProcfs(files: HostFiles): Promise<boolean> {
  return (await files.stat("/proc/self/stat")) !== null;
}
