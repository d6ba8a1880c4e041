import type { AgentRecord } from "../model/index.js";

/**
 * Never handed on: what would lead a program of the agent's to another repository or terminal
 * server, what describes the caller's terminal and not the agent's, and our own markers.
 */
const DROPPED =
  /^(?:TMUX.*|GIT_.*|AIFLEET_(?:ID|BRANCH|BATCH|INDEX|REPO|WORKTREE|REPORTS|RUN)|TERM|TERM_PROGRAM.*|COLUMNS|LINES|PWD|OLDPWD|SHLVL|_|STY|WINDOW)$/;

/** The environment of an agent and of its setup commands. Those of the pool know of no branch. */
export function agentEnvironment(
  base: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>>,
  record: Pick<AgentRecord, "id" | "repo" | "worktree" | "batch" | "index"> & { readonly branch: string | null },
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined && !DROPPED.test(name)) env[name] = value;
  Object.assign(env, extra, {
    AIFLEET_ID: record.id,
    AIFLEET_REPO: record.repo,
    AIFLEET_WORKTREE: record.worktree,
  });
  if (record.branch !== null) env.AIFLEET_BRANCH = record.branch;
  if (record.batch !== null) env.AIFLEET_BATCH = record.batch;
  if (record.index !== null) env.AIFLEET_INDEX = String(record.index);
  return env;
}
