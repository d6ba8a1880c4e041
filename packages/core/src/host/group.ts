/**
 * Process groups of the children this process started. Each child leads a group of its own, so that
 * what it started goes with it, and so that a Ctrl+C on the terminal reaches us alone: we decide
 * which step is finished and which is undone.
 */
import { elapsedMs } from "../model/index.js";

/** How long a group that was asked to end may take to tidy up (git removes its lock files) before it is killed. */
export const GRACE_MS = 500;

const living = new Set<number>();
let watching = false;

/** Remembers a group until {@link forget}; when this process exits first, the group is asked to end. */
export function remember(pid: number): void {
  living.add(pid);
  if (watching) return;
  watching = true;
  process.on("exit", () => {
    for (const group of living) signalGroup(group, "SIGTERM");
  });
}

export function forget(pid: number): void {
  living.delete(pid);
}

/** False if no process of the group is left. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Asks a group to end, kills what is left of it after the grace, and returns when none is left (or cannot be killed). */
export async function endGroup(pid: number, graceMs = GRACE_MS): Promise<void> {
  if (!signalGroup(pid, "SIGTERM")) return;
  if (await gone(pid, graceMs)) return;
  signalGroup(pid, "SIGKILL");
  // Not long: what is left after KILL are zombies that wait for their parent.
  await gone(pid, 50);
}

async function gone(pid: number, ms: number): Promise<boolean> {
  const end = elapsedMs() + ms;
  while (signalGroup(pid, 0)) {
    if (elapsedMs() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}
