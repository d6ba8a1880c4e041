import { FleetError } from "../errors/index.js";
import {
  type AgentInfo,
  type AgentRecord,
  isAgentRecord,
  isWarmWorktree,
  RECORD_VERSION,
  type TreeSample,
  type WarmWorktree,
} from "../model/index.js";

/** Either an agent's record or a worktree of the pool. */
interface Mirror {
  readonly version: number;
  /** Which fleet home the agent belongs to: two homes on one repository never see each other's agents. */
  readonly home: string;
  readonly record?: AgentRecord;
  readonly warm?: WarmWorktree;
}

/** The text that mirrors a record in its worktree's admin directory. */
export function mirrorText(home: string, record: AgentRecord): string {
  const mirror: Mirror = { version: RECORD_VERSION, home, record };
  return `${JSON.stringify(mirror)}\n`;
}

/** The text that marks a worktree of the pool. */
export function warmText(home: string, warm: WarmWorktree): string {
  const mirror: Mirror = { version: RECORD_VERSION, home, warm };
  return `${JSON.stringify(mirror)}\n`;
}

/** What a mark says: a record of ours, a warm worktree of ours, something of another home's, or nothing that can be read. */
export type MarkText =
  | { readonly kind: "ours"; readonly record: AgentRecord }
  | { readonly kind: "warm"; readonly warm: WarmWorktree }
  | { readonly kind: "foreign"; readonly home: string; readonly record: AgentRecord | null }
  | { readonly kind: "broken" };

/** Reads a mark. Throws `STATE_UNREADABLE` for one of ours that a newer version wrote. */
export function readMarkText(home: string, text: string): MarkText {
  let mirror: Partial<Mirror> | null;
  try {
    mirror = JSON.parse(text.replace(/^\ufeff/, "")) as Partial<Mirror> | null;
  } catch {
    return { kind: "broken" };
  }
  if (typeof mirror !== "object" || mirror === null || typeof mirror.home !== "string") return { kind: "broken" };
  const record = isAgentRecord(mirror.record) ? mirror.record : null;
  if (mirror.home !== home) return { kind: "foreign", home: mirror.home, record };
  if (typeof mirror.version === "number" && mirror.version > RECORD_VERSION) {
    throw new FleetError("STATE_UNREADABLE", `The record of an agent was written by a newer version (${mirror.version}).`, {
      hint: "Upgrade AI Fleet; the record was left as it is.",
    });
  }
  if (mirror.version !== RECORD_VERSION) return { kind: "broken" };
  if (record !== null) return { kind: "ours", record };
  return isWarmWorktree(mirror.warm) ? { kind: "warm", warm: mirror.warm } : { kind: "broken" };
}

/** The record a mark holds: null if it belongs to another home or is no whole mark. Throws `STATE_UNREADABLE` for a newer version. */
export function recordFromMark(home: string, text: string): AgentRecord | null {
  const mark = readMarkText(home, text);
  return mark.kind === "ours" ? mark.record : null;
}

/** What a look at the machine adds to a record. */
export interface Looked {
  readonly sample: TreeSample | null;
  readonly cpu: number | null;
  readonly ahead?: number | null;
  readonly behind?: number | null;
  readonly dirty?: boolean | null;
}

/** The agent as every JSON document shows it. */
export function toInfo(record: AgentRecord, looked: Looked = { sample: null, cpu: null }): AgentInfo {
  return {
    id: record.id,
    branch: record.branch,
    repo: record.repo,
    worktree: record.worktree,
    session: record.session,
    batch: record.batch,
    index: record.index,
    adapter: record.adapter,
    prompt: record.prompt,
    createdAt: record.createdAt,
    base: record.base,
    createdBranch: record.createdBranch,
    status: record.status,
    statusSource: record.statusSource,
    statusSince: record.statusSince,
    pid: looked.sample === null ? null : (record.process?.pid ?? null),
    cpu: looked.cpu,
    memory: looked.sample?.memory ?? null,
    processes: looked.sample?.pids.length ?? null,
    ahead: looked.ahead ?? null,
    behind: looked.behind ?? null,
    dirty: looked.dirty ?? null,
    exitCode: record.exitCode,
  };
}
