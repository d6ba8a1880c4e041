import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isFleetError, throwIfAborted } from "../../errors/index.js";
import type { Repository } from "../../model/index.js";
import type { Call, Locks } from "../../ports/index.js";
import { isRace } from "./failure.js";

/** Longest wait for another fleet process that registers worktrees in the same repository, milliseconds. */
const WAIT_MS = 60_000;
const ATTEMPTS = 8;

/** Runs `work` while no other fleet process registers worktrees or writes settings in the repository. Never held over a checkout. */
export function holdRepository<T>(locks: Locks, repo: Repository, work: () => Promise<T>, call?: Call): Promise<T> {
  return locks.hold(join(repo.commonDir, "aifleet.lock"), work, { timeoutMs: WAIT_MS }, call);
}

/** Tries again, a few times, where trying again is right: by default after a meeting with a git that is not ours. */
export async function retrying<T>(work: () => Promise<T>, call?: Call, isWorthIt: (error: unknown) => boolean = isMeeting): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= ATTEMPTS || !isWorthIt(error)) throw error;
      await sleep(10 * attempt + Math.random() * 20);
      throwIfAborted(call?.signal);
    }
  }
}

function isMeeting(error: unknown): boolean {
  return isFleetError(error, "DRIVER_FAILED") && isRace(String(error.data.stderr ?? ""));
}
