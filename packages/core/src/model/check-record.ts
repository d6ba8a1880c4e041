import type { AgentRecord } from "./agent.js";
import { AGENT_STATUSES, type AgentStatus } from "./status.js";
import type { WarmWorktree } from "./warm.js";

type Check = (value: unknown, record: Readonly<Record<string, unknown>>) => boolean;

const isText: Check = (value) => typeof value === "string" && value !== "" && !value.includes("\0");
const isTextOrNull: Check = (value) => value === null || (typeof value === "string" && !value.includes("\0"));
const isName: Check = (value) => typeof value === "string" && /^[A-Za-z0-9_.-]+$/.test(value) && value !== "." && value !== "..";
/** Absolute, and with no way up in it. */
const isPlace: Check = (value) =>
  isText(value, {}) && (value as string).startsWith("/") && !(value as string).split("/").some((part) => part === ".." || part === ".");
const isCount: Check = (value) => typeof value === "number" && Number.isSafeInteger(value);
const isTime: Check = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));
const isProcess: Check = (value) => {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  const { pid, start, boot } = value as Record<string, unknown>;
  return isCount(pid, {}) && (pid as number) > 1 && typeof start === "string" && typeof boot === "string";
};

/** What each field must be. Each of them reaches a path, an argv or the screen sooner or later. */
const FIELDS: { readonly [Field in keyof AgentRecord]: Check } = {
  id: (value) => typeof value === "string" && /^[a-z0-9]{1,64}$/.test(value),
  branch: (value) => isText(value, {}) && !(value as string).includes("\n"),
  repo: isPlace,
  commonDir: isPlace,
  project: isName,
  slug: isName,
  worktree: isPlace,
  // One entry of the repository's own folder of registrations, and nothing else.
  adminDir: (value, { commonDir }) => {
    const folder = `${commonDir}/worktrees/`;
    if (value === "") return true;
    return isPlace(value, {}) && (value as string).startsWith(folder) && /^[^/]+$/.test((value as string).slice(folder.length));
  },
  session: isName,
  batch: (value) => value === null || isName(value, {}),
  index: (value) => value === null || isCount(value, {}),
  adapter: isText,
  prompt: isTextOrNull,
  createdAt: isTime,
  base: (value) => typeof value === "string" && /^[0-9a-f]{4,64}$/.test(value),
  createdBranch: (value) => typeof value === "boolean",
  credentials: (value) => Array.isArray(value) && value.every((path) => isText(path, {}) && !(path as string).split("/").includes("..")),
  conversation: isTextOrNull,
  process: isProcess,
  maker: isProcess,
  status: (value) => AGENT_STATUSES.includes(value as AgentStatus),
  statusSource: (value) => ["exit", "hook", "transcript", "screen", "activity", "session"].includes(value as string),
  statusSince: isTime,
  exitCode: (value) => value === null || isCount(value, {}),
  problem: (value) => value === undefined || isText(value, {}),
};

const WARM: { readonly [Field in keyof WarmWorktree]: Check } = {
  id: FIELDS.id,
  repo: isPlace,
  commonDir: isPlace,
  worktree: isPlace,
  adminDir: FIELDS.adminDir,
  base: FIELDS.base,
  setup: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
  credentials: FIELDS.credentials,
  createdAt: isTime,
  ready: (value) => typeof value === "boolean",
};

/** Whether a value that was read from a mark is a whole warm worktree. */
export function isWarmWorktree(value: unknown): value is WarmWorktree {
  if (typeof value !== "object" || value === null) return false;
  const warm = value as Record<string, unknown>;
  return Object.entries(WARM).every(([field, check]) => check(warm[field], warm));
}

/** Whether a value that was read from a file is a whole record: every field there, of its type, and fit for what it is used for. */
export function isAgentRecord(value: unknown): value is AgentRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Record<string, unknown>;
  return Object.entries(FIELDS).every(([field, check]) => check(record[field], record));
}
