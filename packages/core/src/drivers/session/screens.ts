import { token as newToken } from "../../host/index.js";
import type { Screen } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import { PROBE_MS, senseless, type TmuxClient, tmuxFailure } from "./client.js";
import { screenBuffer } from "./conf.js";

/** Time for each screen beyond the first fifty, and for each whole history, milliseconds. */
const EACH_MS = 10;
const HISTORY_MS = 200;

/** A screen is hardly ever higher than this, rows. */
const HIGHEST = 300;

/**
 * Captures many panes in one call. A pane that is gone fails its own line only, and is missing in the
 * answer. The last screen of an ended program lies in the history or, rarely, in a buffer (see `conf.ts`).
 */
export async function captureScreens(
  client: TmuxClient,
  ids: readonly string[],
  { history, styled, leaving }: { readonly history: number; readonly styled: boolean; readonly leaving: boolean },
  call?: Call,
): Promise<Map<string, Screen>> {
  const panes = [...new Set(ids)].filter((id) => /^%\d+$/.test(id));
  if (panes.length === 0) return new Map();
  // No program can know the token, so none can print a mark.
  const token = newToken();
  const above = (rows: number) => (rows <= 0 ? "" : ` -S ${Number.isFinite(rows) ? `-${Math.trunc(rows)}` : "-"}`);
  const moved = "#{e|-:#{history_size},#{@aifleet_history}}";
  const lines = panes.map((id) => {
    const end = `display-message -p '${token} end'`;
    const ended = `display-message -p -t ${id} '${token} ended ${moved} #{pane_height} #{@aifleet_last}' ; capture-pane -p -t ${id}${above(history + HIGHEST)}`;
    const live = `${leaving ? `set-option -p -t ${id} @aifleet_leaving 1 ; ` : ""}capture-pane -p${styled ? " -e" : ""} -t ${id}${above(history)}`;
    // Without the id's `%`, which a message takes as part of a date.
    return `display-message -p '${token} ${id.slice(1)}' ; if-shell -F -t ${id} '#{@aifleet_ended}' "${ended} ; ${end}" "${live} ; ${end}"`;
  });
  const last = `display-message -p '${token} all'`;
  const timeoutMs = PROBE_MS + (Number.isFinite(history) ? Math.max(0, panes.length - 50) * EACH_MS : panes.length * HISTORY_MS);
  const answer = await client.ask(["source-file", "-"], { input: `${lines.join("\n")}\n${last}\n`, brief: true, timeoutMs }, call);
  if (!answer.server) return new Map();
  const { screens, buffered } = parseScreens(answer.stdout, token, history);
  const strange = answer.stderr
    .split("\n")
    .find(
      (line) =>
        line !== "" && !/can't find (pane|window|session)|no such (pane|window|session)|no current (target|session|client)/.test(line),
    );
  if (strange !== undefined) throw tmuxFailure("read the screens", { exitCode: answer.exitCode, stderr: strange });
  // A pane may be missing because it is gone; the last word may not, while there is a session.
  const isWhole = answer.stdout.endsWith(`${token} all\n`) || /no current target/.test(answer.stderr);
  if (!isWhole) throw senseless("read the screens", answer.stdout);
  for (const [id, height] of buffered) {
    // A buffer can only be all that a call prints.
    const shown = await client.ask(["show-buffer", "-b", screenBuffer(id)], { brief: true }, call);
    if (shown.server && shown.exitCode === 0) screens.set(id, { lines: lastOf(trimmed(shown.stdout.split("\n")), history + height) });
  }
  return screens;
}

/** Only what stands between a pane's mark and its end is a screen. `buffered`: panes whose screen lies in a buffer, with its height. */
export function parseScreens(stdout: string, token: string, history = 0): { screens: Map<string, Screen>; buffered: Map<string, number> } {
  const screens = new Map<string, Screen>();
  const buffered = new Map<string, number>();
  let id: string | null = null;
  let rows: string[] = [];
  let wanted = Number.POSITIVE_INFINITY;
  for (const line of stdout.split("\n")) {
    if (!line.startsWith(token)) {
      rows.push(line);
      continue;
    }
    const [word = "", moved, height, inBuffer] = line.slice(token.length + 1).split(" ");
    if (word === "ended" && id !== null) {
      const rowsMoved = Number(moved);
      // Where the history was full or the terminal was made narrower, its growth does not tell how high the screen was.
      wanted = history + (rowsMoved > 0 && rowsMoved <= Number(height) ? rowsMoved : Number(height));
      if (inBuffer !== "") buffered.set(id, Number(height));
    } else {
      if (word === "end" && id !== null) screens.set(id, { lines: lastOf(trimmed(rows), wanted) });
      id = /^\d+$/.test(word) ? `%${word}` : null;
      wanted = Number.POSITIVE_INFINITY;
    }
    rows = [];
  }
  return { screens, buffered };
}

/** Rows without blanks at their ends, and without blank rows at the end. */
function trimmed(rows: readonly string[]): string[] {
  const texts = rows.map((row) => row.trimEnd());
  while (texts.at(-1) === "") texts.pop();
  return texts;
}

function lastOf(rows: string[], count: number): string[] {
  return Number.isFinite(count) ? rows.slice(-Math.max(1, count)) : rows;
}
