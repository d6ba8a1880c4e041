import { type Held, holdSeen, removedMeanwhile } from "../../engine/agent-lock.js";
import { settleRecord } from "../../engine/bring-up.js";
import type { Deps } from "../../engine/deps.js";
import { agentEnvironment } from "../../engine/environment.js";
import { keepScreens, logFileOf, writeLogMeta } from "../../engine/logs.js";
import type { Seen } from "../../engine/look.js";
import { isRegistered } from "../../engine/loss.js";
import { saveRecords } from "../../engine/mirror.js";
import { requireProgram } from "../../engine/program.js";
import { putBack, wakeQueue } from "../../engine/queued/change.js";
import { isUnstarted } from "../../engine/queued/entries.js";
import { learntConversation, prepareReports, reportsFolder } from "../../engine/reports.js";
import { type Riser, riser } from "../../engine/rise.js";
import { isSingle } from "../../engine/targets.js";
import { transact } from "../../engine/transact.js";
import { mendIfPossible } from "../../engine/unwritable.js";
import { FleetError, isFleetError, toFleetError } from "../../errors/index.js";
import { type AgentRecord, isEnded, type Session, type Target } from "../../model/index.js";
import type { Launch } from "../../ports/index.js";
import type { CallOptions, FailedAgent, StopResult } from "../types.js";
import { fill } from "./call.js";
import { describe, find } from "./find.js";
import { refuseOverLimit } from "./limit.js";
import { requireSession } from "./require.js";

/** From when one is up, or has failed, to the next start, milliseconds: agents that share an account or a machine must not all come at once. */
const SPACING_MS = 250;
/** What stops one agent for this reason stops every other one. */
const HITS_ALL: ReadonlySet<string> = new Set(["INTERRUPTED", "DISK_FULL", "TOOL_MISSING", "TOOL_OLD", "TIMEOUT"]);
/** What stops one agent for this reason stops every other one that runs the same program. */
const HITS_KIND: ReadonlySet<string> = new Set(["AGENT_COMMAND_MISSING", "CONFIG_INVALID"]);

/**
 * Starts ended agents again in their worktrees, one after the other, taking up their conversation where
 * the program can. What would fail for all is tried once: the others stay as they are and are named in a warning.
 */
export async function resume(deps: Deps, target: Target, call?: CallOptions): Promise<StopResult> {
  deps.requireTrust();
  const all = await find(deps, target, call);
  requireSession(all);
  const chosen = all.filter(({ record }) => !isUnstarted(record));
  await refuseOverLimit(deps, chosen.filter(({ record }) => isEnded(record.status)).length, call);
  const failed: FailedAgent[] = [];
  const records: AgentRecord[] = [
    ...(await queueAgain(
      deps,
      all.filter(({ record }) => isUnstarted(record)),
      call,
    )),
  ];
  const held: AgentRecord[] = [];
  const up = new Set<string>();
  const hopeless = new Set<string>();
  const waitUntilUp = riser(deps, call);
  let tried = false;
  for (const seen of diedLast(chosen)) {
    const { adapter, branch, status } = seen.record;
    if (hopeless.has(EVERY) || (hopeless.has(adapter) && isEnded(status))) {
      held.push(seen.record);
      continue;
    }
    try {
      if (tried && isEnded(status)) await deps.clock.sleep(SPACING_MS, call);
      tried ||= isEnded(status);
      records.push(await resumeOne(deps, seen, waitUntilUp, call));
      if (isEnded(status)) up.add(adapter);
    } catch (error) {
      const known = toFleetError(error);
      failed.push({ branch, error: known });
      if (HITS_ALL.has(known.code)) hopeless.add(EVERY);
      // Where another of its kind came up, a death is its own.
      else if (HITS_KIND.has(known.code) || (known.code === "AGENT_DIED" && !up.has(adapter))) hopeless.add(adapter);
    }
  }
  const [first] = failed;
  if (isSingle(target) && first !== undefined) throw first.error;
  await wakeQueue(deps, records);
  if (held.length > 0) call?.onWarning?.({ code: "NOT_TRIED", message: notTried(held, failed) });
  return { agents: await describe(deps, records, call), failed };
}

/** Stands for every adapter. */
const EVERY = "*";

/** Those that died when they were started last come last: they must not keep the others from being tried. */
function diedLast(chosen: readonly Seen[]): readonly Seen[] {
  const died = ({ record }: Seen) => record.exitCode !== null && record.exitCode !== 0;
  return [...chosen.filter((seen) => !died(seen)), ...chosen.filter(died)];
}

function notTried(held: readonly AgentRecord[], failed: readonly FailedAgent[]): string {
  const names = held.map(({ branch }) => branch).join(", ");
  const after = failed.map(({ branch }) => branch).join(", ");
  return `Not tried, since what stopped ${after} would stop them too: ${names}. They stay as they are; resume them once that is mended.`;
}

/** Brings back one agent while it is held: another command may do the same, or end it, or remove it. */
function resumeOne(deps: Deps, seen: Seen, waitUntilUp: Riser, call?: CallOptions): Promise<AgentRecord> {
  return holdSeen(
    deps,
    [seen],
    async ({ there, gone: [removed] }) => {
      if (removed !== undefined) throw removedMeanwhile(removed);
      requireSession(there);
      const now = there[0] ?? seen;
      const { branch, status } = now.record;
      if (isEnded(status)) return startAgain(deps, now, waitUntilUp, call);
      if (status === "unknown") throw stillRuns(now.record);
      call?.onWarning?.({ code: "RUNNING", branch, message: `${branch} runs already (${status}).` });
      return now.record;
    },
    fill(call).warn,
    call,
  );
}

/** Its session is gone, its program is not: a second one in the same worktree would be worse than none. */
function stillRuns({ branch, id, process }: AgentRecord): FleetError<"AGENT_EXISTS"> {
  return new FleetError(
    "AGENT_EXISTS",
    `${branch} has no session any more, but its program still runs${process ? ` (pid ${process.pid})` : ""}.`,
    {
      hint: `\`fleet stop ${branch}\` ends it; then resume it.`,
      data: { branch, id, status: "unknown" },
    },
  );
}

/** Those that were never started wait for a place once more, behind the others. */
function queueAgain(deps: Deps, unstarted: readonly Seen[], call?: CallOptions): Promise<readonly AgentRecord[]> {
  const work = async ({ there }: Held) => {
    const queued = there.filter(({ record }) => record.status === "queued").map(({ record }) => record);
    for (const { branch } of queued) call?.onWarning?.({ code: "QUEUED", branch, message: `${branch} is queued already.` });
    const ended = there.map(({ record }) => record).filter((record) => isUnstarted(record) && record.status !== "queued");
    return [...queued, ...(await putBack(deps, ended))];
  };
  return unstarted.length === 0 ? Promise.resolve([]) : holdSeen(deps, unstarted, work, fill(call).warn, call);
}

async function startAgain(
  deps: Deps,
  { record: before, session: old }: Seen,
  waitUntilUp: Riser,
  call?: CallOptions,
): Promise<AgentRecord> {
  const record = { ...before, conversation: before.conversation ?? (await learntConversation(deps, before)) };
  const link = await deps.git.readLink(record.worktree);
  if (link?.adminDir !== record.adminDir || !(await isRegistered(deps, record))) {
    throw new FleetError("DRIVER_FAILED", `The worktree of ${record.branch} is not there any more.`, {
      hint: `\`fleet kill ${record.branch}\` forgets the agent.`,
    });
  }
  const adapter = deps.adapters.get(record.adapter);
  if (adapter === null) {
    throw new FleetError("CONFIG_INVALID", `There is no agent "${record.adapter}" any more.`, {
      hint: "Configure it again as agents.<name>.command.",
      data: { key: `agents.${record.adapter}` },
    });
  }
  const settings = deps.settings.config.agents[record.adapter];
  const env = agentEnvironment(deps.env, settings?.env ?? {}, record);
  const context = {
    id: record.id,
    branch: record.branch,
    worktree: record.worktree,
    repo: record.repo,
    prompt: null,
    promptFile: null,
    command: settings?.command ?? null,
    flags: settings?.flags ?? [],
    conversation: record.conversation,
    mode: record.mode ?? null,
    reports: reportsFolder(adapter, record),
    env,
  };
  const fresh = adapter.launch(context);
  const launch: Launch = adapter.resume(context) ?? fresh;
  await requireProgram(deps, launch.argv[0], record.adapter, env);
  if (old) await keepScreens(deps, [{ id: old.id, agent: record.id }]);
  // What outlived a server that was killed must not work beside the new program.
  if (record.status === "lost")
    await deps.processes.endTrees([{ root: null, marker: ["AIFLEET_ID", record.id] }], { graceMs: LEFTOVER_MS }, call);
  const begin = async (how: Launch) => {
    await deps.sessions.end([record.id]);
    const settled = await transact(deps, async (undo) => {
      await writeLogMeta(deps, record);
      const reports = await prepareReports(deps, adapter, record, how);
      const session = await undo.did({ kind: "session", agent: record.id }, () =>
        startSession(deps, record, how, { ...env, ...how.env, ...reports }, call),
      );
      const up = await waitUntilUp(session, adapter, logFileOf(deps, record.id));
      const conversation = how === fresh ? (how.conversation ?? null) : record.conversation;
      return settleRecord(deps, { ...record, conversation }, up);
    });
    // It runs; that the registry does not say so yet is put right by the next look at it.
    await mendIfPossible(() => saveRecords(deps, [settled]), fill(call).warn, "The agent runs, but that could not be written down");
    return settled;
  };
  const warnAfresh = () =>
    call?.onWarning?.({
      code: "STARTED_AFRESH",
      branch: record.branch,
      message: `${record.branch} had no conversation to take up and was started afresh.`,
    });
  try {
    if (launch === fresh && adapter.reports !== undefined) warnAfresh();
    return await begin(launch).catch((error: unknown) => {
      if (launch === fresh || !isFleetError(error, "AGENT_DIED") || !NOTHING_TO_RESUME.test(error.data.output ?? "")) throw error;
      warnAfresh();
      return begin(fresh);
    });
  } catch (error) {
    // Kept with the record, so that the next resume of many tries the others first.
    if (isFleetError(error, "AGENT_DIED")) {
      const ended = { ...record, exitCode: error.data.exitCode ?? 1 };
      await mendIfPossible(() => saveRecords(deps, [ended]), fill(call).warn, "How the agent ended could not be written down");
    }
    throw error;
  }
}

/** How programs say that there is no conversation of that name, or none at all. */
const NOTHING_TO_RESUME =
  /\bno\b[^\n]*\b(?:conversations?|sessions?|chats?)\b[^\n]*\bfound\b|\b(?:conversation|session)\b[^\n]*\bnot found\b|\binvalid session identifier\b/i;
/** How long what a killed server left has to end by itself, milliseconds. */
const LEFTOVER_MS = 2000;

async function startSession(
  deps: Deps,
  record: AgentRecord,
  launch: Launch,
  env: Record<string, string>,
  call?: CallOptions,
): Promise<Session> {
  const spec = {
    agent: record.id,
    name: record.session,
    cwd: record.worktree,
    argv: launch.argv,
    env,
    logFile: logFileOf(deps, record.id),
  };
  for await (const result of deps.sessions.create([spec], call)) {
    if (!result.ok) throw result.error;
    return result.session;
  }
  throw new FleetError("DRIVER_FAILED", "The session driver started nothing.");
}
