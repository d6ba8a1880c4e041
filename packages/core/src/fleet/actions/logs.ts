import type { Deps } from "../../engine/deps.js";
import { findKeptLog, logFileOf, screenFileOf, trimEnd } from "../../engine/logs.js";
import type { Seen } from "../../engine/look.js";
import { plainText } from "../../engine/plain-text.js";
import { FleetError, isFleetError } from "../../errors/index.js";
import type { CallOptions, LogOptions } from "../types.js";
import { findOne } from "./find.js";
import { requireStarted } from "./require.js";

const DEFAULT_LINES = 100;
/** How much of a raw log is read for the last lines, bytes. */
const TAIL_BYTES = 4 * 1024 * 1024;
const FOLLOW_POLL_MS = 100;

/** The last lines of an agent: what a person sees in its terminal, or what was kept of it. */
export async function logs(deps: Deps, name: string, options: LogOptions, call?: CallOptions): Promise<string[]> {
  const count = options.lines ?? DEFAULT_LINES;
  if (!Number.isInteger(count) || count < 0) {
    throw new FleetError("USAGE", `The number of lines must be a whole number, not ${count}.`, {
      hint: "For example: fleet logs fix-auth -n 50.",
    });
  }
  const { id, session } = await locate(deps, name, call);
  const lines = options.raw === true ? await rawLines(deps, id) : await shownLines(deps, id, session, count, call);
  return count === 0 ? [] : lines.slice(-count);
}

/** Lines as they come, from the last ones on; ends when the agent's program has ended. */
export async function* follow(deps: Deps, name: string, options: LogOptions, call?: CallOptions): AsyncGenerator<string> {
  const { id } = await locate(deps, name, call);
  const file = logFileOf(deps, id);
  const first = await logs(deps, name, options, call);
  let offset = (await deps.host.files.stat(file))?.size ?? 0;
  yield* first;
  let rest = "";
  for (;;) {
    const size = (await deps.host.files.stat(file))?.size ?? 0;
    // The log was cut off and begun anew at its largest size.
    if (size < offset) offset = 0;
    if (size > offset) {
      const bytes = await deps.host.files.readRange(file, offset, size - offset);
      offset = size;
      const text = rest + Buffer.from(bytes ?? []).toString("utf8");
      const cut = text.lastIndexOf("\n") + 1;
      rest = text.slice(cut);
      if (cut > 0) yield* linesOf(text.slice(0, cut - 1), options.raw === true);
      continue;
    }
    if (!(await isRunning(deps, id, call))) {
      if (rest !== "") yield* linesOf(rest, options.raw === true);
      return;
    }
    await deps.clock.sleep(FOLLOW_POLL_MS, call);
  }
}

async function isRunning(deps: Deps, id: string, call?: CallOptions): Promise<boolean> {
  const session = (await deps.sessions.list(call)).find((other) => other.agent === id);
  return session !== undefined && !session.dead;
}

function linesOf(text: string, raw: boolean): readonly string[] {
  return raw ? text.split("\n") : plainText(text).split("\n");
}

/** The id of an agent that is there, or of one whose log was kept, with its session. */
async function locate(deps: Deps, name: string, call?: CallOptions): Promise<{ readonly id: string; readonly session: string | null }> {
  let seen: Seen;
  try {
    seen = await findOne(deps, name, call);
  } catch (error) {
    if (!isFleetError(error, "AGENT_NOT_FOUND")) throw error;
    const kept = await findKeptLog(deps, name);
    if (kept === null) throw error;
    return { id: kept.id, session: null };
  }
  // Of one that could not be started the log says why.
  if (seen.record.status !== "failed") requireStarted(seen, "output");
  return { id: seen.record.id, session: seen.session?.id ?? null };
}

async function shownLines(deps: Deps, id: string, session: string | null, count: number, call?: CallOptions): Promise<readonly string[]> {
  if (session !== null) {
    const screens = await deps.sessions.screens([session], { history: count }, call);
    const screen = screens.get(session);
    if (screen !== undefined) return trimEnd(screen.lines);
  }
  const kept = await deps.host.files.read(screenFileOf(deps, id));
  if (kept !== null) return trimEnd(kept.split("\n"));
  return trimEnd(plainText((await rawLines(deps, id)).join("\n")).split("\n"));
}

async function rawLines(deps: Deps, id: string): Promise<readonly string[]> {
  const { files } = deps.host;
  const parts: Buffer[] = [];
  for (const file of [`${logFileOf(deps, id)}.1`, logFileOf(deps, id)]) {
    const bytes = await files.readRange(file, -TAIL_BYTES, TAIL_BYTES);
    if (bytes !== null) parts.push(Buffer.from(bytes));
  }
  const text = Buffer.concat(parts).toString("utf8");
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
