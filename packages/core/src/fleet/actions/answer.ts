import { answer as answerOne } from "../../engine/answer.js";
import type { Deps } from "../../engine/deps.js";
import type { Seen } from "../../engine/look.js";
import { mapPool } from "../../engine/pool.js";
import { isSingle } from "../../engine/targets.js";
import { FleetError } from "../../errors/index.js";
import type { Target } from "../../model/index.js";
import type { AnswerOptions, AnswerResult, CallOptions, ListedAgent } from "../types.js";
import { find } from "./find.js";
import { listed } from "./list.js";

/** The agents of a target that wait for an answer, as listings show them. */
export async function questions(deps: Deps, target: Target, options: AnswerOptions = {}, call?: CallOptions): Promise<ListedAgent[]> {
  const chosen = await find(deps, target, call);
  return chosen.filter((seen) => asks(seen, options)).map((seen) => listed(seen));
}

function asks({ record, question }: Seen, { matching }: AnswerOptions): boolean {
  return record.status === "waiting" && (matching === undefined || matching.test(question ?? ""));
}

/** Answers open questions. One agent by name: throws unless it was answered; several: those that wait, each with its result. */
export async function answer(
  deps: Deps,
  target: Target,
  choice: string,
  options: AnswerOptions = {},
  call?: CallOptions,
): Promise<readonly AnswerResult[]> {
  if (choice.trim() === "")
    throw new FleetError("USAGE", "The answer is empty.", { hint: "Give a number, yes, no, or how the choice begins." });
  const single = isSingle(target);
  const chosen = (await find(deps, target, call)).filter((seen) => single || asks(seen, options));
  const results = await mapPool(
    chosen,
    deps.settings.config.fleet.maxParallel,
    async (seen): Promise<AnswerResult> => {
      const { branch, id } = seen.record;
      if (seen.record.status === "waiting" && !asks(seen, options)) {
        return { branch, question: seen.question, choice: null, outcome: "refused", reason: "its question does not match" };
      }
      const expected = options.questions?.get(id) ?? seen.question;
      return { branch, ...(await answerOne(deps, seen, choice, expected, call)) };
    },
    call,
  );
  const [only] = results;
  if (single && only !== undefined && only.outcome !== "answered") throw unanswered(only);
  return results;
}

function unanswered(result: AnswerResult): FleetError {
  const refused = result.outcome === "refused";
  return new FleetError(
    refused ? "PROMPT_REFUSED" : "PROMPT_UNVERIFIED",
    refused
      ? `${result.branch} was not answered: ${result.reason}.`
      : `Whether ${result.branch} took the answer is not known: ${result.reason}.`,
    { hint: `\`fleet attach ${result.branch}\` shows its terminal.`, data: { results: [result] } },
  );
}
