import type { SavedEntry } from "@aifleet/core";
import { table } from "./table.js";
import type { Ui } from "./ui.js";
import { bytes, since } from "./units.js";

/** An entry of the trash as JSON documents show it. */
export function savedJson({ record, savedAt, ref, folder, size }: SavedEntry): Record<string, unknown> {
  return {
    branch: record.branch,
    id: record.id,
    repo: record.repo,
    savedAt,
    kind: folder === null ? "commits" : "worktree",
    size,
    folder,
    ref,
    restore: `fleet restore ${record.id}`,
  };
}

/** The trash as a table. */
export function savedTable(entries: readonly SavedEntry[], ui: Ui): string[] {
  const columns = [
    { title: "BRANCH", shrinksTo: 12 },
    { title: "ID" },
    { title: "SAVED" },
    { title: "AGE" },
    { title: "SIZE", align: "right" as const },
    { title: "REPOSITORY", shrinksTo: 10, dropped: 1 },
  ];
  const rows = entries.map(({ record, savedAt, folder, size }) =>
    [
      record.branch,
      record.id,
      folder === null ? "commits" : "worktree",
      since(savedAt, Date.now()),
      size === null ? "-" : bytes(size),
      record.repo,
    ].map((text) => ({ text })),
  );
  return table(columns, rows, { width: ui.width, paint: ui.paint });
}
