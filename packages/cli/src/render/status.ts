import type { AgentStatus } from "@aifleet/core";
import type { Color } from "./color.js";

/** How a status looks: a symbol that can be told apart without colour, too. */
export const STATUS_LOOKS: Readonly<Record<AgentStatus, { readonly symbol: string; readonly color: Color | undefined }>> = {
  waiting: { symbol: "?", color: "yellow" },
  working: { symbol: "●", color: "green" },
  starting: { symbol: "◌", color: "cyan" },
  idle: { symbol: "○", color: "blue" },
  queued: { symbol: "…", color: "dim" },
  done: { symbol: "✓", color: "green" },
  failed: { symbol: "✗", color: "red" },
  stopped: { symbol: "■", color: "dim" },
  lost: { symbol: "!", color: "red" },
  unknown: { symbol: "~", color: "dim" },
};

export const STATUSES = Object.keys(STATUS_LOOKS);
