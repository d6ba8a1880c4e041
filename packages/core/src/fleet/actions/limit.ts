import type { Deps } from "../../engine/deps.js";
import { refuseTooMany, roomFor } from "../../engine/queued/room.js";
import type { CallOptions } from "../types.js";
import { fill } from "./call.js";
import { lookAround } from "./create.js";

/** Throws `LIMIT_REACHED` if so many more cannot be alive now. Asks nothing where there is no limit. */
export async function refuseOverLimit(deps: Deps, more: number, call?: CallOptions): Promise<void> {
  const { maxRunning, minFreeMemory } = deps.settings.config.fleet;
  if ((maxRunning === null && minFreeMemory === null) || more === 0) return;
  const { agents } = await lookAround(deps, fill(call), null);
  const room = await roomFor(deps, agents);
  if (room !== null) refuseTooMany(deps, room(await deps.store.read(call)), more);
}
