import { checkPromptText, deliver, type Receipt } from "../../engine/deliver.js";
import type { Deps } from "../../engine/deps.js";
import type { Seen } from "../../engine/look.js";
import { mapPool } from "../../engine/pool.js";
import { isSingle } from "../../engine/targets.js";
import { FleetError, toFleetError } from "../../errors/index.js";
import type { Target } from "../../model/index.js";
import type { CallOptions, PromptResult } from "../types.js";
import { find } from "./find.js";

/** Gives a prompt to agents. One by name: throws unless it was delivered; several: each has its result. */
export async function prompt(deps: Deps, target: Target, text: string, call?: CallOptions): Promise<readonly PromptResult[]> {
  checkPromptText(text);
  const chosen = await find(deps, target, call);
  // Of several, one that cannot be given its prompt must not keep the others' results from being told.
  const given = (seen: Seen): Promise<Receipt> =>
    deliver(deps, seen, text, call).catch((error: unknown) => {
      // All three come from the lock that is taken before anything is typed.
      const { code, message } = toFleetError(error);
      if (isSingle(target) || !["DISK_FULL", "PERMISSION_DENIED", "LOCKED"].includes(code)) throw error;
      return { delivery: "refused", reason: message };
    });
  const results = await mapPool(
    chosen,
    deps.settings.config.fleet.maxParallel,
    async (seen): Promise<PromptResult> => ({ branch: seen.record.branch, ...(await given(seen)) }),
    call,
  );
  const [only] = results;
  if (isSingle(target) && only !== undefined && only.delivery !== "delivered") throw undelivered(only);
  return results;
}

function undelivered(result: PromptResult): FleetError {
  const refused = result.delivery === "refused";
  return new FleetError(
    refused ? "PROMPT_REFUSED" : "PROMPT_UNVERIFIED",
    refused
      ? `The prompt was not sent to ${result.branch}: ${result.reason}.`
      : `Whether ${result.branch} took the prompt is not known: ${result.reason}.`,
    {
      hint: refused
        ? `\`fleet attach ${result.branch}\` shows its terminal.`
        : `Look with \`fleet attach ${result.branch}\` before you send it again.`,
      data: { results: [result] },
    },
  );
}
