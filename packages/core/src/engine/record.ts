import { FleetError } from "../errors/index.js";
import { type AgentInfo, type AgentRecord, RECORD_VERSION, type TreeSample } from "../model/index.js";

interface Mirror {
  readonly version: number;
  /** Which fleet home the agent belongs to: two homes on one repository never see each other's agents. */
  readonly home: string;
  readonly record: AgentRecord;
}

/** The text that mirrors a record in its worktree's admin directory. */
export function mirrorText(home: string, record: AgentRecord): string {
  const mirror: Mirror = { version: RECORD_VERSION, home, record };
  return `${JSON.stringify(mirror)}\n`;
}

/** The record a mark holds: null if it belongs to another home or is no whole mark. Throws `STATE_UNREADABLE` for a newer version. */
export function recordFromMark(home: string, text: string): AgentRecord | null {
  let mirror: Partial<Mirror>;
  try {
    mirror = JSON.parse(text) as Partial<Mirror>;
  } catch {
    return null;
  }
  if (mirror.home !== home || typeof mirror.version !== "number" || mirror.record === undefined) return null;
  if (mirror.version > RECORD_VERSION) {
    throw new FleetError("STATE_UNREADABLE", `The record of an agent was written by a newer version (${mirror.version}).`, {
      hint: "Upgrade AI Fleet; the record was left as it is.",
    });
  }
  return mirror.record;
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
