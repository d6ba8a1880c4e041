import type { Warning } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import type { Deps } from "../deps.js";

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "note" | "problem" | "fixed";
  readonly message: string;
  /** What mends it, null if nothing is to be done. */
  readonly fix: string | null;
}

export interface CheckContext {
  readonly deps: Deps;
  /** Mend what is safe. */
  readonly fix: boolean;
  readonly warn: (warning: Warning) => void;
  readonly call?: Call;
}

/** A look at one matter. Throws only when interrupted; a check that cannot look says so. */
export type Check = (context: CheckContext) => Promise<readonly Finding[]>;

export const ok = (check: string, message: string): Finding => ({ check, state: "ok", message, fix: null });
export const note = (check: string, message: string, fix: string | null = null): Finding => ({ check, state: "note", message, fix });
export const problem = (check: string, message: string, fix: string | null): Finding => ({ check, state: "problem", message, fix });
export const fixed = (check: string, message: string): Finding => ({ check, state: "fixed", message, fix: null });
