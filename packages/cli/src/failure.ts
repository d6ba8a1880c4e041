import type { ErrorCode } from "@aifleet/core";

/**
 * A failure the command line finds by itself: wrong arguments, no terminal, no answer.
 * It has the shape of a FleetError. The core's class is not used for it, because a command line
 * that only prints help must not load the core.
 */
export class Failure extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, hint: string | null = null, data: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.data = data;
  }
}

/** Wrong arguments: exit code 2. */
export function usage(message: string, hint: string | null = null, data: Readonly<Record<string, unknown>> = {}): Failure {
  return new Failure("USAGE", message, hint, data);
}
