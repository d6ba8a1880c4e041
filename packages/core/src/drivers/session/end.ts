import type { Call } from "../../ports/index.js";
import { type TmuxClient, tmuxFailure } from "./client.js";
import { screenBuffer } from "./conf.js";

/** Ends the sessions marked with these agents' ids; the mark is asked for again in the step that ends one. */
export async function endSessions(client: TmuxClient, agents: readonly string[], call?: Call): Promise<void> {
  const wanted = new Set(agents);
  if (wanted.size === 0) return;
  const answer = await client.ask(["list-sessions", "-F", "#{session_id}|#{@aifleet_id}|#{@aifleet_pane}"], {}, call);
  if (!answer.server) return;
  // Without a session left the server is on its way out.
  if (answer.exitCode !== 0 && !/no sessions/.test(answer.stderr)) throw tmuxFailure("list its sessions", answer);
  const lines = answer.stdout
    .split("\n")
    .map((line) => /^(\$\d+)\|([A-Za-z0-9]+)\|(%\d+)?$/.exec(line))
    .filter((row) => row !== null && wanted.has(row[2] ?? ""))
    .flatMap((row) => [
      ...forgetScreen(row?.[3]),
      `if-shell -F -t '${row?.[1]}:' '#{==:#{@aifleet_id},${row?.[2]}}' "kill-session -t '${row?.[1]}'"`,
    ]);
  if (lines.length === 0) return;
  const ended = await client.ask(["source-file", "-"], { input: `${lines.join("\n")}\n` }, call);
  if (!ended.server || ended.exitCode === 0) return;
  const strange = ended.stderr.split("\n").find((line) => line !== "" && !/can't find (pane|window|session)|no sessions/.test(line));
  if (strange !== undefined) throw tmuxFailure("end the sessions", { exitCode: ended.exitCode, stderr: strange });
}

/** What was kept of its last screen goes with a session. */
function forgetScreen(pane: string | undefined): string[] {
  return pane === undefined ? [] : [`if-shell -F -t '${pane}' '#{@aifleet_last}' 'delete-buffer -b ${screenBuffer(pane)}'`];
}
