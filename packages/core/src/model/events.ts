import type { AgentInfo } from "./agent.js";
import type { AgentStatus } from "./status.js";

/** What {@link Fleet.events} yields. */
export type FleetEvent =
  | { readonly type: "agent.created"; readonly at: string; readonly agent: AgentInfo }
  | { readonly type: "agent.status"; readonly at: string; readonly agent: AgentInfo; readonly from: AgentStatus; readonly to: AgentStatus }
  | { readonly type: "agent.removed"; readonly at: string; readonly agent: AgentInfo };

/** A step of a longer call, for progress displays. */
export type ProgressEvent =
  | { readonly type: "plan"; readonly agents: readonly string[] }
  | { readonly type: "step"; readonly branch: string; readonly step: "worktree" | "setup" | "session" | "ready"; readonly detail?: string }
  | { readonly type: "done"; readonly branch: string }
  | { readonly type: "failed"; readonly branch: string; readonly message: string };
