import type { AgentInfo, FailedAgent, ListedAgent } from "@aifleet/core";

const KEYS = [
  "id",
  "branch",
  "repo",
  "worktree",
  "session",
  "batch",
  "index",
  "adapter",
  "prompt",
  "createdAt",
  "base",
  "createdBranch",
  "status",
  "statusSource",
  "statusSince",
  "pid",
  "cpu",
  "memory",
  "processes",
  "ahead",
  "behind",
  "dirty",
  "exitCode",
] as const satisfies readonly (keyof AgentInfo)[];

/** An agent as every JSON document shows it: these keys, and what a listing found besides. */
export function agentJson(
  agent: AgentInfo & Partial<Pick<ListedAgent, "changes" | "reason" | "question" | "choices">>,
): Record<string, unknown> {
  const shown: Record<string, unknown> = Object.fromEntries(KEYS.map((key) => [key, agent[key] ?? null]));
  if (agent.changes !== undefined) shown.changes = agent.changes;
  if (agent.reason !== undefined) shown.reason = agent.reason;
  if (agent.question !== undefined) shown.question = agent.question;
  if (agent.choices !== undefined) shown.choices = agent.choices;
  return shown;
}

/** What did not work, as JSON. */
export function failedJson(failed: readonly FailedAgent[]): unknown[] {
  return failed.map(({ branch, error }) => ({
    branch,
    error: { code: error.code, message: error.message, hint: error.hint, data: error.data },
  }));
}
