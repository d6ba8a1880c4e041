import type { Sessions } from "../../engine/ask-sessions.js";
import type { Seen } from "../../engine/look.js";
import { FleetError, isFleetError } from "../../errors/index.js";

/** Throws if the sessions could not be asked for: what is not known is not changed. */
export function requireSession(agents: readonly Pick<Seen, "unasked">[]): void {
  for (const { unasked } of agents) if (unasked !== null) throw unknown(unasked);
}

/** As requireSession, before there are agents. */
export function requireSessions(sessions: Sessions): void {
  if (isFleetError(sessions)) throw unknown(sessions);
}

function unknown(why: FleetError): FleetError {
  return new FleetError(why.code, `${why.message} Nothing is known of the agents, so nothing was changed.`, {
    hint: why.hint ?? "`fleet doctor` looks at it.",
    data: why.data,
    cause: why,
  });
}
