import type { WarmInfo } from "@aifleet/core";
import type { Color } from "./color.js";
import { table } from "./table.js";
import type { Ui } from "./ui.js";
import { since } from "./units.js";

const COLORS: Readonly<Record<WarmInfo["state"], Color>> = {
  ready: "green",
  making: "cyan",
  stale: "yellow",
  dirty: "red",
  gone: "yellow",
};

/** The pool as a table. */
export function poolTable(worktrees: readonly WarmInfo[], ui: Ui): string[] {
  const columns = [
    { title: "STATE" },
    { title: "BASE" },
    { title: "AGE" },
    { title: "WORKTREE", shrinksTo: 20 },
    { title: "WHY", shrinksTo: 10, dropped: 1 },
  ];
  const rows = worktrees.map(({ state, base, createdAt, worktree, reason }) => [
    { text: state, color: COLORS[state] },
    { text: base.slice(0, 10) },
    { text: since(createdAt, Date.now()) },
    { text: worktree },
    { text: reason ?? "" },
  ]);
  return table(columns, rows, { width: ui.width, paint: ui.paint });
}
