import { mkdirSync, readFileSync, renameSync, type Stats, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeQuietly } from "../../config/durable.js";
import { isSameFile, statsOf } from "../../host/index.js";
import type { Observation, Observations } from "../../ports/index.js";

/** Observations in one small file. No lock and no fsync: it may be lost, and nothing but "since when" is lost with it. */
export function fileObservations(folder: string): Observations {
  const file = join(folder, "observed.json");
  /** What was read last: a command reads it as it begins to look, and before it writes. */
  let last: { readonly stats: Stats; readonly all: ReadonlyMap<string, Observation> } | undefined;
  return {
    async read() {
      const stats = statsOf(file);
      if (last !== undefined && stats !== undefined && isSameFile(last.stats, stats)) return last.all;
      last = undefined;
      try {
        const entries = Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, Observation>);
        const all = new Map(entries.filter(([, entry]) => isWhole(entry)));
        last = stats && { stats, all };
        return all;
      } catch {
        return new Map();
      }
    },
    async write(all) {
      const temporary = join(folder, `.tmp-${process.pid}-observed`);
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(temporary, JSON.stringify(Object.fromEntries(all)), { mode: 0o600 });
        renameSync(temporary, file);
      } catch {
        // A full or read-only disk must not keep anybody from reading a status.
        removeQuietly(temporary);
      }
    },
  };
}

function isWhole(entry: Partial<Observation> | null): boolean {
  return (
    typeof entry?.status === "string" &&
    typeof entry.source === "string" &&
    typeof entry.since === "string" &&
    typeof entry.at === "number" &&
    (entry.cpuMs === null || typeof entry.cpuMs === "number")
  );
}
