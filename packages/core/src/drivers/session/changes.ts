import type { Call, Channel } from "../../ports/index.js";
import type { TmuxClient } from "./client.js";

/** Everything that may change about any pane, in one value that tmux compares once a second. */
const WATCHED = "#{S:#{session_id}#{session_attached}#{W:#{window_activity}#{P:#{pane_id}#{pane_dead}}}}";
const NOTABLE =
  /^%(subscription-changed|sessions-changed|session-changed|session-renamed|unlinked-window-(add|close)|window-(add|close)|exit)/m;
/**
 * Starts the client with somebody behind it who takes what it is told when this process is gone, killed perhaps. tmux lets a client
 * go only when it has written all that it has to say to it, and what it cannot write it keeps for ever.
 */
const OUTLIVED = ["sh", "-c", '"$@" | { cat; exec cat >/dev/null; }', "sh"] as const;
/** How often the socket is looked at while there is no server. */
const LOOK_MS = 300;
/** How often a server that did not answer is tried again although its socket is the same. */
const RETRY_MS = 5000;

/** One control-mode client that watches all sessions, and comes back when the server does. */
export async function* watchChanges(client: TmuxClient, socket: string, call?: Call): AsyncIterable<void> {
  const signal = call?.signal;
  let triedAt = Number.NEGATIVE_INFINITY;
  let triedSocket: number | null = null;
  while (!signal?.aborted) {
    const stat = await client.host.files.stat(socket);
    const due = stat !== null && (stat.modifiedAt !== triedSocket || Date.now() - triedAt >= RETRY_MS);
    if (due) {
      triedAt = Date.now();
      triedSocket = stat.modifiedAt;
      let answered = false;
      for await (const _ of connection(client)) {
        answered = true;
        yield;
        if (signal?.aborted) return;
      }
      // The session it was attached to may have ended with others still there: back at once.
      if (answered) triedSocket = null;
    }
    await pause(LOOK_MS, signal);
  }

  async function* connection(to: TmuxClient): AsyncIterable<void> {
    const flags = "no-output,ignore-size";
    let channel: Channel;
    try {
      channel = await to.host.open([...OUTLIVED, ...to.argv(["-C", "attach-session", "-f", flags])], { cwd: "/", env: to.env }, call);
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
    try {
      channel.write(`refresh-client -B 'fleet::${WATCHED}'\n`);
      for await (const chunk of channel.stdout) if (NOTABLE.test(chunk)) yield;
    } finally {
      await channel.close();
    }
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}
