import type { Screen, Session, StatusReading } from "../model/index.js";

/** What an adapter knows when it makes a launch. */
export interface LaunchContext {
  readonly id: string;
  readonly branch: string;
  readonly worktree: string;
  readonly repo: string;
  /** First prompt, null for none. */
  readonly prompt: string | null;
  /** A private file holding the prompt, for adapters that hand over a file; null if none was asked for. */
  readonly promptFile: string | null;
  /** The configured command instead of the adapter's own, null for its own. */
  readonly command: readonly [string, ...string[]] | null;
  /** Extra arguments from the configuration. */
  readonly flags: readonly string[];
  readonly conversation: string | null;
}

/** How to start an agent program. */
export interface Launch {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** `argv`/`file`: the prompt is in the launch already. `paste`: give it once the program is ready. `none`: there is none. */
  readonly promptVia: "argv" | "file" | "paste" | "none";
  /** The conversation's id, where the adapter chose one. */
  readonly conversation?: string;
}

/** What is known of a live agent at one moment. */
export interface Evidence {
  readonly session: Session;
  readonly screen: Screen | null;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * How one agent program is launched, prompted, read and resumed. Pure: no adapter touches the machine.
 */
export interface AgentAdapter {
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** The program looked for on PATH when no command is configured. */
  readonly program: string;
  /** Whether a launch needs `promptFile`. */
  readonly wantsPromptFile?: boolean;
  /** Whether `read` or `ready` look at the screen; an adapter that never does saves the capture. @default true */
  readonly readsScreen?: boolean;
  /** Milliseconds between a paste and its Enter; some programs swallow an Enter that follows at once. @default 0 */
  readonly submitDelayMs?: number;
  launch(context: LaunchContext): Launch;
  /** Null where the program cannot take up a conversation: it is started afresh then. */
  resume(context: LaunchContext): Launch | null;
  /** The status of a live agent, null where this adapter cannot tell (then activity decides). */
  read(evidence: Evidence): StatusReading | null;
  /** Whether the screen shows that a first or later prompt would be taken now. Null: cannot tell. */
  ready(evidence: Evidence): boolean | null;
}

/** Finds adapters by name. */
export interface AdapterRegistry {
  /** Null if there is none. */
  get(name: string): AgentAdapter | null;
  names(): readonly string[];
}
