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
  const text = doing === undefined ? message : `${doing}: ${message}`;
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case "ENOSPC":
    case "EDQUOT":
      return new FleetError("DISK_FULL", text, { cause: error, hint: "Free some space and run the command again." });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new FleetError("PERMISSION_DENIED", text, { cause: error, hint: "Check who owns the path and whether it is writable." });
    default:
      return new FleetError("DRIVER_FAILED", text, { cause: error });
  }
}

/** Throws `INTERRUPTED` with the signal's reason as its cause if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted(signal);
}

/** The error that an aborted call rejects with. */
export function interrupted(signal: AbortSignal): FleetError<"INTERRUPTED"> {
  return new FleetError("INTERRUPTED", "Interrupted.", { cause: signal.reason });
}
