import { askSessions } from "../../engine/ask-sessions.js";
import { batcher } from "../../engine/batcher.js";
import { checkPromptText, deliver } from "../../engine/deliver.js";
import type { Deps } from "../../engine/deps.js";
import { look, type Seen } from "../../engine/look.js";
import { mapPool } from "../../engine/pool.js";
import { deliverNext, enqueue } from "../../engine/queue.js";
import { refused, unverified } from "../../engine/receipt.js";
import { isSingle } from "../../engine/targets.js";
import { wakeCourier } from "../../engine/wake-courier.js";
import { FleetError, toFleetError } from "../../errors/index.js";
import { isEnded, type Target } from "../../model/index.js";
import type { CallOptions, PromptOptions, PromptResult } from "../types.js";
import { find } from "./find.js";

/** Prompts under way at the same time: mostly they wait for programs to read. */
const AT_ONCE = 16;
/** An agent that was looked at longer ago is looked at again before it is given a prompt: it may ask something by now, milliseconds. */
const OLD_MS = 2000;
/** What fails with one of these fails before anything is typed. */
const BEFORE: ReadonlySet<string> = new Set(["DISK_FULL", "PERMISSION_DENIED", "LOCKED", "INTERRUPTED"]);
const NOT_SENT = "interrupted before anything was typed";
const SAID = { delivered: "delivered to", queued: "queued for", unverified: "not seen to be taken by", refused: "not sent to" } as const;

/** Gives a prompt to agents. One by name: throws unless it was delivered; several: each has its result. */
export async function prompt(
  deps: Deps,
  target: Target,
  text: string,
  options: PromptOptions,
  call?: CallOptions,
): Promise<readonly PromptResult[]> {
  checkPromptText(text);
  const chosen = await find(deps, target, call);
  const single = isSingle(target);
  // Of several, one that cannot be given its prompt must not keep the others' results from being told.
  const give = options.whenIdle === true ? giveWhenIdle : deliver;
  const given = async (seen: Seen): Promise<Given> => {
    try {
      return await give(deps, await asItIs(seen), text, call);
    } catch (error) {
      const { code, message } = toFleetError(error);
      if (single) throw error;
      if (BEFORE.has(code)) return refused(code === "INTERRUPTED" ? NOT_SENT : message);
      // It may have come in the middle.
      if (code === "TIMEOUT" || code === "DRIVER_FAILED") return unverified(message.replace(/\.$/, ""));
      throw error;
    }
  };
  const again = batcher<Seen, Seen>(async (group) => {
    const records = group.map(({ record }) => record);
    return look(deps, records, await askSessions(deps, () => {}), () => {});
  });
  const asItIs = (seen: Seen) => (deps.clock.now() - seen.lookedAt > OLD_MS ? again(seen) : seen);
  const results = await mapPool(
    chosen,
    AT_ONCE,
    async (seen): Promise<PromptResult> => ({ branch: seen.record.branch, ...(await given(seen)) }),
  );
  if (results.some(({ delivery }) => delivery === "queued")) await wakeCourier(deps, chosen);
  if (call?.signal?.aborted && results.some(({ delivery }) => delivery !== "delivered" && delivery !== "queued"))
    throw cutOff(results, call.signal.reason);
  const [only] = results;
  if (single && only !== undefined && only.delivery !== "delivered" && only.delivery !== "queued")
    throw undelivered(only, chosen[0]?.record.status === "queued");
  return results;
}

type Given = Omit<PromptResult, "branch">;
const queued = (reason: string | null): Given => ({ delivery: "queued", reason, evidence: null });

/** Queues it, behind what is queued already; an idle agent with nothing queued gets it at once. */
async function giveWhenIdle(deps: Deps, seen: Seen, text: string, call?: CallOptions): Promise<Given> {
  const { status } = seen.record;
  if (isEnded(status)) return refused(`its program does not run (${status})`);
  const before = await enqueue(deps, seen.record, text);
  if (before > 0) return queued(`${before} ${before === 1 ? "prompt stands" : "prompts stand"} before it`);
  if (status !== "idle") return queued(`it is ${status}`);
  const receipt = await deliverNext(deps, seen, call);
  return receipt === null || receipt.delivery === "refused" ? queued(receipt?.reason ?? null) : receipt;
}

/** Who has the prompt all the same, and who has not. */
function cutOff(results: readonly PromptResult[], cause: unknown): FleetError {
  const groups = (["delivered", "queued", "unverified", "refused"] as const).flatMap((delivery) => {
    const branches = results.filter((result) => result.delivery === delivery).map(({ branch }) => branch);
    return branches.length === 0 ? [] : [`${SAID[delivery]} ${branches.join(", ")}`];
  });
  return new FleetError("INTERRUPTED", `Interrupted; the prompt was ${groups.join(", ")}.`, { data: { results }, cause });
}

function undelivered(result: PromptResult, isQueued: boolean): FleetError {
  const refused = result.delivery === "refused";
  return new FleetError(
    refused ? "PROMPT_REFUSED" : "PROMPT_UNVERIFIED",
    refused
      ? `The prompt was not sent to ${result.branch}: ${result.reason}.`
      : `Whether ${result.branch} took the prompt is not known: ${result.reason}.`,
    {
      hint: isQueued
        ? "--when-idle keeps the prompt until it runs and is idle."
        : refused
          ? `\`fleet attach ${result.branch}\` shows its terminal.`
          : `Look with \`fleet attach ${result.branch}\` before you send it again.`,
      data: { results: [result] },
    },
  );
}
