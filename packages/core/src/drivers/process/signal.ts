import { toFleetError } from "../../errors/index.js";
import type { Host } from "../../ports/index.js";

/** Sends a signal on a host. True where the process is gone, false where it may not be signalled. */
export async function sendSignal(host: Host, pid: number, name: "SIGTERM" | "SIGCONT" | "SIGKILL"): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false;
  if (host.id !== "local") {
    const { exitCode, stderr } = await host.run(["kill", `-${name.slice(3)}`, String(pid)]);
    return exitCode === 0 || !/not permitted/i.test(stderr);
  }
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") return true;
    if (code === "EPERM") return false;
    throw toFleetError(error, `Cannot signal process ${pid}`);
  }
}

/** Sends a signal to a process group on a host, 0 for none at all. False where there is no such group, or it may not be signalled. */
export async function signalGroup(host: Host, group: number, name: "SIGTERM" | "SIGKILL" | 0): Promise<boolean> {
  if (!Number.isSafeInteger(group) || group <= 1) return false;
  if (host.id !== "local") {
    const { exitCode } = await host.run(["kill", name === 0 ? "-0" : `-${name.slice(3)}`, "--", `-${group}`]);
    return exitCode === 0;
  }
  try {
    process.kill(-group, name);
    return true;
  } catch {
    return false;
  }
}

/** The caller's own pid where the host is this machine: whoever ends trees must live to report it. */
export function ownPids(host: Host): ReadonlySet<number> {
  return new Set(host.id === "local" ? [process.pid] : []);
}
