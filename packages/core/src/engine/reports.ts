import { join } from "node:path";
import type { AgentRecord, Session } from "../model/index.js";
import type { AgentAdapter, DiaryContext, Launch, Report, ReportReader, Said } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** In the worktree's admin directory, so that it goes with the worktree. */
const FOLDER = "fleet-reports";
const KIND = /^[A-Za-z]+$/;
/** How much of the end of a program's own file is read, bytes. */
const DIARY_BYTES = 65_536;

/** What a program said of itself: the last report of each kind, newest first, and its own file's last word. */
export interface Heard {
  readonly reports: readonly Report[];
  readonly diary: Said | null;
  /** The prompt it last took, and by what that is known. */
  readonly taken: { readonly text: string; readonly at: number; readonly by: "hook" | "transcript" } | null;
  /** Whether there is anything that could tell of a prompt. */
  readonly tells: boolean;
  /** Whether the program was started with something of ours that can report. */
  readonly equipped: boolean;
}

const NOTHING: Heard = { reports: [], diary: null, taken: null, tells: false, equipped: false };

/** Where an agent's hooks report to, null where its adapter has none. */
export function reportsFolder({ reports }: AgentAdapter, { adminDir }: AgentRecord): string | null {
  return reports === undefined || adminDir === "" ? null : join(adminDir, FOLDER);
}

/**
 * Makes that folder, takes out what an earlier program reported, and places what the launch wants there.
 * Answers with what the program's environment needs for it.
 */
export async function prepareReports(
  deps: Deps,
  adapter: AgentAdapter,
  record: AgentRecord,
  launch: Launch,
): Promise<Record<string, string>> {
  const folder = reportsFolder(adapter, record);
  if (folder === null) return {};
  const { files } = deps.host;
  await files.makeFolder(folder);
  for (const name of (await files.list(folder)) ?? []) await files.remove(join(folder, name));
  for (const [name, text] of Object.entries(launch.files ?? {})) await files.write(join(folder, name), text);
  return { AIFLEET_REPORTS: folder };
}

/** What several live agents have reported, in one go. */
export async function hear(
  deps: Deps,
  live: readonly { readonly record: AgentRecord; readonly session: Session }[],
  diaryBytes = DIARY_BYTES,
): Promise<ReadonlyMap<string, Heard>> {
  const able = live.flatMap(({ record, session }) => {
    const adapter = deps.adapters.get(record.adapter);
    const folder = adapter === null ? null : reportsFolder(adapter, record);
    return adapter?.reports === undefined || folder === null ? [] : [{ record, session, folder, reader: adapter.reports }];
  });
  if (able.length === 0) return new Map();
  const folders = able.map(({ folder }) => folder);
  const listings = await deps.host.files.listMany(folders);
  const wanted = able.map(({ reader }, i) => {
    const found = (listings[i] ?? []).filter(({ name }) => KIND.test(name)).sort((a, b) => b.modifiedAt - a.modifiedAt);
    return found.map((entry, at) => ({ ...entry, read: at === 0 || reader.bodies?.includes(entry.name) === true }));
  });
  const paths = wanted.flatMap((entries, i) => entries.flatMap(({ name, read }) => (read ? [join(folders[i] ?? "", name)] : [])));
  const texts = await deps.host.files.readMany(paths);
  const textOf = new Map(paths.map((path, i) => [path, texts[i] ?? null]));
  const heard = new Map<string, Heard>();
  for (const [i, { record, session, reader }] of able.entries()) {
    const reports = (wanted[i] ?? []).map(
      ({ name, modifiedAt }): Report => ({ kind: name, at: modifiedAt, body: parsed(textOf.get(join(folders[i] ?? "", name)) ?? null) }),
    );
    const equipped = (listings[i] ?? []).some(({ name }) => !KIND.test(name) && !name.startsWith("."));
    const { diary, taken, tells } = await ownFile(deps, { reports, session, ...about(record), env: deps.env }, reader, diaryBytes);
    const reported = reader.taken(reports);
    const last = reported === null || (taken !== null && taken.at > reported.at) ? taken : { ...reported, by: "hook" as const };
    heard.set(record.id, { reports, diary, taken: last, tells: tells || reports.length > 0, equipped });
  }
  return heard;
}

/** What one live agent has reported. */
export async function hearOne(deps: Deps, record: AgentRecord, session: Session, diaryBytes = DIARY_BYTES): Promise<Heard> {
  return (await hear(deps, [{ record, session }], diaryBytes)).get(record.id) ?? NOTHING;
}

/** The conversation that an agent's program reported before it ended, where nobody has asked since. */
export async function learntConversation(deps: Deps, record: AgentRecord): Promise<string | null> {
  const adapter = deps.adapters.get(record.adapter);
  const folder = adapter === null ? null : reportsFolder(adapter, record);
  if (adapter === null || folder === null) return null;
  const names = ((await deps.host.files.list(folder)) ?? []).filter((name) => KIND.test(name));
  const texts = await deps.host.files.readMany(names.map((name) => join(folder, name)));
  const reports = names.map((kind, i): Report => ({ kind, at: 0, body: parsed(texts[i] ?? null) }));
  return adapter.reports?.conversation(reports) ?? null;
}

/** How long a program that announces itself may take until it has, milliseconds. */
const RISES_MS = 60_000;

export function isYoung({ createdAt }: Session, now: number): boolean {
  return now - createdAt < RISES_MS;
}

/** Whether a program has yet to show that it is up: what is pasted into its terminal now is lost. `shown`: its adapter knows what is on its screen. */
export function isRising({ reports }: AgentAdapter, session: Session, heard: Heard | undefined, shown: boolean, now: number): boolean {
  if (reports?.announces === undefined || !isYoung(session, now)) return false;
  if (reports.announces === "screen") return !shown;
  return heard?.equipped === true && (!shown || !heard.reports.some(({ kind }) => kind === reports.announces));
}

const about = ({ worktree, conversation }: AgentRecord) => ({ worktree, conversation });

/** What the end of a program's own file says. */
async function ownFile(
  deps: Deps,
  context: DiaryContext,
  { diary }: ReportReader,
  bytes: number,
): Promise<Pick<Heard, "diary" | "taken" | "tells">> {
  const { files } = deps.host;
  try {
    const found = { read: (file: string) => files.read(file), list: async (folder: string) => (await files.listMany([folder]))[0] ?? null };
    const path = (await diary?.path(context, found)) ?? null;
    if (diary === undefined || path === null) return NOTHING;
    const [stat, end] = await Promise.all([files.stat(path), files.readRange(path, -bytes, bytes)]);
    if (stat === null || end === null) return NOTHING;
    const text = Buffer.from(end).toString("utf8");
    const taken = diary.taken?.(text) ?? null;
    return {
      diary: diary.said(text, stat.modifiedAt),
      taken: taken === null ? null : { ...taken, by: "transcript" },
      tells: diary.taken !== undefined,
    };
  } catch {
    // A file of somebody else's: what it does not say is not known.
    return NOTHING;
  }
}

function parsed(text: string | null): Report["body"] {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Report["body"]) : null;
  } catch {
    return null;
  }
}
