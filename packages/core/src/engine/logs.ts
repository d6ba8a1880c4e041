import { join } from "node:path";
import type { AgentRecord, Screen } from "../model/index.js";
import type { Deps } from "./deps.js";
import { mapPool } from "./pool.js";

/** Files written at the same time. */
const WRITES = 8;

/** What is kept beside an agent's log, so that it can be found by branch when the agent is gone. */
export interface LogMeta {
  readonly id: string;
  readonly branch: string;
  readonly commonDir: string;
  readonly repo: string;
  readonly createdAt: string;
}

/** Raw output of an agent's terminal. */
export function logFileOf(deps: Deps, id: string): string {
  return join(deps.paths.logs, `${id}.log`);
}

/** What a person last saw, with the history above it. */
export function screenFileOf(deps: Deps, id: string): string {
  return join(deps.paths.logs, `${id}.screen`);
}

/** Who answered which question, a line of JSON each. */
export function answerFileOf(deps: Deps, id: string): string {
  return join(deps.paths.logs, `${id}.answers.jsonl`);
}

/** When prompts were typed, a line each, epoch milliseconds. */
export function typedFileOf(deps: Deps, id: string): string {
  return join(deps.paths.logs, `${id}.typed`);
}

/** What became of prompts that were queued, a line of JSON each. */
export function queueFileOf(deps: Deps, id: string): string {
  return join(deps.paths.logs, `${id}.queue.jsonl`);
}

function metaFileOf(deps: Deps, id: string): string {
  return join(deps.paths.logs, `${id}.json`);
}

export async function writeLogMeta(deps: Deps, record: AgentRecord): Promise<void> {
  const { id, branch, commonDir, repo, createdAt } = record;
  const meta: LogMeta = { id, branch, commonDir, repo, createdAt };
  await deps.host.files.write(metaFileOf(deps, id), `${JSON.stringify(meta)}\n`, 0o600, deps.paths.run);
}

/** Histories asked for at once: each may hold some megabytes. */
const AT_ONCE = 20;

/** Keeps the rendered screens of sessions that are about to go. */
export async function keepScreens(deps: Deps, sessions: readonly { readonly id: string; readonly agent: string }[]): Promise<void> {
  // While some are written the next are asked for.
  let writing: Promise<void> = Promise.resolve();
  for (let at = 0; at < sessions.length; at += AT_ONCE) {
    const some = sessions.slice(at, at + AT_ONCE);
    const asked = deps.sessions.screens(
      some.map(({ id }) => id),
      { history: Number.POSITIVE_INFINITY, leaving: true },
    );
    const [screens] = await Promise.all([asked, writing]);
    writing = writeScreens(deps, some, screens);
    // Where the next cannot be asked for, that is what is told.
    writing.catch(() => undefined);
  }
  await writing;
}

async function writeScreens(
  deps: Deps,
  sessions: readonly { readonly id: string; readonly agent: string }[],
  screens: ReadonlyMap<string, Screen>,
): Promise<void> {
  // Each waits for the disk: several wait together.
  await mapPool(sessions, WRITES, async ({ id, agent }) => {
    const screen = screens.get(id);
    if (screen !== undefined)
      await deps.host.files.write(screenFileOf(deps, agent), `${trimEnd(screen.lines).join("\n")}\n`, 0o600, deps.paths.run);
  });
}

/** The newest kept log of a branch or id whose agent is gone, null if there is none. */
export async function findKeptLog(deps: Deps, name: string): Promise<LogMeta | null> {
  const { files } = deps.host;
  const names = ((await files.list(deps.paths.logs)) ?? []).filter((file) => file.endsWith(".json"));
  const texts = await files.readMany(names.map((file) => join(deps.paths.logs, file)));
  const metas = texts.flatMap((text) => {
    try {
      const meta = text === null ? null : (JSON.parse(text) as LogMeta);
      return typeof meta?.id === "string" && /^[a-z0-9]+$/.test(meta.id) && typeof meta.createdAt === "string" ? [meta] : [];
    } catch {
      return [];
    }
  });
  const mine = metas.filter(
    (meta) => (meta.branch === name || meta.id === name) && (deps.repo === null || meta.commonDir === deps.repo.commonDir),
  );
  return mine.sort((a, b) => b.createdAt.localeCompare(a.createdAt))[0] ?? null;
}

/** Removes what was kept of an agent whose start was undone. */
export async function dropLogs(deps: Deps, id: string): Promise<void> {
  const of = [metaFileOf, screenFileOf, answerFileOf, typedFileOf, queueFileOf, logFileOf];
  const files = [...of.map((fileOf) => fileOf(deps, id)), `${logFileOf(deps, id)}.1`];
  for (const file of files) {
    await deps.host.files.remove(file);
  }
}

/** Removes kept logs older than `logs.keep_days` of agents that are gone. */
export async function tidyLogs(deps: Deps, alive: ReadonlySet<string>): Promise<void> {
  const { files } = deps.host;
  const oldest = deps.clock.now() - deps.settings.config.logs.keepDays * 24 * 3600 * 1000;
  const [kept] = await files.listMany([deps.paths.logs]);
  for (const { name, modifiedAt } of kept ?? []) {
    if (modifiedAt < oldest && !alive.has(name.split(".")[0] ?? "")) await files.remove(join(deps.paths.logs, name));
  }
}

/** Lines without the blank ones at the end. */
export function trimEnd(lines: readonly string[]): readonly string[] {
  let end = lines.length;
  while (end > 0 && lines[end - 1]?.trim() === "") end -= 1;
  return lines.slice(0, end);
}
