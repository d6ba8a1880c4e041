import type { Call } from "../../ports/index.js";
import { PROBE_MS, senseless, type TmuxClient, tmuxFailure } from "./client.js";
import { screenBuffer } from "./conf.js";

/** Said by tmux when it does what it is told. */
const TOLD = "aifleet-told";

/** How long a server may take to notice the end of one program, on a busy machine: it answers nobody meanwhile, milliseconds. */
const EACH_MS = 30;

/** Ends the sessions marked with these agents' ids; the mark is asked for again in the step that ends one. */
export async function endSessions(client: TmuxClient, agents: readonly string[], call?: Call): Promise<void> {
  const wanted = new Set(agents);
  if (wanted.size === 0) return;
  const doing = "list its sessions";
  const timeoutMs = PROBE_MS + wanted.size * EACH_MS;
  const answer = await client.askWhole(doing, ["list-sessions", "-F", "#{session_id}|#{@aifleet_id}|#{@aifleet_pane}"], call, timeoutMs);
  if (answer === null) return;
  const rows = answer.rows.split("\n").filter((line) => line !== "");
  if (rows.length < answer.sessions) throw senseless(doing, answer.rows);
  const lines = rows
    .map((line) => /^(\$\d+)\|([A-Za-z0-9]+)\|(%\d+)?$/.exec(line))
    .filter((row) => row !== null && wanted.has(row[2] ?? ""))
    .flatMap((row) => [
      ...forgetScreen(row?.[3]),
      `if-shell -F -t '${row?.[1]}:' '#{==:#{@aifleet_id},${row?.[2]}}' "kill-session -t '${row?.[1]}'"`,
    ]);
  if (lines.length === 0) return;
  // Said first, while there is a session to speak of: a tmux that says nothing does nothing.
  const input = `display-message -p ${TOLD}\n${lines.join("\n")}\n`;
  const ended = await client.ask(["source-file", "-"], { input, brief: true, timeoutMs }, call);
  if (!ended.server) return;
  const strange = ended.stderr.split("\n").find((line) => line !== "" && !/can't find (pane|window|session)|no sessions/.test(line));
  if (ended.exitCode !== 0 && strange !== undefined) throw tmuxFailure("end the sessions", { exitCode: ended.exitCode, stderr: strange });
  if (!ended.stdout.split("\n").includes(TOLD) && !(await isLastOne(client, call))) throw senseless("end the sessions", ended.stdout);
}

/** Ending the last session ends the server, perhaps before it could say anything more. */
async function isLastOne(client: TmuxClient, call?: Call): Promise<boolean> {
  return (await client.askWhole("list its sessions", ["list-sessions", "-F", "#{session_id}"], call)) === null;
}

/** What was kept of its last screen goes with a session. */
function forgetScreen(pane: string | undefined): string[] {
  return pane === undefined ? [] : [`if-shell -F -t '${pane}' '#{@aifleet_last}' 'delete-buffer -b ${screenBuffer(pane)}'`];
}
