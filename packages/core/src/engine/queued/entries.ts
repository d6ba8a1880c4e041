import { join } from "node:path";
import { type AgentRecord, isAgentRecord, RECORD_VERSION } from "../../model/index.js";
import type { KeptReads } from "../../ports/index.js";
import type { Deps } from "../deps.js";
import type { Plan } from "../plan.js";

/**
 * An agent that was asked for and has not been started: all that starts it later. Its file in the queue is what is true of it,
 * as a mark is of an agent that has a worktree; the registry follows.
 */
export interface Entry {
  /** `queued`; `stopped`: taken out of the queue; `failed`: could not be started, and `problem` says why. */
  readonly record: AgentRecord;
  /** Commands of its setup, as they were when it was asked for. */
  readonly setup: readonly string[];
  readonly start: Plan["mode"];
  /** Whether a project file that is not trusted is passed over. */
  readonly ignoreProjectConfig: boolean;
  /** Its place: those of lower numbers come first. Epoch milliseconds. */
  readonly queuedAt: number;
}

/** What the folder of the queue holds of agents. */
export interface QueuedAgents {
  /** By id, first come first. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Names of files that hold no whole entry. */
  readonly broken: readonly string[];
}

const ENDING = ".agent.json";
const STATUSES: ReadonlySet<string> = new Set(["queued", "stopped", "failed"]);

/** Whether an agent has never been started: it has no worktree, and nobody makes it one. */
export function isUnstarted({ adminDir, status }: AgentRecord): boolean {
  return adminDir === "" && STATUSES.has(status);
}

/** What was read last, by host: of many entries that are read again and again hardly one has changed. */
const lastRead = new WeakMap<
  object,
  { readonly files: KeptReads; readonly entries: Map<string, { readonly text: string; readonly entry: Entry | null }> }
>();

/** Every agent in the queue's folder. Costs the listing of that folder where there is none. */
export async function readEntries(deps: Deps): Promise<QueuedAgents> {
  const { files } = deps.host;
  const last = lastRead.get(deps.host) ?? { files: new Map(), entries: new Map() };
  lastRead.set(deps.host, last);
  const names = ((await files.list(deps.paths.queue).catch(() => null)) ?? []).filter((name) => name.endsWith(ENDING));
  const paths = names.map((name) => join(deps.paths.queue, name));
  const texts = await files.readMany(paths, last.files);
  const before = new Map(last.entries);
  last.entries.clear();
  const found: Entry[] = [];
  const broken: string[] = [];
  for (const [at, name] of names.entries()) {
    const text = texts[at] ?? null;
    const known = before.get(name);
    const entry = text === null ? null : known?.text === text ? known.entry : parse(text);
    if (text !== null) last.entries.set(name, { text, entry });
    if (entry !== null && name === `${entry.record.id}${ENDING}`) found.push(entry);
    // One that was removed meanwhile is not there.
    else if (text !== null) broken.push(name);
  }
  found.sort((a, b) => a.queuedAt - b.queuedAt || (a.record.index ?? 0) - (b.record.index ?? 0) || (a.record.id < b.record.id ? -1 : 1));
  return { entries: new Map(found.map((entry) => [entry.record.id, entry])), broken };
}

/** The entry of one agent as it is now, null if there is none. */
export async function readEntry(deps: Deps, id: string): Promise<Entry | null> {
  const text = await deps.host.files.read(fileOf(deps, id));
  return text === null ? null : parse(text);
}

export async function writeEntry(deps: Deps, entry: Entry): Promise<void> {
  await deps.host.files.makeFolder(deps.paths.queue);
  const text = `${JSON.stringify({ version: RECORD_VERSION, ...entry })}\n`;
  await deps.host.files.write(fileOf(deps, entry.record.id), text, 0o600, deps.paths.run);
}

export function removeEntry(deps: Deps, id: string): Promise<void> {
  return deps.host.files.remove(fileOf(deps, id));
}

const fileOf = (deps: Deps, id: string) => join(deps.paths.queue, `${id}${ENDING}`);

function parse(text: string): Entry | null {
  try {
    const entry = JSON.parse(text) as Partial<Entry> & { version?: unknown };
    const { version, record, setup, start, ignoreProjectConfig, queuedAt } = entry;
    if (version !== RECORD_VERSION || !isAgentRecord(record) || !STATUSES.has(record.status) || record.adminDir !== "") return null;
    if (!Array.isArray(setup) || !setup.every((command) => typeof command === "string")) return null;
    if (start !== "create" && start !== "use" && start !== "track") return null;
    if (typeof ignoreProjectConfig !== "boolean" || typeof queuedAt !== "number" || !Number.isFinite(queuedAt)) return null;
    return { record, setup, start, ignoreProjectConfig, queuedAt };
  } catch {
    return null;
  }
}
