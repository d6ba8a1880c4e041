import { join } from "node:path";
import { FleetError, toFleetError } from "../errors/index.js";
import type { AgentRecord, ProgressEvent, Repository, Session, Warning, Worktree } from "../model/index.js";
import type { Call, Launch, SessionResult, SessionSpec, WorktreeResult, WorktreeSpec } from "../ports/index.js";
import { writeBaseline } from "./baseline.js";
import { batcher } from "./batcher.js";
import { copyCredentials } from "./credentials.js";
import { deliver } from "./deliver.js";
import type { Deps } from "./deps.js";
import { agentEnvironment } from "./environment.js";
import { dropLogs, logFileOf, writeLogMeta } from "./logs.js";
import type { Plan } from "./plan.js";
import { gate } from "./pool.js";
import { mirrorText } from "./record.js";
import { type Riser, riser } from "./rise.js";
import { runSetup } from "./setup.js";
import { transact, type Undo } from "./transact.js";

/** An argument longer than this does not fit into an argv element, bytes. */
export const LONGEST_ARGUMENT = 131_071;

/** How one agent came up, or why it did not. */
export type Raised =
  | { readonly ok: true; readonly record: AgentRecord }
  | { readonly ok: false; readonly branch: string; readonly error: FleetError };

/** What the agents of one call share, so that many at once cost few calls. */
interface Crew {
  readonly repo: Repository;
  readonly addWorktree: (spec: WorktreeSpec) => Promise<WorktreeResult>;
  readonly startSession: (spec: SessionSpec) => Promise<SessionResult>;
  readonly setupGate: <R>(work: () => Promise<R>) => Promise<R>;
  readonly commit: (record: AgentRecord) => Promise<void>;
  readonly waitUntilUp: Riser;
}

export interface BringUpCall extends Call {
  readonly warn: (warning: Warning) => void;
  readonly progress: (event: ProgressEvent) => void;
}

/**
 * Brings up agents whose records are reserved, each a transaction of its own: worktree, credentials,
 * setup, session, first prompt. Those that fail leave nothing; the others stay.
 */
export async function bringUp(
  deps: Deps,
  repo: Repository,
  reserved: readonly { readonly plan: Plan; readonly record: AgentRecord }[],
  call: BringUpCall,
): Promise<readonly Raised[]> {
  const crew = makeCrew(deps, repo, call);
  call.progress({ type: "plan", agents: reserved.map(({ record }) => record.branch) });
  return Promise.all(
    reserved.map(async ({ plan, record }): Promise<Raised> => {
      try {
        const up = await transact(deps, (undo) => raise(deps, crew, plan, record, undo, call));
        call.progress({ type: "done", branch: record.branch });
        return { ok: true, record: up };
      } catch (error) {
        const known = toFleetError(error);
        await dropLogs(deps, record.id);
        call.progress({ type: "failed", branch: record.branch, message: known.message });
        return { ok: false, branch: record.branch, error: known };
      }
    }),
  );
}

function makeCrew(deps: Deps, repo: Repository, call: BringUpCall): Crew {
  const parallel = deps.settings.config.fleet.maxParallel;
  return {
    repo,
    addWorktree: batcher(async (specs) => {
      const results = new Map<string, WorktreeResult>();
      for await (const result of deps.git.addWorktrees(repo, specs, { parallel }, call)) results.set(result.key, result);
      return specs.map((spec) => results.get(spec.key) ?? { key: spec.key, ok: false, error: new Error("git did not answer for it") });
    }),
    startSession: batcher(async (specs) => {
      const results = new Map<string, SessionResult>();
      for await (const result of deps.sessions.create(specs, call)) results.set(result.agent, result);
      return specs.map(
        (spec) => results.get(spec.agent) ?? { agent: spec.agent, ok: false, error: new Error("the session driver did not answer for it") },
      );
    }),
    setupGate: gate(parallel),
    commit: batcher(async (records) => {
      const done = new Map(records.map((record) => [record.id, record]));
      await deps.store.update((draft) => {
        draft.agents = draft.agents.map((agent) => done.get(agent.id) ?? agent);
      });
      return records.map(() => undefined);
    }),
    waitUntilUp: riser(deps, call),
  };
}

/** Takes one agent from its reservation to a running program. */
async function raise(deps: Deps, crew: Crew, plan: Plan, reserved: AgentRecord, undo: Undo, call: BringUpCall): Promise<AgentRecord> {
  const { branch } = reserved;
  const step = (name: "worktree" | "setup" | "session" | "ready", detail?: string) =>
    call.progress({ type: "step", branch, step: name, ...(detail === undefined ? {} : { detail }) });
  // The reservation was written before this transaction began; noting it is what undoes it.
  await undo.did({ kind: "record", agent: reserved.id }, async () => undefined);

  step("worktree");
  const worktree = await makeWorktree(deps, crew, plan, reserved, undo);
  let record: AgentRecord = { ...reserved, adminDir: worktree.adminDir };

  const settings = deps.settings.config;
  const env = agentEnvironment(deps.env, settings.agents[record.adapter]?.env ?? {}, record);
  record = { ...record, credentials: await placeCredentials(deps, crew.repo, record, worktree, call) };
  if (plan.wish.setup.length > 0) {
    await crew.setupGate(() =>
      runSetup(deps, { worktree: worktree.path, env }, plan.wish.setup, settings.setup.timeout, (command) => step("setup", command), call),
    );
    await writeBaseline(deps, crew.repo, record, call);
  }

  step("session");
  const launch = await makeLaunch(deps, plan, record);
  record = { ...record, conversation: launch.conversation ?? null };
  const session = await start(deps, crew, record, launch, env, undo);
  step("ready");
  const up = await crew.waitUntilUp(session, plan.adapter, logFileOf(deps, record.id));
  record = await settleRecord(deps, record, up);
  if (launch.promptVia === "paste" && record.prompt !== null && !up.dead) await givePrompt(deps, record, up, record.prompt, call);
  await deps.git.writeMark(record.adminDir, mirrorText(deps.paths.home, record));
  await crew.commit(record);
  return record;
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
      const result = await crew.addWorktree({
        key: record.id,
        path: record.worktree,
        branch: record.branch,
        mode: plan.mode,
        base: plan.start,
        mark: (made) => mirrorText(deps.paths.home, { ...record, adminDir: made.adminDir }),
      });
      if (!result.ok) throw result.error;
      return result.worktree;
    },
    { whole: true },
  );
}

async function placeCredentials(
  deps: Deps,
  repo: Repository,
  record: AgentRecord,
  worktree: Worktree,
  call: BringUpCall,
): Promise<readonly string[]> {
  const patterns = deps.settings.config.setup.credentialFiles;
  if (patterns.length === 0 || repo.bare) return [];
  const copied = await copyCredentials(deps, repo.path, worktree.path, patterns, (warning) =>
    call.warn({ ...warning, branch: record.branch }),
  );
  if (copied.length > 0) await deps.git.exclude(repo, worktree, copied, call);
  return copied;
}

async function makeLaunch(deps: Deps, plan: Plan, record: AgentRecord): Promise<Launch> {
  const settings = deps.settings.config.agents[record.adapter];
  const wantsFile = plan.adapter.wantsPromptFile === true && record.prompt !== null;
  const promptFile = wantsFile ? join(record.adminDir, "fleet-prompt") : null;
  if (promptFile !== null) await deps.host.files.write(promptFile, record.prompt ?? "");
  return plan.adapter.launch({
    id: record.id,
    branch: record.branch,
    worktree: record.worktree,
    repo: record.repo,
    prompt: record.prompt,
    promptFile,
    command: settings?.command ?? null,
    flags: settings?.flags ?? [],
    conversation: null,
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
      env: { ...env, ...launch.env },
      logFile: logFileOf(deps, record.id),
    });
    if (!result.ok) throw result.error;
    return result.session;
  });
}

/** The record of an agent whose program is up, or has ended well. */
export async function settleRecord(deps: Deps, record: AgentRecord, session: Session): Promise<AgentRecord> {
  const identity = session.dead ? null : ((await deps.processes.identify([session.pid])).get(session.pid) ?? null);
  return {
    ...record,
    process: identity,
    maker: null,
    status: session.dead ? "done" : "working",
    statusSource: session.dead ? "exit" : "session",
    statusSince: new Date(deps.clock.now()).toISOString(),
    exitCode: session.dead ? session.exitCode : null,
  };
}

async function givePrompt(deps: Deps, record: AgentRecord, session: Session, prompt: string, call: BringUpCall): Promise<void> {
  const receipt = await deliver(deps, { record, session }, prompt, call);
  if (receipt.delivery === "delivered") return;
  throw new FleetError(
    receipt.delivery === "refused" ? "PROMPT_REFUSED" : "PROMPT_UNVERIFIED",
    `The first prompt did not reach ${record.branch}: ${receipt.reason}.`,
    { hint: 'The agent was not kept. Give the prompt with agents.<name>.prompt_via = "argv" or "file" if the program takes it so.' },
  );
}
