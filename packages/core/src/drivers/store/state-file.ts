import { readFileSync } from "node:fs";
import { FleetError, toFleetError } from "../../errors/index.js";
import { type AgentRecord, RECORD_VERSION } from "../../model/index.js";
import type { Draft } from "../../ports/index.js";

/** What was found where the registry should be. */
export interface FoundState {
  readonly draft: Draft;
  /** What could not be used, one sentence each; empty: all is well. */
  readonly problems: readonly string[];
}

/** Reads state.json. Missing is empty and fine; what cannot be parsed is empty and a problem; a newer version throws. */
export function readState(file: string): FoundState {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { draft: { agents: [], repositories: [] }, problems: [] };
    throw toFleetError(error, `Cannot read ${file}`);
  }
  return parseState(text, file);
}

/** The text of state.json. */
export function formatState(draft: Draft): string {
  return `${JSON.stringify({ version: RECORD_VERSION, agents: draft.agents, repositories: draft.repositories }, null, 1)}\n`;
}

function parseState(text: string, file: string): FoundState {
  const broken = (what: string): FoundState => ({ draft: { agents: [], repositories: [] }, problems: [`${file} ${what}.`] });
  if (text.trim() === "") return broken("is empty");
  let state: { version?: unknown; agents?: unknown; repositories?: unknown } | null;
  try {
    state = JSON.parse(text);
  } catch {
    return broken("cannot be parsed");
  }
  if (typeof state !== "object" || state === null || Array.isArray(state)) return broken("does not hold a registry");
  if (typeof state.version === "number" && state.version > RECORD_VERSION) throw newer(file, state.version);
  if (state.version !== RECORD_VERSION || !Array.isArray(state.agents) || !Array.isArray(state.repositories)) {
    return broken("does not hold a registry");
  }
  const agents = state.agents.filter(isRecord);
  const repositories = state.repositories.filter((folder): folder is string => typeof folder === "string");
  const lost = state.agents.length - agents.length + (state.repositories.length - repositories.length);
  return { draft: { agents, repositories }, problems: lost === 0 ? [] : [`${file} holds ${lost} entries that cannot be read.`] };
}

/** Whether a value has what every use of a record relies on. */
function isRecord(value: unknown): value is AgentRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Record<string, unknown>;
  return ["id", "branch", "repo", "commonDir", "worktree", "session", "adapter", "status"].every(
    (field) => typeof record[field] === "string",
  );
}

function newer(file: string, version: number): FleetError<"STATE_UNREADABLE"> {
  return new FleetError(
    "STATE_UNREADABLE",
    `${file} was written by a newer version of the fleet (format ${version}, known here: ${RECORD_VERSION}).`,
    {
      hint: "Use that version. The file was left as it is.",
      data: { file, version },
    },
  );
}
