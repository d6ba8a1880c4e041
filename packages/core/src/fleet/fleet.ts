import type { ConfigValue, LoadedConfig, ProjectType } from "../config/index.js";
import { carry } from "../engine/courier.js";
import type { Deps } from "../engine/deps.js";
import { deleteGivenUp } from "../engine/given-up.js";
import type { FleetEvent, QueuedPrompt, SavedEntry, Target } from "../model/index.js";
import type { AttachCommand } from "../ports/index.js";
import { adapters } from "./actions/adapters.js";
import { answer, questions } from "./actions/answer.js";
import { attachCommand } from "./actions/attach.js";
import { fanout, multi } from "./actions/batch.js";
import { collecting, fill } from "./actions/call.js";
import { createAgent } from "./actions/create.js";
import { diff } from "./actions/diff.js";
import { doctor } from "./actions/doctor.js";
import { events } from "./actions/events.js";
import { exec } from "./actions/exec.js";
import { describeMade, findOne } from "./actions/find.js";
import { kill, previewKill } from "./actions/kill.js";
import { list, listed } from "./actions/list.js";
import { follow, logs } from "./actions/logs.js";
import { probe } from "./actions/probe.js";
import { prompt } from "./actions/prompt.js";
import { dropQueued, queued } from "./actions/queue.js";
import { restore } from "./actions/restore.js";
import { resume } from "./actions/resume.js";
import * as settings from "./actions/settings.js";
import { stop } from "./actions/stop.js";
import { dropTrash, trash } from "./actions/trash.js";
import { wait } from "./actions/wait.js";
import { watch } from "./actions/watch.js";
import { Agent } from "./agent.js";
import { type Batch, batchOf } from "./batch.js";
import { openDeps } from "./defaults.js";
import { Pool } from "./pool.js";
import type {
  AdapterInfo,
  AnswerOptions,
  AnswerResult,
  CallOptions,
  CreateAgentOptions,
  DoctorReport,
  DropResult,
  ExecOptions,
  ExecResult,
  FanoutOptions,
  FleetOpenOptions,
  KillOptions,
  KillPreview,
  KillResult,
  ListedAgent,
  ListOptions,
  LogOptions,
  MultiOptions,
  ProbeOptions,
  ProbeReport,
  PromptOptions,
  PromptResult,
  StopResult,
  Task,
  TrashOptions,
  TrustEntry,
  WaitFor,
  WaitOptions,
} from "./types.js";

/**
 * Commands many coding agents on git repositories.
 *
 * Opening and closing never start or end an agent: agents live in their own sessions. Every method
 * rejects with a {@link FleetError} and takes `{ signal }` last; aborting rejects with `INTERRUPTED`.
 *
 * @example
 * const fleet = await Fleet.open({ repo: "." });
 * const agent = await fleet.createAgent({ branch: "fix-auth", prompt: "Fix the login bug" });
 * await agent.waitFor("idle", { timeout: 60_000 });
 */
export class Fleet {
  /** Worktrees kept ready for agents to come. */
  readonly pool: Pool;
  readonly #options: FleetOpenOptions;
  #deps: Deps;

  private constructor(options: FleetOpenOptions, deps: Deps) {
    this.#options = options;
    this.#deps = deps;
    this.pool = new Pool(() => this.#deps);
  }

  /**
   * Opens the fleet of a repository, or of all. Reads settings and starts nothing.
   * Throws `NOT_A_REPOSITORY` or `CONFIG_INVALID`.
   */
  static async open(options: FleetOpenOptions = {}): Promise<Fleet> {
    return new Fleet(options, await openDeps(options));
  }

  /**
   * Makes one agent and returns when its program is up, or queues it where there is no place for it now (`fleet.max_running`;
   * see `startCourier`). What went wrong is thrown and leaves nothing behind.
   * Throws `INVALID_BRANCH`, `AGENT_EXISTS`, `BRANCH_EXISTS`, `BRANCH_IN_USE`, `REF_NOT_FOUND`, `NOT_TRUSTED`,
   * `AGENT_COMMAND_MISSING`, `AGENT_DIED`, `SETUP_FAILED`.
   */
  async createAgent(options: CreateAgentOptions, call?: CallOptions): Promise<Agent> {
    const { call: inner, warnings } = collecting(call);
    const made = await createAgent(this.#deps, options, inner);
    const [info] = await describeMade(this.#deps, [made], inner);
    return new Agent(this, info as ListedAgent, warnings);
  }

  /** Tries one task several ways. Throws only what stops all; a single failure is in `failed`. */
  async fanout(options: FanoutOptions, call?: CallOptions): Promise<Batch> {
    const { call: inner, warnings } = collecting(call);
    return batchOf(this, this.#deps, await fanout(this.#deps, options, inner), warnings, inner);
  }

  /** Works off several tasks, one agent each. */
  async multi(tasks: readonly Task[], options: MultiOptions = {}, call?: CallOptions): Promise<Batch> {
    const { call: inner, warnings } = collecting(call);
    return batchOf(this, this.#deps, await multi(this.#deps, tasks, options, inner), warnings, inner);
  }

  /**
   * Sends a prompt. One target by name throws `PROMPT_REFUSED` or `PROMPT_UNVERIFIED` unless delivered or queued.
   *
   * @example
   * await fleet.prompt("fix-auth", "Now the tests", { whenIdle: true });
   */
  prompt(target: Target, text: string, options: PromptOptions & CallOptions = {}): Promise<readonly PromptResult[]> {
    return prompt(this.#deps, target, text, options, options);
  }

  /** Gives queued prompts to idle agents and starts queued agents, of all repositories, until none is left or another process does it. */
  deliverQueued(call?: CallOptions): Promise<void> {
    return carry(this.#deps, fill(call).warn, call);
  }

  /**
   * The prompts that wait for their agents to be idle, in the order in which each will get them. A name may also be that of
   * one prompt.
   *
   * @example
   * for (const { branch, text } of await fleet.queued()) console.log(branch, text);
   */
  queued(target: Target = { all: true }, call?: CallOptions): Promise<readonly QueuedPrompt[]> {
    return queued(this.#deps, target, call);
  }

  /**
   * Lets go of prompts that wait, and answers with them; their texts stay in `logs/<agent id>.queue.jsonl`. One that is being
   * typed is not among them.
   */
  dropQueued(target: Target, call?: CallOptions): Promise<readonly QueuedPrompt[]> {
    return dropQueued(this.#deps, target, call);
  }

  /** The agents of a target that wait for an answer, with what they ask. */
  questions(target: Target, options: Pick<AnswerOptions, "matching"> = {}, call?: CallOptions): Promise<ListedAgent[]> {
    return questions(this.#deps, target, options, call);
  }

  /**
   * Answers open questions: a number, `yes`, `no`, or how a choice begins. Of several agents those that
   * wait. One by name throws `PROMPT_REFUSED` where it asks nothing, something else or offers no such
   * choice, and `PROMPT_UNVERIFIED` where the question stayed.
   *
   * @example
   * const [asking] = await fleet.questions({ all: true });
   * await fleet.answer(asking.id, "yes", { questions: new Map([[asking.id, asking.question ?? ""]]) });
   */
  answer(target: Target, choice: string, options: AnswerOptions = {}, call?: CallOptions): Promise<readonly AnswerResult[]> {
    return answer(this.#deps, target, choice, options, call);
  }

  list(options: ListOptions = {}, call?: CallOptions): Promise<ListedAgent[]> {
    return list(this.#deps, options, call);
  }

  /** The list as it is now, and again whenever something in it has changed. Aborting it rejects with `INTERRUPTED`; `break` ends it quietly. */
  watch(options: ListOptions = {}, call?: CallOptions): AsyncIterable<ListedAgent[]> {
    return watch(this.#deps, options, call);
  }

  /** A handle on one agent by branch or id. Throws `AGENT_NOT_FOUND`. */
  async agent(name: string, call?: CallOptions): Promise<Agent> {
    return new Agent(this, listed(await findOne(this.#deps, name, call)));
  }

  /** The last lines of an agent, also of one that is gone and whose log is kept. */
  logs(name: string, options: LogOptions = {}, call?: CallOptions): Promise<string[]> {
    return logs(this.#deps, name, options, call);
  }

  /** Lines as they come, from the last ones on; ends with the agent. */
  follow(name: string, options: LogOptions & CallOptions = {}): AsyncIterable<string> {
    return follow(this.#deps, name, options, options);
  }

  /** Waits for several agents. One that has ended counts as there. Throws `TIMEOUT`. */
  wait(target: Target, options: WaitOptions = {}, call?: CallOptions): Promise<ListedAgent[]> {
    return wait(this.#deps, target, { ...options, onEnd: "count" }, call);
  }

  /** Waits for several agents and throws `AGENT_DIED` as soon as one ends instead. `timeout` in milliseconds. */
  waitFor(target: Target, what: WaitFor, options: Omit<WaitOptions, "for"> & CallOptions = {}): Promise<ListedAgent[]> {
    return wait(this.#deps, target, { ...options, for: what, onEnd: "reject" }, options);
  }

  /** Ends programs, keeps worktrees and records; takes queued agents out of the queue. */
  stop(target: Target, call?: CallOptions): Promise<StopResult> {
    return stop(this.#deps, target, call);
  }

  /** Starts ended agents again in their worktrees; those that were never started go back into the queue. Throws `LIMIT_REACHED`. */
  resume(target: Target, call?: CallOptions): Promise<StopResult> {
    return resume(this.#deps, target, call);
  }

  /** Ends agents and removes what is theirs; work is refused to be lost, or saved first under `force`. */
  kill(target: Target, options: KillOptions = {}, call?: CallOptions): Promise<KillResult> {
    return kill(this.#deps, target, options, call);
  }

  /**
   * Deletes the folders of removed worktrees that were left to be deleted in the background: what `startDeleter` is to have done.
   * Ends when none is left, or another process does it.
   */
  deleteRemoved(call?: CallOptions): Promise<void> {
    return deleteGivenUp(this.#deps, call);
  }

  /** What `kill` would refuse to lose. */
  previewKill(target: Target, call?: CallOptions): Promise<readonly KillPreview[]> {
    return previewKill(this.#deps, target, call);
  }

  /** Brings back what a forced kill saved, by branch or id: branch, folder and record, stopped. */
  async restore(name: string, call?: CallOptions): Promise<Agent> {
    return new Agent(this, await restore(this.#deps, name, call));
  }

  /** What kills have saved, newest first. Throws `AGENT_NOT_FOUND` for a name that stands for nothing. */
  trash(options: TrashOptions = {}, call?: CallOptions): Promise<readonly SavedEntry[]> {
    return trash(this.#deps, options, call);
  }

  /** Lets go for good of what kills have saved: folder, note and refs. One by name that cannot be dropped is thrown. */
  dropTrash(options: TrashOptions, call?: CallOptions): Promise<DropResult> {
    return dropTrash(this.#deps, options, call);
  }

  /** What an agent changed against its base, uncommitted and untracked included. */
  diff(name: string, options: { readonly stat?: boolean; readonly color?: boolean } = {}, call?: CallOptions): Promise<string> {
    return diff(this.#deps, name, options, call);
  }

  /** Runs argv in each worktree, at most `fleet.max_parallel` at a time. */
  exec(
    target: Target,
    argv: readonly [string, ...string[]],
    options: ExecOptions = {},
    call?: CallOptions,
  ): Promise<readonly ExecResult[]> {
    return exec(this.#deps, target, argv, options, call);
  }

  /** The command that shows an agent's terminal; the caller runs it on its own. */
  attachCommand(name: string, call?: CallOptions): Promise<AttachCommand> {
    return attachCommand(this.#deps, name, call);
  }

  /** Tells what changes, from what is there now on. Aborting it rejects with `INTERRUPTED`; `break` ends it quietly. */
  events(call?: CallOptions): AsyncIterable<FleetEvent> {
    return events(this.#deps, call);
  }

  /** Looks for what is missing, orphaned or wrong, and with `fix` mends what is safe. */
  doctor(options: { readonly fix?: boolean } = {}, call?: CallOptions): Promise<DoctorReport> {
    return doctor(this.#deps, options, call);
  }

  /**
   * Starts an agent program in a scratch worktree of this repository and sees whether it is ready, takes a prompt, is read
   * rightly and comes back with its conversation, as it is installed here; then removes all of it. What is wrong with the
   * program is a finding; throws what keeps an agent from being made, such as `AGENT_COMMAND_MISSING`.
   */
  probe(adapter: string, options: ProbeOptions = {}, call?: CallOptions): Promise<ProbeReport> {
    return probe(this.#deps, adapter, options, call);
  }

  /**
   * The agent programs there are, built in, handed over or configured, each asked for its version.
   *
   * @example
   * const installed = (await fleet.adapters()).filter(({ problem }) => problem === null);
   */
  adapters(call?: CallOptions): Promise<AdapterInfo[]> {
    return adapters(this.#deps, call);
  }

  /** The settings in force, with where they come from. */
  config(): LoadedConfig {
    return this.#deps.settings;
  }

  /** Every key in force with its value as the file writes it. */
  configValues(): readonly ConfigValue[] {
    return settings.values(this.#deps);
  }

  /** Sets one key in the user's file, or in the project's. Throws `CONFIG_INVALID`. */
  async setConfig(
    key: string,
    value: string,
    options: { readonly scope?: settings.ConfigScope } = {},
  ): Promise<{ readonly file: string; readonly value: unknown }> {
    const set = await settings.setConfig(this.#deps, key, value, options.scope ?? "user");
    await this.#reload();
    return set;
  }

  /** Makes `.aifleet/config.toml` for a kind of project. @default the kind its files suggest */
  init(options: { readonly type?: ProjectType | undefined } = {}): Promise<{ readonly file: string; readonly type: ProjectType }> {
    return settings.init(this.#deps, options.type);
  }

  /**
   * Trusts the repository's project file as it is now. `hash`: only if its content has this SHA-256, that
   * is, if it is still what somebody was shown; else throws `NOT_TRUSTED`.
   */
  async trust(options: { readonly hash?: string } = {}): Promise<TrustEntry> {
    await this.#reload();
    const entry = await settings.trust(this.#deps, options.hash);
    await this.#reload();
    return entry;
  }

  trusted(): Promise<readonly TrustEntry[]> {
    return settings.trusted(this.#deps);
  }

  /** Takes the trust back; false if there was none. */
  async revokeTrust(): Promise<boolean> {
    const revoked = await settings.revokeTrust(this.#deps);
    await this.#reload();
    return revoked;
  }

  /** Lets go of what this object holds. Never ends agents. */
  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Takes up settings that have changed by what was just done. */
  async #reload(): Promise<void> {
    this.#deps = await openDeps(this.#options);
  }
}
