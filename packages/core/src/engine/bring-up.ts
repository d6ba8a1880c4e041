import { join } from "node:path";
import { FleetError, isFleetError, throwIfAborted, toFleetError } from "../errors/index.js";
import type { AgentRecord, Repository, Session, Worktree } from "../model/index.js";
import type { Launch } from "../ports/index.js";
import { workSinceSetup, writeBaseline } from "./baseline.js";
import { placeCredentials } from "./credentials.js";
import { type BringUpCall, type Crew, makeCrew } from "./crew.js";
import { deliver } from "./deliver.js";
import type { Deps } from "./deps.js";
import { agentEnvironment } from "./environment.js";
import { dropLogs, logFileOf, writeLogMeta } from "./logs.js";
import { lossOf } from "./loss.js";
import { writeMirror } from "./mirror.js";
import type { Plan } from "./plan.js";
import { mirrorText } from "./record.js";
import { prepareReports, reportsFolder } from "./reports.js";
import { waitUntilReady } from "./rise.js";
import { runSetup } from "./setup.js";
import { isToBeNoted, placeShared } from "./share.js";
import { transact, type Undo } from "./transact.js";
import type { Warm } from "./warm/marks.js";
import { takeWarm } from "./warm/take.js";

/** An argument longer than this does not fit into an argv element, bytes. */
export const LONGEST_ARGUMENT = 131_071;

/** An agent that is up. */
export interface Made {
  readonly record: AgentRecord;
  /** As it was when the program was up; null where more was done with it since. */
  readonly session: Session | null;
}

/** How one agent came up, or why it did not. */
export type Raised = ({ readonly ok: true } & Made) | { readonly ok: false; readonly branch: string; readonly error: FleetError };

/**
 * Brings up agents whose records are reserved, each a transaction of its own: worktree, credentials,
 * setup (or a worktree of the pool, where all three are done), session, first prompt. Those that fail leave nothing; the others stay.
 */
export async function bringUp(
  deps: Deps,
  repo: Repository,
  reserved: readonly { readonly plan: Plan; readonly record: AgentRecord }[],
  call: BringUpCall,
  warm: readonly Warm[] = [],
): Promise<readonly Raised[]> {
  const crew = makeCrew(deps, repo, call, warm, reserved.length);
  call.progress({ type: "plan", agents: reserved.map(({ record }) => record.branch) });
  return Promise.all(
    reserved.map(async ({ plan, record }): Promise<Raised> => {
      try {
        const { record: up, session, failure } = await transact(deps, (undo) => raise(deps, crew, plan, record, undo, call));
        if (failure !== null) {
          call.progress({ type: "failed", branch: record.branch, message: failure.message });
          return { ok: false, branch: record.branch, error: failure };
        }
        call.progress({ type: "done", branch: record.branch });
        return { ok: true, record: up, session };
      } catch (error) {
        const known = toFleetError(error);
        // What is kept for the work it holds keeps its log.
        if (!("left" in known.data)) await dropLogs(deps, record.id).catch(() => undefined);
        call.progress({ type: "failed", branch: record.branch, message: known.message });
        return { ok: false, branch: record.branch, error: known };
      }
    }),
  );
}

/** An agent that is kept; `failure` where its program died and left work. */
interface Brought extends Made {
  readonly failure: FleetError<"AGENT_DIED"> | null;
}

/** Takes one agent from its reservation to a running program. */
async function raise(deps: Deps, crew: Crew, plan: Plan, reserved: AgentRecord, undo: Undo, call: BringUpCall): Promise<Brought> {
  const { branch } = reserved;
  const step = (name: "worktree" | "setup" | "session" | "ready", detail?: string) =>
    call.progress({ type: "step", branch, step: name, ...(detail === undefined ? {} : { detail }) });
  // The reservation was written before this transaction began; noting it is what undoes it.
  await undo.did({ kind: "record", agent: reserved.id }, async () => undefined);

  step("worktree");
  const settings = deps.settings.config;
  const taken = await takeWarm(deps, crew, plan, reserved, undo, call);
  const { worktree, setup } = taken ?? { worktree: await makeWorktree(deps, crew, plan, reserved, undo), setup: plan.wish.setup };
  let record: AgentRecord = taken?.record ?? { ...reserved, adminDir: worktree.adminDir };

  const env = agentEnvironment(deps.env, settings.agents[record.adapter]?.env ?? {}, record);
  if (taken === null) {
    record = { ...record, credentials: await placeCredentials(deps, crew.repo, worktree, call, record.branch) };
    // Whoever has to undo this start must know which files are copies of ours.
    if (record.credentials.length > 0) await writeMirror(deps, record);
  }
  const doing = (what: string) => step("setup", what);
  const shared = await crew.setupGate(async () => {
    const paths = taken === null ? await placeShared(deps, crew.repo, worktree, call, record.branch, doing) : [];
    await runSetup(deps, { worktree: worktree.path, env }, setup, settings.setup.timeout, doing, call);
    return paths;
  });
  if (setup.length > 0 || isToBeNoted(deps, shared)) await writeBaseline(deps, crew.repo, record, call);

  step("session");
  const launch = await makeLaunch(deps, plan, record, env);
  const reports = await prepareReports(deps, plan.adapter, record, launch);
  record = { ...record, conversation: launch.conversation ?? null };
  const session = await start(deps, crew, record, launch, { ...env, ...launch.env, ...reports }, undo);
  step("ready");
  let failure: FleetError<"AGENT_DIED"> | null = null;
  const up = await crew.waitUntilUp(session, plan.adapter, logFileOf(deps, record.id)).catch(async (error: unknown): Promise<Session> => {
    const death = await deathWithWork(deps, record, error);
    failure = death;
    return { ...session, dead: true, exitCode: death.data.exitCode ?? 1 };
  });
  record = await settleRecord(deps, record, up);
  const isPasted = launch.promptVia === "paste" && record.prompt !== null && !up.dead;
  if (isPasted && record.prompt !== null) {
    await waitUntilReady(deps, up, plan.adapter, logFileOf(deps, record.id), call);
    await givePrompt(deps, record, up, record.prompt, call);
  }
  await writeMirror(deps, record);
  await crew.commit(record);
  return { record, session: isPasted ? null : up, failure };
}

async function makeWorktree(deps: Deps, crew: Crew, plan: Plan, record: AgentRecord, undo: Undo): Promise<Worktree> {
  const { repo } = crew;
  return undo.did(
    {
      kind: "worktree",
      commonDir: repo.commonDir,
      repo: repo.path,
      path: record.worktree,
      agent: record.id,
      branch: record.branch,
      madeBranchAt: plan.mode === "use" ? null : plan.base,
    },
    async () => {
      const { path, branch } = { path: record.worktree, branch: record.branch };
      const mark = (made: Worktree) => mirrorText(deps.paths.home, { ...record, adminDir: made.adminDir });
      return crew.addWorktree({ key: record.id, path, branch, mode: plan.mode, base: plan.start, mark });
    },
    // Without a word on what is left, all of it was unmade.
    { whole: (error) => !isFleetError(error) || !("left" in error.data) },
  );
}

async function makeLaunch(deps: Deps, plan: Plan, record: AgentRecord, env: Record<string, string>): Promise<Launch> {
  const settings = deps.settings.config.agents[record.adapter];
  const wantsFile = plan.adapter.wantsPromptFile === true && record.prompt !== null;
  const promptFile = wantsFile ? join(record.adminDir, "fleet-prompt") : null;
  if (promptFile !== null) await deps.host.files.write(promptFile, record.prompt ?? "", 0o600, record.commonDir);
  return plan.adapter.launch({
    reports: reportsFolder(plan.adapter, record),
    id: record.id,
    branch: record.branch,
    worktree: record.worktree,
    repo: record.repo,
    prompt: record.prompt,
    promptFile,
    command: settings?.command ?? null,
    flags: settings?.flags ?? [],
    conversation: null,
    mode: record.mode ?? null,
    env,
  });
}

async function start(
  deps: Deps,
  crew: Crew,
  record: AgentRecord,
  launch: Launch,
  env: Record<string, string>,
  undo: Undo,
): Promise<Session> {
  await writeLogMeta(deps, record);
  return undo.did({ kind: "session", agent: record.id }, async () => {
    const result = await crew.startSession({
      agent: record.id,
      name: record.session,
      cwd: record.worktree,
      argv: launch.argv,
      env,
      logFile: logFileOf(deps, record.id),
    });
    if (!result.ok) throw result.error;
    return result.session;
  });
}

/**
 * The error of an agent that died before it was up and left work: it stays, failed, and that is said.
 * Any other error, and a death that left nothing, is thrown on, so that the start is undone.
 */
async function deathWithWork(deps: Deps, record: AgentRecord, error: unknown): Promise<FleetError<"AGENT_DIED">> {
  if (!isFleetError(error, "AGENT_DIED")) throw error;
  const { facts } = await lossOf(deps, record);
  const work = facts === null ? [] : await workSinceSetup(deps, record, facts);
  if (work.length === 0) throw error;
  const named = work.length > 3 ? `${work.slice(0, 3).join(", ")}, …` : work.join(", ");
  return new FleetError("AGENT_DIED", `${error.message} It left work (${named}), so its worktree is kept.`, {
    hint: `\`fleet resume ${record.branch}\` starts it again; \`fleet kill ${record.branch}\` removes it.`,
    data: error.data,
    cause: error,
  });
}

/** The record of an agent whose program is up, or has ended. */
export async function settleRecord(deps: Deps, record: AgentRecord, session: Session): Promise<AgentRecord> {
  const identity = session.dead ? null : ((await deps.processes.identify([session.pid])).get(session.pid) ?? null);
  return {
    ...record,
    process: identity,
    maker: null,
    status: !session.dead ? "working" : session.exitCode === 0 ? "done" : "failed",
    statusSource: session.dead ? "exit" : "session",
    statusSince: new Date(deps.clock.now()).toISOString(),
    exitCode: session.dead ? session.exitCode : null,
  };
}

async function givePrompt(deps: Deps, record: AgentRecord, session: Session, prompt: string, call: BringUpCall): Promise<void> {
  const receipt = await deliver(deps, { record, session }, prompt, call);
  if (receipt.delivery === "delivered") return;
  throwIfAborted(call.signal);
  throw new FleetError(
    receipt.delivery === "refused" ? "PROMPT_REFUSED" : "PROMPT_UNVERIFIED",
    `The first prompt did not reach ${record.branch}: ${receipt.reason}.`,
    { hint: 'The agent was not kept. Give the prompt with agents.<name>.prompt_via = "argv" or "file" if the program takes it so.' },
  );
}
