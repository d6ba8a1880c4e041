import type { Evidence, LaunchContext } from "../../../src/ports/index.js";

/** A live agent that shows these lines. */
export function evidenceOf(lines: readonly string[], title = ""): Evidence {
  const session = {
    id: "%1",
    name: "ai_x",
    agent: "a",
    pid: 1,
    dead: false,
    exitCode: null,
    createdAt: 0,
    activityAt: 0,
    attached: 0,
    title,
    command: "node",
    tty: "/dev/pts/1",
  };
  return { session, screen: { lines }, now: 0 };
}

/** A launch of an agent with nothing configured. */
export function contextOf(prompt: string | null, more: Partial<LaunchContext> = {}): LaunchContext {
  return {
    id: "a1",
    branch: "b",
    worktree: "/w",
    repo: "/r",
    prompt,
    promptFile: null,
    command: null,
    flags: [],
    conversation: null,
    mode: null,
    reports: null,
    env: {},
    ...more,
  };
}
