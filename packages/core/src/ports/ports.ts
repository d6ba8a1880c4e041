import type { AdapterRegistry } from "./adapter.js";
import type { Clock, Ids } from "./clock.js";
import type { GitDriver } from "./git-driver.js";
import type { Host } from "./host.js";
import type { Journal } from "./journal.js";
import type { ProcessDriver } from "./process-driver.js";
import type { SessionDriver } from "./session-driver.js";
import type { Locks, Store } from "./store.js";

/** What stands behind each port, as far as whoever opens a fleet may put something else there. */
export interface Ports {
  readonly host: Host;
  readonly git: GitDriver;
  readonly sessions: SessionDriver;
  readonly processes: ProcessDriver;
  readonly adapters: AdapterRegistry;
  readonly store: Store;
  readonly locks: Locks;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
}
