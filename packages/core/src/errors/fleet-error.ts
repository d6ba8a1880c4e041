import { ERROR_CODES, type ErrorCode } from "./codes.js";

/** Facts that go with some codes. Codes that are not listed carry free-form data. */
export interface ErrorData {
  readonly WORKTREE_DIRTY: { readonly files: readonly string[]; readonly reasons: readonly string[] };
  readonly BRANCH_IN_USE: { readonly branch: string; readonly place: string };
  readonly TOOL_OLD: { readonly tool: string; readonly found: string; readonly needed: string };
  readonly TOOL_MISSING: { readonly tool: string };
  readonly AGENT_DIED: { readonly exitCode: number | null; readonly output: string };
  readonly SETUP_FAILED: { readonly command: string; readonly exitCode: number | null; readonly output: string };
  readonly CONFIG_INVALID: { readonly file?: string; readonly line?: number; readonly key?: string };
}

/** Data carried by an error of code `C`. */
export type ErrorDataOf<C extends ErrorCode> = C extends keyof ErrorData ? ErrorData[C] : Readonly<Record<string, unknown>>;

/** What {@link FleetError} takes beside code and message. */
export interface FleetErrorOptions<C extends ErrorCode> {
  /** What to do next, one sentence. */
  readonly hint?: string;
  /** Facts for programs. */
  readonly data?: ErrorDataOf<C>;
  /** What caused it. */
  readonly cause?: unknown;
}

/** An error as JSON documents carry it. */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * The only error the fleet throws.
 *
 * @example
 * try { await fleet.createAgent({ branch: "fix" }); }
 * catch (error) { if (isFleetError(error, "AGENT_EXISTS")) … else throw error; }
 */
export class FleetError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "FleetError";
  readonly code: C;
  readonly hint: string | null;
  readonly data: ErrorDataOf<C>;

  constructor(code: C, message: string, options: FleetErrorOptions<C> = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
    this.data = options.data ?? ({} as ErrorDataOf<C>);
  }

  /** The exit code a command fails with for this error. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }

  toJSON(): ErrorJson {
    return { code: this.code, message: this.message, hint: this.hint, data: this.data as Readonly<Record<string, unknown>> };
  }
}

/** Whether `error` is a {@link FleetError}, of that code if one is given. */
export function isFleetError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is FleetError<C> {
  return error instanceof FleetError && (code === undefined || error.code === code);
}

/**
 * Any thrown value as a FleetError: those stay, file system errors get their code,
 * everything else becomes `DRIVER_FAILED` with the original as its cause.
 */
export function toFleetError(error: unknown, doing?: string): FleetError {
  if (error instanceof FleetError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const { code = "" } = (error ?? {}) as NodeJS.ErrnoException;
  const known = Object.hasOwn(SYSTEM_ERRORS, code) ? SYSTEM_ERRORS[code as keyof typeof SYSTEM_ERRORS] : undefined;
  const reason = known === undefined || doing === undefined ? message : `${known.says} (${code})`;
  const text = doing === undefined ? message : `${doing}: ${reason}`;
  return new FleetError(known?.code ?? "DRIVER_FAILED", text, { cause: error, ...(known === undefined ? {} : { hint: known.hint }) });
}

const FREE_SPACE = "Free some space and run the command again.";
const CHECK_OWNER = "Check who owns the path and whether it is writable.";
const RAISE_LIMIT = "Raise the limit on open files (ulimit -n) and run the command again.";

/** What the system says of files and disks: as which error, in which words, and what helps. */
const SYSTEM_ERRORS = {
  ENOSPC: { code: "DISK_FULL", says: "no space is left on the device", hint: FREE_SPACE },
  EDQUOT: { code: "DISK_FULL", says: "the disk quota is used up", hint: FREE_SPACE },
  EFBIG: { code: "DISK_FULL", says: "the file would be larger than allowed", hint: "Raise the limit on file sizes (ulimit -f)." },
  EACCES: { code: "PERMISSION_DENIED", says: "permission denied", hint: CHECK_OWNER },
  EPERM: { code: "PERMISSION_DENIED", says: "operation not permitted", hint: CHECK_OWNER },
  EROFS: { code: "PERMISSION_DENIED", says: "the file system is read-only", hint: "Mount it writable and run the command again." },
  EMFILE: { code: "DRIVER_FAILED", says: "too many open files", hint: RAISE_LIMIT },
  ENFILE: { code: "DRIVER_FAILED", says: "too many open files in the whole system", hint: "End some programs and run the command again." },
  EIO: {
    code: "DRIVER_FAILED",
    says: "the disk reports an error",
    hint: "Look into the system's log before you go on: the disk may be failing.",
  },
  ENOTDIR: { code: "DRIVER_FAILED", says: "a part of the path is no folder", hint: "Move what stands there out of the way." },
  EISDIR: { code: "DRIVER_FAILED", says: "a folder stands in its place", hint: "Move what stands there out of the way." },
  EEXIST: { code: "DRIVER_FAILED", says: "something else stands there", hint: "Move what stands there out of the way." },
  ELOOP: { code: "DRIVER_FAILED", says: "a link stands there that leads nowhere or to itself", hint: "Remove the link." },
} as const satisfies Record<string, { readonly code: ErrorCode; readonly says: string; readonly hint: string }>;

/** What a program that failed wrote about the disk, as an error; null where it is about something else. */
export function diskFailure(stderr: string, doing: string): FleetError<"DISK_FULL" | "PERMISSION_DENIED"> | null {
  const said = stderr.split(/[\r\n]+/).find((line) => FULL.test(line) || READ_ONLY.test(line) || DENIED.test(line));
  if (said === undefined) return null;
  const known = FULL.test(said) ? SYSTEM_ERRORS.ENOSPC : READ_ONLY.test(said) ? SYSTEM_ERRORS.EROFS : SYSTEM_ERRORS.EACCES;
  return new FleetError(known.code, `${doing}: ${said.trim()}`, { hint: known.hint, data: { stderr: stderr.slice(-4000) } });
}

const FULL = /No space left on device|Disk quota exceeded|File too large/;
const READ_ONLY = /Read-only file system/;
const DENIED = /Permission denied|Operation not permitted/;

/** Throws `INTERRUPTED` with the signal's reason as its cause if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted(signal);
}

/** The error that an aborted call rejects with. */
export function interrupted(signal: AbortSignal): FleetError<"INTERRUPTED"> {
  return new FleetError("INTERRUPTED", "Interrupted.", { cause: signal.reason });
}
