import type { ProcessIdentity } from "./process.js";
import type { AgentStatus, StatusSource } from "./status.js";

/**
 * What an agent may do without asking.
 *
 * - `ask`: reads; everything else is a question
 * - `edit`: also changes files of its worktree; commands are questions
 * - `yolo`: everything
 */
export type PermissionMode = "ask" | "edit" | "yolo";

/** Every mode, from the strictest on. */
export const PERMISSION_MODES: readonly PermissionMode[] = ["ask", "edit", "yolo"];

/** Version of the stored record. A higher one is refused, never overwritten. */
export const RECORD_VERSION = 1;

/**
 * All that is known of an agent between two commands. The whole record lies in the
 * registry and, mirrored, in the worktree's admin directory, so that the registry may
 * be lost at any time.
 */
export interface AgentRecord {
  /** Unique everywhere: lower-case letters and digits only. */
  readonly id: string;
  readonly branch: string;
  /** Folder of the main worktree, or of the bare repository. */
  readonly repo: string;
  /** Real path of the common git directory: what makes a repository itself. */
  readonly commonDir: string;
  readonly project: string;
  readonly slug: string;
  /** Where the worktree lies; empty never. */
  readonly worktree: string;
  /** The worktree's admin directory under the common git directory; empty until it is made. */
  readonly adminDir: string;
  /** Name of the session. */
  readonly session: string;
  readonly batch: string | null;
  /** 1-based place in the batch. */
  readonly index: number | null;
  readonly adapter: string;
  readonly prompt: string | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Commit the branch started from. */
  readonly base: string;
  /** Whether the fleet made the branch (and so may delete it again). */
  readonly createdBranch: boolean;
  /** Relative paths of the credential copies placed in the worktree. */
  readonly credentials: readonly string[];
  /** What the program may do without asking; left out: as the program is set up. */
  readonly mode?: PermissionMode;
  /** The conversation's id in the agent's own terms, where it is known. */
  readonly conversation: string | null;
  /** The agent program, while it is thought to run. */
  readonly process: ProcessIdentity | null;
  /** Who is making this agent, while its status is `starting`. */
  readonly maker: ProcessIdentity | null;
  readonly status: AgentStatus;
  readonly statusSource: StatusSource;
  /** ISO 8601, UTC. */
  readonly statusSince: string;
  readonly exitCode: number | null;
  /** Why it could not be started from the queue; left out where that did not happen. */
  readonly problem?: string;
}

/** An agent as `list` and every JSON document show it. `null` means unknown. */
export interface AgentInfo {
  readonly id: string;
  readonly branch: string;
  readonly repo: string;
  readonly worktree: string;
  readonly session: string;
  readonly batch: string | null;
  readonly index: number | null;
  readonly adapter: string;
  readonly prompt: string | null;
  readonly createdAt: string;
  readonly base: string;
  readonly createdBranch: boolean;
  readonly status: AgentStatus;
  readonly statusSource: StatusSource;
  readonly statusSince: string;
  readonly pid: number | null;
  /** Percent of one core since the last sample, else over the process's life; the whole tree. */
  readonly cpu: number | null;
  /** Resident memory of the whole process tree, bytes. */
  readonly memory: number | null;
  readonly processes: number | null;
  /** Commits on the branch that the base does not have; null unless changes were asked for. */
  readonly ahead: number | null;
  readonly behind: number | null;
  /** Whether the worktree has uncommitted or untracked files; null unless changes were asked for. */
  readonly dirty: boolean | null;
  readonly exitCode: number | null;
}

/** Something a call noticed that did not stop it. */
export interface Warning {
  /** Stable word for programs. */
  readonly code: string;
  readonly message: string;
  readonly branch?: string;
}
