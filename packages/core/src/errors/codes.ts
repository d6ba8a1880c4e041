/** One row of the error table: what a code means and which exit code it becomes. */
export interface ErrorCodeInfo {
  /** Exit code of the `fleet` command that fails with this error. */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 130 | 143;
  /** What happened, in one sentence, for the documentation. */
  readonly meaning: string;
}

/**
 * Every error the fleet can throw. The set is closed: callers may switch over it.
 * `docs/errors.md` is generated from this table.
 */
export const ERROR_CODES = {
  DRIVER_FAILED: { exit: 1, meaning: "git, tmux or another tool the fleet drives reported a failure." },
  SETUP_FAILED: { exit: 1, meaning: "A setup command failed or ran out of time in a new worktree; the worktree was removed." },
  AGENT_DIED: { exit: 1, meaning: "The agent program ended with an error before it was up." },
  STATE_UNREADABLE: { exit: 1, meaning: "The registry cannot be read or was written by a newer version; it was left as it is." },
  DISK_FULL: { exit: 1, meaning: "No space is left on the device." },
  PERMISSION_DENIED: { exit: 1, meaning: "A file or folder may not be read or written." },
  USAGE: { exit: 2, meaning: "The command or call was given arguments it does not take." },
  INVALID_BRANCH: { exit: 2, meaning: "The text is no valid branch name." },
  INVALID_COUNT: { exit: 2, meaning: "The count is no whole number from 1 to 1000." },
  CONFIG_INVALID: { exit: 2, meaning: "A configuration file or value is wrong; nothing of it is used." },
  NOT_A_TERMINAL: { exit: 2, meaning: "The command needs a terminal and was run without one." },
  AGENT_NOT_FOUND: { exit: 3, meaning: "No agent has that branch or id." },
  BATCH_NOT_FOUND: { exit: 3, meaning: "No batch has that id." },
  NOT_A_REPOSITORY: { exit: 3, meaning: "The folder belongs to no git repository." },
  REF_NOT_FOUND: { exit: 3, meaning: "The ref names no commit in the repository." },
  AGENT_EXISTS: { exit: 4, meaning: "An agent works on that branch already." },
  BRANCH_EXISTS: { exit: 4, meaning: "The branch exists, and the command was to make it." },
  BRANCH_IN_USE: { exit: 4, meaning: "The branch is checked out elsewhere, or its name collides with a folder of branches." },
  WORKTREE_DIRTY: { exit: 4, meaning: "The worktree holds work that the command would lose." },
  NOT_TRUSTED: { exit: 4, meaning: "The project's configuration file has not been trusted." },
  CONFIRMATION_NEEDED: { exit: 4, meaning: "The command needs an answer and there is no terminal to ask on." },
  PROMPT_REFUSED: { exit: 4, meaning: "The prompt was not sent, because it would not have reached the agent as a prompt." },
  LIMIT_REACHED: {
    exit: 4,
    meaning: "There is no place for one more agent (fleet.max_running, fleet.min_free_memory), and what was asked for is not queued.",
  },
  TOOL_MISSING: { exit: 5, meaning: "A program the fleet needs is not installed." },
  TOOL_OLD: { exit: 5, meaning: "A program the fleet needs is older than the oldest version supported." },
  AGENT_COMMAND_MISSING: { exit: 5, meaning: "The agent's program is not installed." },
  TIMEOUT: { exit: 6, meaning: "What was waited for did not happen in time." },
  LOCKED: { exit: 6, meaning: "Another process holds a lock for too long." },
  PROMPT_UNVERIFIED: { exit: 6, meaning: "The prompt was typed, but that the agent took it could not be seen." },
  PARTIAL: { exit: 7, meaning: "Some of several agents succeeded and some did not." },
  INTERRUPTED: { exit: 130, meaning: "The caller interrupted the work (exit 143 on SIGTERM)." },
} as const satisfies Record<string, ErrorCodeInfo>;

/** The code of a {@link FleetError}. */
export type ErrorCode = keyof typeof ERROR_CODES;
