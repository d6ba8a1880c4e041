import assert from "node:assert/strict";
import type { Session } from "../../model/index.js";
import type { SessionDriver, SessionResult, SessionSpec } from "../../ports/index.js";
import { until } from "./suite.js";

/** Programs the contract runs; the subject knows how its driver starts them. All but `exit` stay until they are ended. */
export type StockProgram =
  /** Prints `ready`, then `got:LINE` for every line it is given; ends with 0 on `bye`. */
  | { readonly kind: "echo" }
  /** Prints the text and ends at once with the code. */
  | { readonly kind: "exit"; readonly code: number; readonly text: string }
  /** Prints `[ARG]` for each argument, one a line. */
  | { readonly kind: "args"; readonly args: readonly string[] }
  /** Prints `NAME=value` for each name, `NAME unset` where there is none. */
  | { readonly kind: "env"; readonly names: readonly string[] }
  /** Prints `line 1` to `line COUNT`. */
  | { readonly kind: "lines"; readonly count: number };

/** What the session driver's contract is run on: a driver without a session. */
export interface SessionSubject {
  readonly driver: SessionDriver;
  /** A spec for a stock program with an agent id, a name and a log of its own, in a folder that is there. */
  spec(program: StockProgram, change?: Partial<SessionSpec>): SessionSpec;
  /** What was logged. */
  readLog(path: string): Promise<string>;
}

export async function createAll(driver: SessionDriver, specs: readonly SessionSpec[]): Promise<SessionResult[]> {
  const results: SessionResult[] = [];
  for await (const result of driver.create(specs)) results.push(result);
  return results;
}

/** Starts one session that must come up. */
export async function createOne(driver: SessionDriver, spec: SessionSpec): Promise<Session> {
  const [result, ...more] = await createAll(driver, [spec]);
  assert.equal(more.length, 0);
  if (result?.ok !== true) throw result?.error ?? new Error("create yielded nothing");
  return result.session;
}

/** Waits until a session's screen, history included, holds the text. */
export async function seen(driver: SessionDriver, id: string, text: string): Promise<string> {
  const read = async () => (await driver.screens([id], { history: Number.POSITIVE_INFINITY })).get(id)?.lines.join("\n") ?? "";
  return until(read, (screen) => screen.includes(text), `${JSON.stringify(text)} on the screen`);
}
