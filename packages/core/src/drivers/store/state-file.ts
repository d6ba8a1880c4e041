import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { FleetError, toFleetError } from "../../errors/index.js";
import { isAgentRecord, RECORD_VERSION } from "../../model/index.js";
import type { Draft } from "../../ports/index.js";

/** What was found where the registry should be. */
export interface FoundState {
  readonly draft: Draft;
  /** What could not be used, one sentence each; empty: all is well. */
  readonly problems: readonly string[];
}

/** Reads state.json. Missing is empty and fine; what cannot be parsed is empty and a problem; a newer version throws. */
export function readState(file: string): FoundState {
  return takeIn(file, readText(file));
}

/** More than this takes a while to take in, characters. */
const LONG = 65_536;

/** The same for somebody who has asked other programs meanwhile: they are let go on before a long text is taken in. */
export async function readStateLeisurely(file: string): Promise<FoundState> {
  const text = readText(file);
  if ((text?.length ?? 0) > LONG) await new Promise((resolve) => setImmediate(resolve));
  return takeIn(file, text);
}

function takeIn(file: string, text: string | null | undefined): FoundState {
  if (text === null) return { draft: { agents: [], repositories: [] }, problems: [] };
  return text === undefined ? broken(file, "is no file") : parseState(text, file);
}

/** Null: it is not there. Undefined: what is there is no file. */
function readText(file: string): string | null | undefined {
  let handle: number;
  try {
    // Not waiting for a writer: a pipe in the file's place must not hang every command.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    if (code === "ELOOP" || code === "ENXIO") return undefined;
    throw toFleetError(error, `Cannot read ${file}`);
  }
  try {
    return fstatSync(handle).isFile() ? readFileSync(handle, "utf8") : undefined;
  } catch (error) {
    throw toFleetError(error, `Cannot read ${file}`);
  } finally {
    closeSync(handle);
  }
}

/** The text of state.json. */
export function formatState(draft: Draft): string {
  return `${JSON.stringify({ version: RECORD_VERSION, agents: draft.agents, repositories: draft.repositories }, null, 1)}\n`;
}

function broken(file: string, what: string): FoundState {
  return { draft: { agents: [], repositories: [] }, problems: [`${file} ${what}; the fleet is read from worktrees and sessions instead.`] };
}

function parseState(text: string, file: string): FoundState {
  if (text.trim() === "") return broken(file, "is empty");
  let state: { version?: unknown; agents?: unknown; repositories?: unknown } | null;
  try {
    // Some editors put a mark of the byte order first.
    state = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return broken(file, "cannot be parsed");
  }
  if (typeof state !== "object" || state === null || Array.isArray(state)) return broken(file, "does not hold a registry");
  if (typeof state.version === "number" && state.version > RECORD_VERSION) throw newer(file, state.version);
  if (state.version !== RECORD_VERSION || !Array.isArray(state.agents) || !Array.isArray(state.repositories)) {
    return broken(file, "does not hold a registry");
  }
  const ids = new Set<string>();
  const agents = state.agents.filter(isAgentRecord).filter(({ id }) => !ids.has(id) && ids.add(id));
  const repositories = state.repositories.filter((folder): folder is string => typeof folder === "string" && isAbsolute(folder));
  const lost = state.agents.length - agents.length + (state.repositories.length - repositories.length);
  const entries = lost === 1 ? "an entry that is" : `${lost} entries that are`;
  return {
    draft: { agents, repositories },
    problems: lost === 0 ? [] : [`${file} holds ${entries} not whole; worktrees and sessions tell instead.`],
  };
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
