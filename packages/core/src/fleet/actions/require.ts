import type { Sessions } from "../../engine/ask-sessions.js";
import type { Seen } from "../../engine/look.js";
import { isUnstarted } from "../../engine/queued/entries.js";
import { FleetError, isFleetError } from "../../errors/index.js";

/** Throws if the sessions could not be asked for: what is not known is not changed. */
export function requireSession(agents: readonly Pick<Seen, "unasked">[]): void {
  for (const { unasked } of agents) if (unasked !== null) throw unknown(unasked);
}

/** As requireSession, before there are agents. */
export function requireSessions(sessions: Sessions): void {
  if (isFleetError(sessions)) throw unknown(sessions);
}

/** Throws `AGENT_NOT_FOUND` if the agent was never started: what is asked for, its worktree or its terminal, is not there. */
export function requireStarted({ record, reason }: Pick<Seen, "record" | "reason">, what: string): void {
  if (!isUnstarted(record)) return;
  const { branch, status } = record;
  const why = reason === null || reason === "" ? "" : ` (${reason.replace(/\.$/, "")})`;
  throw new FleetError(
    "AGENT_NOT_FOUND",
    `${branch} has no ${what} yet: it ${status === "failed" ? "could not be started" : `is ${status}`}${why}.`,
    {
      hint:
        status === "queued"
          ? `It starts by itself when its turn comes; \`fleet wait ${branch}\` waits for it.`
          : `\`fleet resume ${branch}\` puts it back into the queue; \`fleet kill ${branch}\` lets go of it.`,
      data: { name: branch },
    },
  );
}

function unknown(why: FleetError): FleetError {
  return new FleetError(why.code, `${why.message} Nothing is known of the agents, so nothing was changed.`, {
    hint: why.hint ?? "`fleet doctor` looks at it.",
    data: why.data,
    cause: why,
  });
}
