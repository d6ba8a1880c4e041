import { readFileSync, readlinkSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ProcessIdentity } from "../../model/index.js";
import type { ProcessDriver } from "../../ports/index.js";

/** Who holds a lock: enough to tell, from another process, whether that holder still lives. */
export interface LockOwner extends ProcessIdentity {
  /** Different for each time a lock is taken. */
  readonly nonce: string;
  readonly host: string;
  /** Pids mean something inside one pid namespace only. */
  readonly namespace: string;
}

/** Name of the file in a lock's folder. */
export const OWNER_FILE = "owner";

/** A holder that cannot be asked (another machine or pid namespace) renews its lock; this long without is dead. */
const SILENT_MS = 60_000;

/** This process as a lock's owner. */
export function ownOwner(self: ProcessIdentity, nonce: string): LockOwner {
  return { ...self, nonce, host: hostname(), namespace: pidNamespace() };
}

/** The owner written in a lock's folder; null: nobody is named there (any more). */
export function readOwner(folder: string): LockOwner | null {
  try {
    const owner = JSON.parse(readFileSync(join(folder, OWNER_FILE), "utf8")) as LockOwner;
    return typeof owner?.nonce === "string" && typeof owner.pid === "number" ? owner : null;
  } catch {
    return null;
  }
}

/** Whether the holder of a lock is gone for good. In doubt it is not: a live owner is never robbed. */
export async function isDead(folder: string, owner: LockOwner | null, processes: ProcessDriver): Promise<boolean> {
  if (owner === null || owner.host !== hostname()) return isSilent(folder);
  const self = await processes.self();
  if (owner.boot !== self.boot) return true;
  if (owner.namespace !== pidNamespace()) return isSilent(folder);
  return !(await processes.isAlive(owner));
}

function isSilent(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs < Date.now() - SILENT_MS;
}

let namespace: string | undefined;

/** The pid namespace this process lives in; empty where the system has none. */
function pidNamespace(): string {
  if (namespace === undefined) {
    try {
      namespace = readlinkSync("/proc/self/ns/pid");
    } catch {
      namespace = "";
    }
  }
  return namespace;
}
