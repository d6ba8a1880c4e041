import type { Seen } from "../../engine/look.js";
import { FleetError } from "../../errors/index.js";

/** Throws if the sessions could not be asked for: what is not known is not changed. */
export function requireSession(agents: readonly Seen[]): void {
  if (agents.every(({ session }) => session !== undefined)) return;
  throw new FleetError(
    "DRIVER_FAILED",
    "The session server does not answer, so that nothing is known of the agents; nothing was changed.",
    {
      hint: "`fleet doctor` looks at the server.",
    },
  );
}
