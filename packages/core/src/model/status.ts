/**
 * What an agent is doing.
 *
 * - `queued`: asked for, not begun; starts once there is a place for it (`fleet.max_running`)
 * - `starting`: being made
 * - `working`: in the middle of a turn
 * - `waiting`: needs a human (a permission or a question)
 * - `idle`: finished its turn, ready for a prompt
 * - `done` / `failed`: the program exited 0 / otherwise
 * - `stopped`: ended by `stop`, worktree and record kept
 * - `lost`: record and worktree are there, session and processes are gone
 * - `unknown`: could not be found out; nothing may be changed on that account
 */
export type AgentStatus = "queued" | "starting" | "working" | "waiting" | "idle" | "done" | "failed" | "stopped" | "lost" | "unknown";

/** Every status, in the order in which tables sort them. */
export const AGENT_STATUSES: readonly AgentStatus[] = [
  "waiting",
  "working",
  "starting",
  "idle",
  "queued",
  "done",
  "failed",
  "stopped",
  "lost",
  "unknown",
];

/** Where a status was learnt from. */
export type StatusSource = "exit" | "hook" | "transcript" | "screen" | "activity" | "session";

/** A key that can be pressed in an agent's terminal: a name as tmux has it, or the one character it types. */
export type Key = "Enter" | "Escape" | "C-c" | "Up" | "Down" | "Left" | "Right" | "Tab" | "y" | "n";

/** One answer an open question offers. */
export interface Choice {
  /** As the program words it. */
  readonly label: string;
  /** What chooses it from the dialog as it was read. */
  readonly keys: readonly Key[];
}

/** A status with its evidence. */
export interface StatusReading {
  readonly status: AgentStatus;
  readonly source: StatusSource;
  /** The open question, where the status is `waiting` and it could be read. */
  readonly question?: string;
  /** What the open question offers, in the program's order, where that could be read. */
  readonly choices?: readonly Choice[];
}

/** Whether an agent of this status has a live program. */
export function isAlive(status: AgentStatus): boolean {
  return status === "starting" || status === "working" || status === "waiting" || status === "idle";
}

/** Whether an agent of this status has ended for now. */
export function isEnded(status: AgentStatus): boolean {
  return status === "done" || status === "failed" || status === "stopped" || status === "lost";
}
