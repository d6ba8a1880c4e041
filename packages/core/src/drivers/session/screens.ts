import { randomBytes } from "node:crypto";
import type { Screen } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import { type TmuxClient, tmuxFailure } from "./client.js";

/** Captures many panes in one call. A pane that is gone fails its own line only, and is missing in the answer. */
export async function captureScreens(
  client: TmuxClient,
  ids: readonly string[],
  history: number,
  call?: Call,
): Promise<Map<string, Screen>> {
  const panes = [...new Set(ids)].filter((id) => /^%\d+$/.test(id));
  if (panes.length === 0) return new Map();
  // No program can know the token, so none can print a mark.
  const token = randomBytes(12).toString("hex");
  const above = history <= 0 ? "" : ` -S ${Number.isFinite(history) ? `-${Math.trunc(history)}` : "-"}`;
  const lines = panes.map(
    // Without the id's `%`, which a message takes as part of a date.
    (id) => `display-message -p '${token} ${id.slice(1)}' ; capture-pane -p -t ${id}${above} ; display-message -p '${token} end'`,
  );
  const answer = await client.ask(["source-file", "-"], { input: `${lines.join("\n")}\n` }, call);
  if (!answer.server) return new Map();
  const screens = parseScreens(answer.stdout, token);
  const strange = answer.stderr
    .split("\n")
    .find((line) => line !== "" && !/can't find (pane|window|session)|no current (target|session|client)/.test(line));
  if (strange !== undefined) throw tmuxFailure("read the screens", { exitCode: answer.exitCode, stderr: strange });
  return screens;
}

/** Only what stands between a pane's mark and its end is a screen. */
export function parseScreens(stdout: string, token: string): Map<string, Screen> {
  const screens = new Map<string, Screen>();
  let id: string | null = null;
  let rows: string[] = [];
  for (const line of stdout.split("\n")) {
    if (!line.startsWith(token)) {
      rows.push(line.trimEnd());
      continue;
    }
    const word = line.slice(token.length + 1);
    if (word === "end" && id !== null) {
      while (rows.at(-1) === "") rows.pop();
      screens.set(id, { lines: rows });
    }
    id = word === "end" ? null : `%${word}`;
    rows = [];
  }
  return screens;
}
