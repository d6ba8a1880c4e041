import { type Finding, note, ok, problem } from "../../engine/checkup/finding.js";
import type { Deps } from "../../engine/deps.js";
import { dropLogs } from "../../engine/logs.js";
import type { Seen } from "../../engine/look.js";
import { requireAdapter } from "../../engine/plan.js";
import { FleetError, isFleetError, toFleetError } from "../../errors/index.js";
import { type AgentRecord, elapsedMs, isEnded } from "../../model/index.js";
import type { AgentAdapter } from "../../ports/index.js";
import type { CallOptions, ProbeOptions, ProbeReport } from "../types.js";
import { adapterInfo } from "./adapters.js";
import { createAgent } from "./create.js";
import { findOne } from "./find.js";
import { kill } from "./kill.js";
import { refuseOverLimit } from "./limit.js";
import { prompt } from "./prompt.js";
import { resume } from "./resume.js";
import { stop } from "./stop.js";
import { dropTrash } from "./trash.js";

/** Nothing it would have to ask for, and as few words as can be. */
const PROMPT = 'Reply with the single word "ready", and do nothing else.';
/** How long a program may take to be ready, milliseconds: some look around for a while when they start. */
const READY_MS = 90_000;
/** How long a turn of one word may take, milliseconds. */
const TURN_MS = 120_000;
/** A turn that was not seen to begin for so long was too short to be seen, milliseconds. */
const UNSEEN_MS = 4000;
const POLL_MS = 100;

const BY: Readonly<Record<string, string>> = {
  hook: "it reported the very text",
  transcript: "it wrote the very text down as taken",
  screen: "its input is empty again",
  read: "it has read text and Enter",
};

/** One examination: what is asked, and where what is found goes. */
interface Probe {
  readonly deps: Deps;
  readonly adapter: AgentAdapter;
  readonly id: string;
  readonly say: (finding: Finding) => void;
  readonly call: CallOptions;
}

/** Starts an agent program in a scratch worktree, sees whether this fleet can tell what it does, and removes all of it. */
export async function probe(deps: Deps, name: string, options: ProbeOptions, call: CallOptions = {}): Promise<ProbeReport> {
  deps.requireTrust();
  const adapter = await requireAdapter(deps, name);
  const { title, version, path } = await adapterInfo(deps, name, call);
  const findings: Finding[] = [];
  const say = (finding: Finding): void => {
    findings.push(finding);
    options.onFinding?.(finding);
  };
  say(ok("program", `${title} ${version ?? "(it does not say its version)"}, ${path ?? adapter.program}`));
  const quiet: CallOptions = { ...(call.signal === undefined ? {} : { signal: call.signal }) };
  const record = await begin(deps, name, say, quiet);
  if (record !== null) {
    try {
      await examine({ deps, adapter, id: record.id, say, call: quiet }, options.prompt !== false);
    } finally {
      // Also after an interruption: nothing of a probe stays.
      await remove(deps, record, say);
    }
  }
  return { adapter: name, version, findings, healthy: findings.every(({ state }) => state !== "problem") };
}

async function begin(deps: Deps, name: string, say: Probe["say"], call: CallOptions): Promise<AgentRecord | null> {
  const from = elapsedMs();
  try {
    await refuseOverLimit(deps, 1, call);
    const { record } = await createAgent(deps, { branch: `fleet-probe-${deps.ids.next()}`, adapter: name, quick: true }, call);
    if (record.status === "queued") {
      await kill(deps, record.id, {}, call);
      throw new FleetError("LIMIT_REACHED", "Other agents wait for a place; a probe does not stand in line.", {
        hint: "Probe once they are up.",
      });
    }
    say(ok("start", `up after ${seconds(from)}`));
    return record;
  } catch (error) {
    if (!isFleetError(error, "AGENT_DIED")) throw error;
    say(problem("start", error.message, error.hint));
    return null;
  }
}

async function examine(probe: Probe, withPrompt: boolean): Promise<void> {
  if (!(await becomesReady(probe, "ready"))) return;
  if (!withPrompt) return;
  if (!(await takesPrompt(probe))) return;
  if (await turns(probe)) await comesBack(probe);
}

/** Waits until it is idle; says what it does instead. */
async function becomesReady(probe: Probe, check: string): Promise<Seen | null> {
  const { say, adapter } = probe;
  const from = elapsedMs();
  const seen = await until(
    probe,
    ({ record }) => record.status === "idle" || record.status === "waiting" || isEnded(record.status),
    READY_MS,
  );
  const { status, statusSource, exitCode } = seen.record;
  if (status === "idle") {
    say(ok(check, `idle after ${seconds(from)}, known by its ${statusSource}`));
    return seen;
  }
  const asks = seen.question === null ? "a question that could not be read" : `"${seen.question}"`;
  if (status === "waiting") {
    say(problem(check, `it asks ${asks}`, `Start ${adapter.program} in the repository yourself, and answer that once.`));
  } else if (isEnded(status)) {
    say(
      problem(
        check,
        `it ended (${status}${exitCode === null ? "" : `, exit code ${exitCode}`})`,
        `Start ${adapter.program} in the repository yourself to see why.`,
      ),
    );
  } else {
    say(problem(check, `still ${status} after ${seconds(from)}, by its ${statusSource}; ${shown(seen)}`, PATTERNS));
  }
  return null;
}

const PATTERNS = "agents.<name>.patterns tells its states apart by what it shows: docs/agents.md.";

async function takesPrompt({ deps, adapter, id, say, call }: Probe): Promise<boolean> {
  const from = elapsedMs();
  try {
    const [result] = await prompt(deps, id, PROMPT, {}, call);
    const evidence = result?.evidence ?? "read";
    const told = `delivered in ${seconds(from)}: ${BY[evidence]} (${evidence})`;
    const could = adapter.reports !== undefined;
    if (!could || evidence === "hook" || evidence === "transcript") say(ok("delivery", told));
    else say(note("delivery", `${told}; its hooks told nothing of it`, "Settings of your own may have turned them off."));
    return true;
  } catch (error) {
    if (!isFleetError(error, "PROMPT_REFUSED") && !isFleetError(error, "PROMPT_UNVERIFIED")) throw error;
    say(problem("delivery", error.message, PATTERNS));
    return false;
  }
}

/** Follows the turn to its end. */
async function turns(probe: Probe): Promise<boolean> {
  const { deps, say } = probe;
  const began = deps.clock.now();
  const changes: string[] = [];
  let worked = false;
  const seen = await until(
    probe,
    ({ record: { status, statusSource } }) => {
      const now = `${status} (${statusSource})`;
      worked ||= status === "working";
      // Idle is news only after something else.
      if (changes.at(-1) !== now && (worked || status !== "idle")) changes.push(now);
      return status === "waiting" || isEnded(status) || (status === "idle" && (worked || deps.clock.now() - began >= UNSEEN_MS));
    },
    TURN_MS,
  );
  const { status, statusSource } = seen.record;
  if (status === "idle" && worked) say(ok("status", changes.join(", then ")));
  else if (status === "idle") say(note("status", `idle (${statusSource}); the turn was too short to be seen`));
  else if (status === "waiting") say(ok("status", `${changes.join(", then ")}: "${seen.question ?? "?"}"`));
  else say(problem("status", `${changes.join(", then ")}, and no end of it in ${Math.round(TURN_MS / 1000)} s; ${shown(seen)}`, PATTERNS));
  return !isEnded(status);
}

/** Stops it and takes its conversation up again. */
async function comesBack(probe: Probe): Promise<void> {
  const { deps, adapter, id, say, call } = probe;
  const before = (await findOne(deps, id, call)).record.conversation;
  if (before === null && adapter.reports !== undefined) {
    say(problem("conversation", "its id did not become known", "A resume would take up the last one of this folder, or none."));
    return;
  }
  if (before !== null) say(ok("conversation", before));
  try {
    await stop(deps, id, call);
    await resume(deps, id, call);
  } catch (error) {
    const known = toFleetError(error);
    if (known.code === "INTERRUPTED") throw known;
    say(problem("resume", known.message, known.hint));
    return;
  }
  const seen = await becomesReady(probe, "resume");
  const now = seen?.record.conversation ?? null;
  if (seen !== null && now !== before) say(problem("resume", `another conversation: ${now}`, null));
}

async function until({ deps, id, call }: Probe, good: (seen: Seen) => boolean, timeoutMs: number): Promise<Seen> {
  const end = deps.clock.now() + timeoutMs;
  for (;;) {
    const seen = await findOne(deps, id, call);
    if (good(seen) || deps.clock.now() >= end) return seen;
    await deps.clock.sleep(POLL_MS, call);
  }
}

/** Worktree, branch, record, what a forced kill saves, logs: all of it was the probe's own. */
async function remove(deps: Deps, record: AgentRecord, say: Probe["say"]): Promise<void> {
  const from = elapsedMs();
  try {
    const { killed } = await kill(deps, record.id, { force: true, deleteBranch: true });
    if (killed.some(({ saved }) => saved !== null)) await dropTrash(deps, { which: record.id, allRepos: true });
    await dropLogs(deps, record.id);
    say(ok("end", `ended and removed in ${seconds(from)}`));
  } catch (error) {
    const known = error instanceof FleetError ? error : toFleetError(error);
    say(problem("end", known.message, `\`fleet kill ${record.branch} --force\` removes what is left.`));
  }
}

function shown({ screen }: Seen): string {
  const last = screen?.lines.findLast((line) => line.trim() !== "")?.trim();
  return last === undefined ? "it shows nothing" : `the last it shows is "${last.slice(0, 120)}"`;
}

function seconds(from: number): string {
  return `${((elapsedMs() - from) / 1000).toFixed(1)} s`;
}
