import { type Context, createContext, runInContext } from "node:vm";

/** Where a text matches, -1 if it does not. */
export type Search = (text: string) => number;

/** How long one search may take: what is sensible takes microseconds. */
const LIMIT_MS = 100;
/** So often in a row it may take longer (a busy machine) before the pattern is left alone. */
const STRIKES = 3;

/**
 * A search for a regular expression of the user's that gives up. An agent decides what is on its screen, and
 * for an expression like `(a+)+$` some texts take longer than anybody waits: every list would hang. One that was given up does
 * not match. Throws `SyntaxError` for what is no expression.
 */
export function boundedSearch(source: string): Search {
  new RegExp(source, "m");
  let strikes = 0;
  return (text) => {
    if (strikes >= STRIKES) return -1;
    try {
      const at = search(source, text);
      strikes = 0;
      return at;
    } catch {
      strikes++;
      return -1;
    }
  };
}

let sandbox: Context | undefined;

/** Only a script has a time limit in Node, hence the detour: expression and text go in as data, a number comes out. */
function search(source: string, text: string): number {
  sandbox ??= createContext(Object.create(null));
  sandbox.source = source;
  sandbox.text = text;
  return runInContext('new RegExp(source, "m").exec(text)?.index ?? -1', sandbox, { timeout: LIMIT_MS }) as number;
}
