import type { Deps } from "../../engine/deps.js";
import { FleetError } from "../../errors/index.js";
import type { AttachCommand } from "../../ports/index.js";
import type { CallOptions } from "../types.js";
import { findOne } from "./find.js";
import { requireSession, requireStarted } from "./require.js";

/** The command that shows an agent's terminal on the caller's. The caller runs it. */
export async function attachCommand(deps: Deps, name: string, call?: CallOptions): Promise<AttachCommand> {
  const seen = await findOne(deps, name, call);
  requireSession([seen]);
  requireStarted(seen, "terminal");
  const { record, session } = seen;
  if (!session || !deps.sessions.capabilities.attach) {
    throw new FleetError("AGENT_NOT_FOUND", `${record.branch} has no terminal (${record.status}).`, {
      hint: `\`fleet resume ${record.branch}\` starts it again; \`fleet logs ${record.branch}\` shows what it printed.`,
    });
  }
  return deps.sessions.attachCommand(session, deps.env);
}
