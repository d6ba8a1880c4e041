import { isFleetError } from "../errors/index.js";
import type { Deps } from "./deps.js";

/** Does it where no other process does what goes by that name at this moment; says whether it did. */
export async function alone(deps: Deps, name: string, work: () => Promise<void>): Promise<boolean> {
  let began = false;
  try {
    await deps.locks.hold(
      `${deps.paths.run}/${name}`,
      async () => {
        began = true;
        await work();
      },
      { timeoutMs: 0 },
    );
    return true;
  } catch (error) {
    if (!began && isFleetError(error, "LOCKED")) return false;
    throw error;
  }
}
