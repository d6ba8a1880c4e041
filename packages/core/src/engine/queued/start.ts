import { type FleetError, toFleetError } from "../../errors/index.js";
import type { AgentRecord, Repository, Warning } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import { holdAgents } from "../agent-lock.js";
import { bringUp } from "../bring-up.js";
import type { Deps } from "../deps.js";
import type { Seen } from "../look.js";
import { makePlans, noCommit, type Plan } from "../plan.js";
import { requireRepo } from "../scope.js";
import { wakeFiller } from "../warm/fill.js";
import { readPool } from "../warm/marks.js";
import { looks } from "../watch.js";
import { type Entry, readEntries, readEntry, removeEntry } from "./entries.js";
import { giveBack, noteFailure } from "./fail.js";
import { type InHand, startsInHand } from "./in-hand.js";
import { placesOf } from "./place.js";
import { roomFor } from "./room.js";
import { waitingIn, whileStarter } from "./wake.js";
import { writeWhy } from "./why.js";

/** How often memory is measured while that is what agents wait for, milliseconds. */
const MEASURE_MS = 5000;

/**
 * Starts queued agents of all repositories, first come first, as places become free, and ends when none is left that could
 * be started. One process at a time does it.
 */
export async function startQueued(deps: Deps, warn: (warning: Warning) => void, call?: Call): Promise<void> {
  let hopeless: ReadonlySet<string> = new Set();
  const work = async () => {
    hopeless = await round(deps, warn, call);
  };
  // What was queued while this one was about to leave saw it at work and started no other: so it looks once more.
  while (waitingIn(await readEntries(deps)).some(({ record }) => !hopeless.has(record.id))) {
    if (!(await whileStarter(deps, work))) return;
  }
}

/** Starts what it can until nothing is left but what cannot be started whatever room there is. Answers with that. */
async function round(deps: Deps, warn: (warning: Warning) => void, call?: Call): Promise<ReadonlySet<string>> {
  const placeOf = placesOf(deps);
  const figuresMs = deps.settings.config.fleet.minFreeMemory === null ? Number.POSITIVE_INFINITY : MEASURE_MS;
  const over = new AbortController();
  const signal = call?.signal === undefined ? over.signal : AbortSignal.any([call.signal, over.signal]);
  let isLast = false;
  const leaveIfDone = () => {
    if (isLast && inHand.ids.size === 0) over.abort();
  };
  const inHand = startsInHand(deps, call, leaveIfDone);
  let held: ReadonlyMap<string, string> = new Map();
  let said = "";
  try {
    for await (const { agents } of looks(deps, { commonDir: null }, warn, { signal }, { figuresMs })) {
      await inHand.check();
      const left = waitingIn(await readEntries(deps)).filter(({ record }) => !inHand.ids.has(record.id));
      const line = await startThose(left, { agents, placeOf, inHand }, (place, entry, claimed) =>
        inHand.begin(claimed.id, (one) => start(place, entry, claimed, { ...one, warn })),
      );
      held = line.held;
      const why = { all: line.full, one: Object.fromEntries(held) };
      if (said !== JSON.stringify(why)) await writeWhy(deps, why);
      said = JSON.stringify(why);
      isLast = left.every(({ record }) => held.has(record.id) || inHand.ids.has(record.id));
      leaveIfDone();
    }
  } catch (error) {
    if (!over.signal.aborted || call?.signal?.aborted === true) throw error;
  } finally {
    await inHand.close();
  }
  return new Set(held.keys());
}

/** What one look at the queue has to go by. */
interface Line {
  readonly agents: readonly Seen[];
  readonly placeOf: (entry: Entry) => Promise<Deps | string>;
  readonly inHand: InHand;
}

/** Begins to start those for which there is room, first come first; says what holds the others up: one of them, or all that are left. */
async function startThose(
  left: readonly Entry[],
  { agents, placeOf, inHand }: Line,
  begin: (place: Deps, entry: Entry, claimed: AgentRecord) => void,
): Promise<{ readonly held: ReadonlyMap<string, string>; readonly full: string }> {
  const held = new Map(inHand.stuck);
  const full = new Map<string, string>();
  for (const entry of left) {
    const { id, commonDir } = entry.record;
    // Those behind it in its repository do not overtake it.
    if (held.has(id) || full.has(commonDir)) continue;
    const place = await placeOf(entry);
    if (typeof place === "string") {
      held.set(id, place);
      continue;
    }
    const { maxParallel } = place.settings.config.fleet;
    const claimed = inHand.ids.size >= maxParallel ? `${inHand.ids.size} are being started` : await claim(place, entry, agents);
    if (typeof claimed === "string") full.set(commonDir, claimed);
    else if (claimed !== null) begin(place, entry, claimed);
  }
  return { held, full: [...full.values()][0] ?? "" };
}

/**
 * Takes a place for one queued agent: its record as one that is starting. Answers with what stands against it where there is
 * no room, and with null where it is not queued any more.
 */
async function claim(deps: Deps, { record }: Entry, agents: readonly Seen[]): Promise<AgentRecord | string | null> {
  const room = await roomFor(deps, agents);
  const now = room?.(await deps.store.read());
  if (now !== undefined && now.places < 1) return now.why;
  const maker = await deps.processes.self();
  const work = async () => {
    // Dropped or stopped meanwhile.
    if ((await readEntry(deps, record.id))?.record.status !== "queued") return null;
    return deps.store.update((draft): AgentRecord | string | null => {
      const at = draft.agents.findIndex(({ id, status }) => id === record.id && status === "queued");
      if (at < 0) return null;
      const then = room?.(draft);
      if (then !== undefined && then.places < 1) return then.why;
      const claimed: AgentRecord = { ...record, maker, status: "starting", statusSince: new Date(deps.clock.now()).toISOString() };
      draft.agents[at] = claimed;
      return claimed;
    });
  };
  return holdAgents(deps, [record.id], work);
}

/** Brings one agent up. One that does not come up has failed and says why, and the others go on. */
async function start(
  deps: Deps,
  entry: Entry,
  claimed: AgentRecord,
  call: Call & { readonly warn: (warning: Warning) => void },
): Promise<void> {
  const { repo } = requireRepo(deps);
  const full = { ...call, progress: () => {} };
  let failure: FleetError | null = null;
  try {
    const plan = await planOf(deps, repo, entry, call);
    const record = { ...claimed, base: plan.base, createdBranch: plan.mode !== "use" };
    const warm = deps.settings.config.pool.size > 0 ? await readPool(deps, repo.commonDir) : [];
    const [raised] = await bringUp(deps, repo, [{ plan, record }], full, warm);
    if (raised?.ok === false) failure = raised.error;
  } catch (error) {
    failure = toFleetError(error);
  }
  if (failure === null) {
    await removeEntry(deps, claimed.id);
    await wakeFiller(deps, repo).catch(() => undefined);
  } else if (failure.code === "INTERRUPTED" || call.signal?.aborted === true) await giveBack(deps, claimed);
  else await noteFailure(deps, entry, failure);
}

/** The plan as it was when the agent was asked for, checked against the repository as it is. */
async function planOf(deps: Deps, repo: Repository, { record, setup, start }: Entry, call: Call): Promise<Plan> {
  const { branch, prompt, adapter, batch, index } = record;
  const isNew = start === "create";
  const wish = {
    branch,
    prompt,
    adapter,
    batch,
    index,
    setup,
    mode: record.mode ?? null,
    from: isNew ? record.base : null,
    mustBeNew: isNew,
  };
  const [plan] = await makePlans(deps, repo, repo.path, [wish], () => {}, call);
  // One that was to track a remote branch may have been checked out from it by hand.
  if (plan === undefined || (plan.mode !== start && plan.mode !== "use")) throw noCommit(branch);
  return plan;
}
