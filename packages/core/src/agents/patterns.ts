import type { AgentSettings } from "../config/types.js";
import { FleetError } from "../errors/index.js";
import type { StatusReading } from "../model/index.js";
import type { Evidence } from "../ports/index.js";
import { boundedSearch, type Search } from "./bounded-search.js";
import { IDLE, lastTexts, visibleLines, WORKING, waiting } from "./screen.js";

/** How many of the screen's last lines that are not empty a pattern sees. */
const ROWS = 12;

/**
 * Reads a status by the user's own patterns. `^` and `$` stand for the ends of a line.
 * An open question wins over work, work over quiet: to take a busy agent for an idle one does the most harm.
 */
export function patternReader(name: string, patterns: AgentSettings["patterns"]): (evidence: Evidence) => StatusReading | null {
  const asks = compiled(name, "waiting", patterns.waiting);
  const works = compiled(name, "working", patterns.working);
  const rests = compiled(name, "idle", patterns.idle);
  return ({ screen }) => {
    if (screen === null) return null;
    const text = lastTexts(visibleLines(screen), ROWS).join("\n");
    const question = asks?.(text) ?? -1;
    if (question >= 0) return waiting(lineAt(text, question));
    if ((works?.(text) ?? -1) >= 0) return WORKING;
    return (rests?.(text) ?? -1) >= 0 ? IDLE : null;
  };
}

function compiled(name: string, which: keyof AgentSettings["patterns"], source: string | null): Search | null {
  if (source === null) return null;
  try {
    return boundedSearch(source);
  } catch (cause) {
    const key = `agents.${name}.patterns.${which}`;
    throw new FleetError("CONFIG_INVALID", `${key} is no regular expression: ${(cause as Error).message}`, { data: { key }, cause });
  }
}

function lineAt(text: string, index: number): string | null {
  const start = text.lastIndexOf("\n", index - 1) + 1;
  const end = text.indexOf("\n", index);
  return text.slice(start, end === -1 ? undefined : end).trim() || null;
}
