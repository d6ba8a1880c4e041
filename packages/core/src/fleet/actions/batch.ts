import type { Made } from "../../engine/bring-up.js";
import type { Deps } from "../../engine/deps.js";
import type { Wish } from "../../engine/plan.js";
import { requireRepo } from "../../engine/scope.js";
import { FleetError, interrupted } from "../../errors/index.js";
import type { CallOptions, FailedAgent, FanoutOptions, MultiOptions, Task } from "../types.js";
import { fill } from "./call.js";
import { lookAround, makeAgents, planIfSettled, refuseTaken, wishFrom } from "./create.js";

/** The largest number of agents one call makes. */
const MOST = 1000;

/** What came of a batch. */
export interface BatchOutcome {
  readonly id: string;
  readonly raised: readonly Made[];
  readonly failed: readonly FailedAgent[];
}

/** One task, several agents, each on a branch of its own. */
export async function fanout(deps: Deps, options: FanoutOptions, call?: CallOptions): Promise<BatchOutcome> {
  const { count } = options;
  if (!Number.isInteger(count) || count < 1 || count > MOST) {
    throw new FleetError("INVALID_COUNT", `The count must be a whole number from 1 to ${MOST}, not ${count}.`, {
      hint: 'For example: fleet fanout 3 --prompt "…".',
      data: { count },
    });
  }
  deps.requireTrust();
  const id = deps.ids.next();
  const prefix = options.prefix ?? `fanout-${id}`;
  const adapters = typeof options.adapter === "string" ? [options.adapter] : (options.adapter ?? []);
  const wishes = Array.from({ length: count }, (_, place) => {
    const index = place + 1;
    const branch = `${prefix}-${index}`;
    const prompt = options.expand === true ? expand(options.prompt, { index: String(index), branch }) : options.prompt;
    const adapter = adapters.length === 0 ? null : (adapters[place % adapters.length] ?? null);
    return wishFrom(deps, { ...options, branch, prompt, adapter }, { batch: id, index, mustBeNew: true });
  });
  if (wishes.some((wish) => wish.prompt === null)) {
    throw new FleetError("USAGE", "A fan-out needs a prompt.", {
      hint: "Give it with --prompt or --prompt-file, or name a template that has one.",
    });
  }
  return makeBatch(deps, id, wishes, call);
}

/** Several tasks, one agent each. */
export async function multi(deps: Deps, tasks: readonly Task[], options: MultiOptions, call?: CallOptions): Promise<BatchOutcome> {
  if (tasks.length === 0)
    throw new FleetError("USAGE", "There is no task.", { hint: "Name tasks as BRANCH:PROMPT, or a task file with --file." });
  if (tasks.length > MOST) throw new FleetError("INVALID_COUNT", `At most ${MOST} tasks go into one batch, not ${tasks.length}.`);
  deps.requireTrust();
  const id = deps.ids.next();
  const wishes = tasks.map((task, place) =>
    wishFrom(
      deps,
      {
        ...task,
        adapter: task.adapter ?? options.adapter ?? null,
        from: task.from ?? options.from,
        mode: options.mode,
        quick: options.quick,
      },
      { batch: id, index: place + 1, mustBeNew: false },
    ),
  );
  return makeBatch(deps, id, wishes, call);
}

async function makeBatch(deps: Deps, id: string, wishes: readonly Wish[], call?: CallOptions): Promise<BatchOutcome> {
  const full = fill(call);
  const { repo } = requireRepo(deps);
  for (const wish of wishes) deps.git.checkBranchName(wish.branch);
  const planned = await planIfSettled(deps, wishes, full);
  const before = await lookAround(deps, full, planned);
  await refuseTaken(before, repo, wishes, planned);
  const { raised, failed } = await makeAgents(deps, wishes, before, full, planned);
  if (call?.signal?.aborted === true) {
    const error = interrupted(call.signal);
    const up = raised.map(({ record }) => record.branch);
    // What an undoing had to keep, or could not undo, is not nothing.
    const left = failed.flatMap(({ error: { data } }) => ("left" in data && Array.isArray(data.left) ? data.left.map(String) : []));
    const rest = left.length === 0 ? "" : ` Left behind: ${left.join("; ")}.`;
    throw new FleetError(
      "INTERRUPTED",
      up.length === 0
        ? `Interrupted${rest === "" ? "; nothing was left." : `.${rest}`}`
        : `Interrupted; ${up.length} of ${wishes.length} agents are up and stay: ${up.join(", ")}.${rest}`,
      {
        hint: up.length === 0 ? undefined : `\`fleet kill --batch ${id}\` ends them.`,
        data: { batch: id, up, ...(left.length === 0 ? {} : { left }) },
        cause: error.cause,
      },
    );
  }
  return { id, raised, failed };
}

function expand(prompt: string | undefined, values: Readonly<Record<string, string>>): string | undefined {
  return prompt?.replace(/\{(index|branch)\}/g, (_, name: string) => values[name] ?? "");
}
