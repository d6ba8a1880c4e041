import { FleetError } from "../errors/index.js";
import type { AgentInfo, AgentStatus, Warning } from "../model/index.js";
import type { AttachCommand } from "../ports/index.js";
import type { Fleet } from "./fleet.js";
import type {
  AnswerOptions,
  AnswerResult,
  CallOptions,
  ExecOptions,
  ExecResult,
  KilledAgent,
  KillOptions,
  ListedAgent,
  LogOptions,
  PromptOptions,
  PromptResult,
  WaitFor,
  WaitOptions,
} from "./types.js";

/**
 * A handle on one agent. `info` is what was last read of it; `refresh` reads it anew. Every method
 * addresses the agent by its id, so that a later agent of the same branch is never meant.
 *
 * @example
 * const agent = await fleet.createAgent({ branch: "fix-auth", prompt: "Fix the login bug" });
 * await agent.waitFor("idle", { timeout: 60_000 });
 * console.log(await agent.diff({ stat: true }));
 */
export class Agent {
  readonly #fleet: Fleet;
  #info: ListedAgent;
  /** What the call that made this handle noticed. */
  readonly warnings: readonly Warning[];

  /** @internal */
  constructor(fleet: Fleet, info: ListedAgent, warnings: readonly Warning[] = []) {
    this.#fleet = fleet;
    this.#info = info;
    this.warnings = warnings;
  }

  /** The agent as it was last read. */
  get info(): ListedAgent {
    return this.#info;
  }
  get id(): string {
    return this.#info.id;
  }
  get branch(): string {
    return this.#info.branch;
  }
  get repo(): string {
    return this.#info.repo;
  }
  /** Folder of its worktree. */
  get worktree(): string {
    return this.#info.worktree;
  }
  get session(): string {
    return this.#info.session;
  }
  get batch(): string | null {
    return this.#info.batch;
  }
  get index(): number | null {
    return this.#info.index;
  }
  get adapter(): string {
    return this.#info.adapter;
  }
  get base(): string {
    return this.#info.base;
  }
  get status(): AgentStatus {
    return this.#info.status;
  }
  get exitCode(): number | null {
    return this.#info.exitCode;
  }

  toJSON(): AgentInfo {
    return this.#info;
  }

  /** Reads it anew. Throws `AGENT_NOT_FOUND` if it is gone. */
  async refresh(call?: CallOptions): Promise<this> {
    const agents = await this.#fleet.list({ allRepos: true }, call);
    const now = agents.find((agent) => agent.id === this.id);
    if (now === undefined) throw new FleetError("AGENT_NOT_FOUND", `The agent on "${this.branch}" is gone.`, { data: { name: this.id } });
    this.#info = now;
    return this;
  }

  /** Sends a prompt. Throws `PROMPT_REFUSED` or `PROMPT_UNVERIFIED` unless it was delivered or queued. */
  async prompt(text: string, options: PromptOptions & CallOptions = {}): Promise<PromptResult> {
    const [result] = await this.#fleet.prompt(this.id, text, options);
    return result as PromptResult;
  }

  /** Answers its open question. Throws `PROMPT_REFUSED` or `PROMPT_UNVERIFIED` unless it was answered. */
  async answer(choice: string, options?: AnswerOptions, call?: CallOptions): Promise<AnswerResult> {
    const [result] = await this.#fleet.answer(this.id, choice, options, call);
    return result as AnswerResult;
  }

  logs(options?: LogOptions, call?: CallOptions): Promise<string[]> {
    return this.#fleet.logs(this.id, options, call);
  }

  /** Lines as they come; ends with the agent. */
  follow(options?: LogOptions & CallOptions): AsyncIterable<string> {
    return this.#fleet.follow(this.id, options);
  }

  /**
   * Waits until the agent is where it is wanted. Throws `TIMEOUT`, or `AGENT_DIED` when it ends instead.
   * `timeout` in milliseconds. @default no time limit
   */
  async waitFor(what: WaitFor, options?: Omit<WaitOptions, "for" | "any"> & CallOptions): Promise<this> {
    const [now] = await this.#fleet.waitFor(this.id, what, options);
    if (now !== undefined) this.#info = now;
    return this;
  }

  async stop(call?: CallOptions): Promise<this> {
    const { agents } = await this.#fleet.stop(this.id, call);
    if (agents[0] !== undefined) this.#info = agents[0];
    return this;
  }

  async resume(call?: CallOptions): Promise<this> {
    const { agents } = await this.#fleet.resume(this.id, call);
    if (agents[0] !== undefined) this.#info = agents[0];
    return this;
  }

  /** Throws `WORKTREE_DIRTY` if work would be lost and `force` was not given. */
  async kill(options?: KillOptions, call?: CallOptions): Promise<KilledAgent> {
    const { killed } = await this.#fleet.kill(this.id, options, call);
    return killed[0] as KilledAgent;
  }

  diff(options?: { readonly stat?: boolean; readonly color?: boolean }, call?: CallOptions): Promise<string> {
    return this.#fleet.diff(this.id, options, call);
  }

  async exec(argv: readonly [string, ...string[]], options?: ExecOptions, call?: CallOptions): Promise<ExecResult> {
    const [result] = await this.#fleet.exec(this.id, argv, options, call);
    return result as ExecResult;
  }

  attachCommand(call?: CallOptions): Promise<AttachCommand> {
    return this.#fleet.attachCommand(this.id, call);
  }
}
