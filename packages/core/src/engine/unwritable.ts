import { type FleetError, toFleetError } from "../errors/index.js";
import type { Warning } from "../model/index.js";

/**
 * Does what a look at the fleet would mend on the way. A disk that takes no writes is no reason not to
 * look: that it stayed undone is a warning, and the next command tries again.
 */
export async function mendIfPossible(work: () => Promise<void>, warn: (warning: Warning) => void, what: string): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isOfTheDisk(error)) throw error;
    warn({ code: "NOT_WRITTEN", message: `${what}: ${toFleetError(error).message}.` });
  }
}

/** Whether an error says that something cannot be written here and now. */
export function isOfTheDisk(error: unknown): error is FleetError {
  return ["DISK_FULL", "PERMISSION_DENIED", "DRIVER_FAILED"].includes(toFleetError(error).code);
}
