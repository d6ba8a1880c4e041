import type { Finding } from "../engine/checkup/finding.js";
import type { FleetError } from "../errors/index.js";
import type {
  AgentInfo,
  AgentStatus,
  Delivery,
  DeliveryEvidence,
  KilledAgent,
  PermissionMode,
  ProgressEvent,
  SavedEntry,
  WarmInfo,
  Warning,
} from "../model/index.js";
import type { Call } from "../ports/index.js";

export type * from "./open-options.js";

/** The last argument of every method of {@link Fleet}. */
export interface CallOptions extends Call {
  /** Told of what the call noticed but was not stopped by. */
  readonly onWarning?: (warning: Warning) => void;
  /** Told of each step of a longer call. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** What a filling of the pool came to. */
export interface PoolFillResult {
  /** The pool as it is now. */
  readonly pool: PoolStatus;
  /** How many were made. */
  readonly made: number;
  /** Why some could not be made; nothing of them is left. */
  readonly failed: readonly FleetError[];
}

/** The worktrees a repository keeps ready. */
export interface PoolStatus {
  /** How many there are to be (`pool.size`). */
  readonly size: number;
  /** How many an agent may have at this moment. */
  readonly ready: number;
  readonly worktrees: readonly WarmInfo[];
}

export interface PoolDrainResult {
  readonly removed: readonly WarmInfo[];
  /** Left alone, since somebody has worked in them. */
  readonly kept: readonly WarmInfo[];
}

export type { Target } from "../model/index.js";

export interface CreateAgentOptions {
  readonly branch: string;
  readonly prompt?: string | undefined;
  /** Name of the adapter. @default the configuration's `agent.default` */
  readonly adapter?: string | undefined;
  /** Revision a new branch starts from. @default the configuration's `worktree.base` */
  readonly from?: string | undefined;
  readonly template?: string | undefined;
  /** What it may do without asking. @default as the agent program is set up */
  readonly mode?: PermissionMode | undefined;
  /** Skip the setup commands. @default the configuration's `setup.quick` */
  readonly quick?: boolean | undefined;
  /** End an agent of that name first, if nothing of its work would be lost. @default false */
  readonly replace?: boolean | undefined;
}

export interface FanoutOptions {
  /** 1 to 1000. */
  readonly count: number;
  readonly prompt?: string | undefined;
  /** Branches are `<prefix>-1`, `<prefix>-2`, … @default `fanout-<batch id>` */
  readonly prefix?: string | undefined;
  /** One adapter, or several that are dealt out in turn. */
  readonly adapter?: string | readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly template?: string | undefined;
  readonly mode?: PermissionMode | undefined;
  readonly quick?: boolean | undefined;
  /** Fill in `{index}` and `{branch}` in the prompt. @default false */
  readonly expand?: boolean | undefined;
}

/** One task of {@link Fleet.multi}. */
export interface Task {
  readonly branch: string;
  readonly prompt: string;
  readonly adapter?: string | undefined;
  readonly from?: string | undefined;
  readonly template?: string | undefined;
}

export interface MultiOptions {
  /** For tasks that name none. */
  readonly adapter?: string | undefined;
  readonly from?: string | undefined;
  readonly mode?: PermissionMode | undefined;
  readonly quick?: boolean | undefined;
}

/** An agent that did not come up, and why. */
export interface FailedAgent {
  readonly branch: string;
  readonly error: FleetError;
}

export interface PromptResult {
  readonly branch: string;
  readonly delivery: Delivery;
  /** Why it was not delivered, null if it was. */
  readonly reason: string | null;
  /** By what it is known to be delivered, null if it was not. */
  readonly evidence: DeliveryEvidence | null;
}

/** An agent program as this fleet knows it. */
export interface AdapterInfo {
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** Whether it is used where no agent is named. */
  readonly isDefault: boolean;
  /** The program that is looked for; null where its settings cannot work. */
  readonly program: string | null;
  /** Where the program lies; null: not installed. */
  readonly path: string | null;
  /** As the program says it; null: it was not asked, or did not say. */
  readonly version: string | null;
  /** The best of what its status is learnt from. */
  readonly status: "hooks" | "screen" | "activity";
  /** Permission modes it can be started with. */
  readonly modes: readonly PermissionMode[];
  /** Whether its conversation is taken up again by `resume`. */
  readonly resumes: boolean;
  /** Why no agent of it can be made; null: one can. */
  readonly problem: string | null;
}

export interface PromptOptions {
  /**
   * Keep the prompt for an agent that is not idle and give it once it is, in order, also when this process has
   * ended by then (see `startCourier`). Nothing is typed while it works, asks or starts.
   * @default false: typed now, whatever it does
   */
  readonly whenIdle?: boolean | undefined;
}

export interface AnswerOptions {
  /** Answer only agents whose question matches; the others are passed over. @default all that wait */
  readonly matching?: RegExp | undefined;
  /** The question the answer is meant for, by agent id; an agent that asks another by now is refused. @default the one it asks now */
  readonly questions?: ReadonlyMap<string, string> | undefined;
}

export interface AnswerResult {
  readonly branch: string;
  /** The question that was open, null where it could not be read. */
  readonly question: string | null;
  /** The choice that was taken, as the program words it; null where none was. */
  readonly choice: string | null;
  /** `answered`: that question is gone. `unverified`: the keys were pressed, and it is still there. */
  readonly outcome: "answered" | "refused" | "unverified";
  /** Why it was not answered, null if it was. */
  readonly reason: string | null;
}

export interface LogOptions {
  /** How many lines from the end. @default 100 */
  readonly lines?: number | undefined;
  /** What the program wrote, escape sequences and all, instead of what a person saw. @default false */
  readonly raw?: boolean | undefined;
}

export interface ListOptions {
  readonly status?: AgentStatus | readonly AgentStatus[] | undefined;
  readonly batch?: string | undefined;
  /** Also look into every worktree: fills in `ahead`, `behind` and `dirty`, and the lines changed. @default false */
  readonly changes?: boolean | undefined;
  /** Agents of every repository. @default false where the fleet has a repository */
  readonly allRepos?: boolean | undefined;
}

/** An agent in a listing; `changes` only where they were asked for. */
export interface ListedAgent extends AgentInfo {
  /** Why it is queued, or could not be started from the queue. */
  readonly reason?: string;
  readonly changes?: { readonly added: number; readonly removed: number; readonly files: number };
  /** The open question of a waiting agent, where it could be read. */
  readonly question?: string;
  /** What the open question offers, as the program words it, where it could be read. */
  readonly choices?: readonly string[];
}

/** What can be waited for: a status, `done` (exited 0), or `ended` (done, failed, stopped or lost). */
export type WaitFor = "idle" | "waiting" | "done" | "ended";

export interface WaitOptions {
  /** @default "idle" */
  readonly for?: WaitFor | undefined;
  /** Return when the first agent is there instead of the last. @default false */
  readonly any?: boolean | undefined;
  /** Milliseconds after which `TIMEOUT` is thrown. @default none */
  readonly timeout?: number | undefined;
}

export type { KilledAgent, KillOptions, SavedWork } from "../model/index.js";

export interface KillResult {
  readonly killed: readonly KilledAgent[];
  readonly refused: readonly FailedAgent[];
}

/** What a kill of an agent would lose, for a confirmation. Empty lists: nothing. */
export interface KillPreview {
  readonly branch: string;
  readonly id: string;
  /** Why `kill` would refuse without force, one short sentence each. */
  readonly reasons: readonly string[];
  /** The files concerned. */
  readonly files: readonly string[];
}

/** Which entries of the trash. */
export interface TrashOptions {
  /** Branches, ids or globs over branches. @default all of them */
  readonly which?: string | readonly string[] | undefined;
  /** Only what was saved more than so many days ago. */
  readonly olderThan?: number | undefined;
  /** Of every repository. @default false where the fleet has a repository */
  readonly allRepos?: boolean | undefined;
  /** Count what each takes on the disk, for at most three seconds. @default false */
  readonly sizes?: boolean | undefined;
}

export interface DropResult {
  readonly dropped: readonly SavedEntry[];
  readonly refused: readonly FailedAgent[];
}

export interface StopResult {
  readonly agents: readonly AgentInfo[];
  readonly failed: readonly FailedAgent[];
}

export interface ExecResult {
  readonly branch: string;
  /** Null where it could not be started or was interrupted. */
  readonly exitCode: number | null;
}

export interface ExecOptions {
  /** Told of output as it comes, line by line. */
  readonly onLine?: (line: { readonly branch: string; readonly stream: "stdout" | "stderr"; readonly text: string }) => void;
}

export type { Finding as DoctorFinding } from "../engine/checkup/finding.js";

export interface DoctorReport {
  readonly findings: readonly Finding[];
  /** Whether no `problem` is left. */
  readonly healthy: boolean;
}

export interface ProbeOptions {
  /** Send one short prompt, which asks one answer of the model that the program is set up with. @default true */
  readonly prompt?: boolean | undefined;
  /** Told of each finding as it comes. */
  readonly onFinding?: (finding: Finding) => void;
}

/** What a probe of an agent program found. */
export interface ProbeReport extends DoctorReport {
  readonly adapter: string;
  /** As the program says it; null where it does not. */
  readonly version: string | null;
}

/** A project file the user has trusted. */
export type { TrustedProject as TrustEntry } from "../config/types.js";
