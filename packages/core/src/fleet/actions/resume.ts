import { settleRecord } from "../../engine/bring-up.js";
import type { Deps } from "../../engine/deps.js";
import { agentEnvironment } from "../../engine/environment.js";
import { keepScreens, logFileOf, writeLogMeta } from "../../engine/logs.js";
import type { Seen } from "../../engine/look.js";
import { isRegistered } from "../../engine/loss.js";
import { saveRecords } from "../../engine/mirror.js";
import { requireProgram } from "../../engine/program.js";
import { prepareReports, reportsFolder } from "../../engine/reports.js";
import { refuseTooMany } from "../../engine/reserve.js";
import { type Riser, riser } from "../../engine/rise.js";
import { isSingle } from "../../engine/targets.js";
import { transact } from "../../engine/transact.js";
import { mendIfPossible } from "../../engine/unwritable.js";
import { FleetError, toFleetError } from "../../errors/index.js";
import { type AgentRecord, isAlive, isEnded, type Session, type Target } from "../../model/index.js";
import type { Launch } from "../../ports/index.js";
import type { CallOptions, FailedAgent, StopResult } from "../types.js";
import { fill } from "./call.js";
import { lookAround } from "./create.js";
import { describe, find } from "./find.js";
import { requireSession } from "./require.js";

/** Starts ended agents again in their worktrees, taking up their conversation where the program can. */
export async function resume(deps: Deps, target: Target, call?: CallOptions): Promise<StopResult> {
  deps.requireTrust();
  const chosen = await find(deps, target, call);
  requireSession(chosen);
  await refuseOverLimit(deps, chosen.filter(({ record }) => isEnded(record.status)).length, call);
  const failed: FailedAgent[] = [];
  const records: AgentRecord[] = [];
  const waitUntilUp = riser(deps, call);
  for (const seen of chosen) {
    const { record } = seen;
    if (!isEnded(record.status)) {
      call?.onWarning?.({ code: "RUNNING", branch: record.branch, message: `${record.branch} runs already (${record.status}).` });
      records.push(record);
      continue;
    }
    try {
      records.push(await startAgain(deps, seen, waitUntilUp, call));
    } catch (error) {
      const known = toFleetError(error);
      failed.push({ branch: record.branch, error: known });
      // What is missing for one is missing for all of its kind: do not fail a hundred times.
      if (known.code === "AGENT_COMMAND_MISSING" || known.code === "INTERRUPTED" || known.code === "DISK_FULL") break;
    }
  }
  // They run; that the registry does not say so yet is put right by the next look at it.
  await mendIfPossible(
    () => saveRecords(deps, records),
    call?.onWarning ?? (() => {}),
    "The agents run, but that could not be written down",
  );
  const [first] = failed;
  if (isSingle(target) && first !== undefined) throw first.error;
  return { agents: await describe(deps, records, call), failed };
}

async function refuseOverLimit(deps: Deps, more: number, call?: CallOptions): Promise<void> {
  if (deps.settings.config.fleet.maxRunning === null || more === 0) return;
  const { agents } = await lookAround(deps, fill(call));
  refuseTooMany(deps, agents.filter(({ record }) => isAlive(record.status)).length, more);
}

async function startAgain(deps: Deps, { record, session: old }: Seen, waitUntilUp: Riser, call?: CallOptions): Promise<AgentRecord> {
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
  };
  const launch: Launch = adapter.resume(context) ?? adapter.launch(context);
  await requireProgram(deps, launch.argv[0], record.adapter, env);
  if (old) {
    await keepScreens(deps, [{ id: old.id, agent: record.id }]);
    await deps.sessions.end([record.id]);
  }
  return transact(deps, async (undo) => {
    await writeLogMeta(deps, record);
    const reports = await prepareReports(deps, adapter, record, launch);
    const session = await undo.did({ kind: "session", agent: record.id }, () =>
      startSession(deps, record, launch, { ...env, ...launch.env, ...reports }, call),
    );
    const up = await waitUntilUp(session, adapter, logFileOf(deps, record.id));
    return settleRecord(deps, record, up);
  });
}

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
