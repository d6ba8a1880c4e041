import type { Host, ProcessDriver } from "../../ports/index.js";
import { procfsDriver } from "./procfs.js";
import { systemInformationDriver } from "./systeminformation.js";

export { procfsDriver, systemInformationDriver };

/** The driver that fits a host: /proc on Linux and on every other machine than this one, systeminformation elsewhere. */
export function processDriver(host: Host): ProcessDriver {
  return host.id === "local" && process.platform !== "linux" ? systemInformationDriver({ host }) : procfsDriver({ host });
}
