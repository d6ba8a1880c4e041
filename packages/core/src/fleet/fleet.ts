import type { FleetEvent, Target } from "../model/index.js";
import type { AttachCommand } from "../ports/index.js";
import { adapters } from "./actions/adapters.js";
import { answer, questions } from "./actions/answer.js";
import { attachCommand } from "./actions/attach.js";
import { fanout, multi } from "./actions/batch.js";
import { collecting } from "./actions/call.js";
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
import { restore } from "./actions/restore.js";
import { resume } from "./actions/resume.js";
import { stop } from "./actions/stop.js";
import { wait } from "./actions/wait.js";
import { watch } from "./actions/watch.js";
import { Agent } from "./agent.js";
import { type Batch, batchOf } from "./batch.js";
import { KeptOfFleet } from "./kept-of-fleet.js";
import { Opened } from "./opened.js";
import { Pool } from "./pool.js";
import type {
  AdapterInfo,
  AnswerOptions,
  AnswerResult,
  CallOptions,
  CreateAgentOptions,
  DoctorReport,
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
export class Fleet extends KeptOfFleet {
  /** Worktrees kept ready for agents to come. */
  readonly pool: Pool;
  readonly #opened: Opened;

  private constructor(opened: Opened) {
    super(opened);
    this.#opened = opened;
    this.pool = new Pool(() => opened.deps);
  }

  /**
   * Opens the fleet of a repository, or of all. Reads settings and starts nothing.
   * Throws `NOT_A_REPOSITORY` or `CONFIG_INVALID`.
   */
  static async open(options: FleetOpenOptions = {}): Promise<Fleet> {
    return new Fleet(await Opened.open(options));
  }

  /**
   * Makes one agent and returns when its program is up, or queues it where there is no place for it now (`fleet.max_running`;
   * see `startCourier`). What went wrong is thrown and leaves nothing behind.
   * Throws `INVALID_BRANCH`, `AGENT_EXISTS`, `BRANCH_EXISTS`, `BRANCH_IN_USE`, `REF_NOT_FOUND`, `NOT_TRUSTED`,
   * `AGENT_COMMAND_MISSING`, `AGENT_DIED`, `SETUP_FAILED`.
   */
  async createAgent(options: CreateAgentOptions, call?: CallOptions): Promise<Agent> {
    const { call: inner, warnings } = collecting(call);
    const made = await createAgent(this.#opened.deps, options, inner);
    const [info] = await describeMade(this.#opened.deps, [made], inner);
    return new Agent(this, info as ListedAgent, warnings);
  }

  /** Tries one task several ways. Throws only what stops all; a single failure is in `failed`. */
  async fanout(options: FanoutOptions, call?: CallOptions): Promise<Batch> {
    const { call: inner, warnings } = collecting(call);
    return batchOf(this, this.#opened.deps, await fanout(this.#opened.deps, options, inner), warnings, inner);
  }

  /** Works off several tasks, one agent each. */
  async multi(tasks: readonly Task[], options: MultiOptions = {}, call?: CallOptions): Promise<Batch> {
    const { call: inner, warnings } = collecting(call);
    return batchOf(this, this.#opened.deps, await multi(this.#opened.deps, tasks, options, inner), warnings, inner);
  }

  /**
   * Sends a prompt. One target by name throws `PROMPT_REFUSED` or `PROMPT_UNVERIFIED` unless delivered or queued.
   *
   * @example
   * await fleet.prompt("fix-auth", "Now the tests", { whenIdle: true });
   */
  prompt(target: Target, text: string, options: PromptOptions & CallOptions = {}): Promise<readonly PromptResult[]> {
    return prompt(this.#opened.deps, target, text, options, options);
  }

  /** The agents of a target that wait for an answer, with what they ask. */
  questions(target: Target, options: Pick<AnswerOptions, "matching"> = {}, call?: CallOptions): Promise<ListedAgent[]> {
    return questions(this.#opened.deps, target, options, call);
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
    return answer(this.#opened.deps, target, choice, options, call);
  }

  list(options: ListOptions = {}, call?: CallOptions): Promise<ListedAgent[]> {
    return list(this.#opened.deps, options, call);
  }

  /** The list as it is now, and again whenever something in it has changed. Aborting it rejects with `INTERRUPTED`; `break` ends it quietly. */
  watch(options: ListOptions = {}, call?: CallOptions): AsyncIterable<ListedAgent[]> {
    return watch(this.#opened.deps, options, call);
  }

  /** A handle on one agent by branch or id. Throws `AGENT_NOT_FOUND`. */
  async agent(name: string, call?: CallOptions): Promise<Agent> {
    return new Agent(this, listed(await findOne(this.#opened.deps, name, call)));
  }

  /** The last lines of an agent, also of one that is gone and whose log is kept. */
  logs(name: string, options: LogOptions = {}, call?: CallOptions): Promise<string[]> {
    return logs(this.#opened.deps, name, options, call);
  }

  /** Lines as they come, from the last ones on; ends with the agent. */
  follow(name: string, options: LogOptions & CallOptions = {}): AsyncIterable<string> {
    return follow(this.#opened.deps, name, options, options);
  }

  /** Waits for several agents. One that has ended counts as there. Throws `TIMEOUT`. */
  wait(target: Target, options: WaitOptions = {}, call?: CallOptions): Promise<ListedAgent[]> {
    return wait(this.#opened.deps, target, { ...options, onEnd: "count" }, call);
  }

  /** Waits for several agents and throws `AGENT_DIED` as soon as one ends instead. `timeout` in milliseconds. */
  waitFor(target: Target, what: WaitFor, options: Omit<WaitOptions, "for"> & CallOptions = {}): Promise<ListedAgent[]> {
    return wait(this.#opened.deps, target, { ...options, for: what, onEnd: "reject" }, options);
  }

  /** Ends programs, keeps worktrees and records; takes queued agents out of the queue. */
  stop(target: Target, call?: CallOptions): Promise<StopResult> {
    return stop(this.#opened.deps, target, call);
  }

  /** Starts ended agents again in their worktrees; those that were never started go back into the queue. Throws `LIMIT_REACHED`. */
  resume(target: Target, call?: CallOptions): Promise<StopResult> {
    return resume(this.#opened.deps, target, call);
  }

  /** Ends agents and removes what is theirs; work is refused to be lost, or saved first under `force`. */
  kill(target: Target, options: KillOptions = {}, call?: CallOptions): Promise<KillResult> {
    return kill(this.#opened.deps, target, options, call);
  }

  /** What `kill` would refuse to lose. */
  previewKill(target: Target, call?: CallOptions): Promise<readonly KillPreview[]> {
    return previewKill(this.#opened.deps, target, call);
  }

  /** Brings back what a forced kill saved, by branch or id: branch, folder and record, stopped. */
  async restore(name: string, call?: CallOptions): Promise<Agent> {
    return new Agent(this, await restore(this.#opened.deps, name, call));
  }

  /** What an agent changed against its base, uncommitted and untracked included. */
  diff(name: string, options: { readonly stat?: boolean; readonly color?: boolean } = {}, call?: CallOptions): Promise<string> {
    return diff(this.#opened.deps, name, options, call);
  }

  /** Runs argv in each worktree, at most `fleet.max_parallel` at a time. */
  exec(
    target: Target,
    argv: readonly [string, ...string[]],
    options: ExecOptions = {},
    call?: CallOptions,
  ): Promise<readonly ExecResult[]> {
    return exec(this.#opened.deps, target, argv, options, call);
  }

  /** The command that shows an agent's terminal; the caller runs it on its own. */
  attachCommand(name: string, call?: CallOptions): Promise<AttachCommand> {
    return attachCommand(this.#opened.deps, name, call);
  }

  /** Tells what changes, from what is there now on. Aborting it rejects with `INTERRUPTED`; `break` ends it quietly. */
  events(call?: CallOptions): AsyncIterable<FleetEvent> {
    return events(this.#opened.deps, call);
  }

  /** Looks for what is missing, orphaned or wrong, and with `fix` mends what is safe. */
  doctor(options: { readonly fix?: boolean } = {}, call?: CallOptions): Promise<DoctorReport> {
    return doctor(this.#opened.deps, options, call);
  }

  /**
   * Starts an agent program in a scratch worktree of this repository and sees whether it is ready, takes a prompt, is read
   * rightly and comes back with its conversation, as it is installed here; then removes all of it. What is wrong with the
   * program is a finding; throws what keeps an agent from being made, such as `AGENT_COMMAND_MISSING`.
   */
  probe(adapter: string, options: ProbeOptions = {}, call?: CallOptions): Promise<ProbeReport> {
    return probe(this.#opened.deps, adapter, options, call);
  }

  /**
   * The agent programs there are, built in, handed over or configured, each asked for its version.
   *
   * @example
   * const installed = (await fleet.adapters()).filter(({ problem }) => problem === null);
   */
  adapters(call?: CallOptions): Promise<AdapterInfo[]> {
    return adapters(this.#opened.deps, call);
  }

  /** Lets go of what this object holds. Never ends agents. */
  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
