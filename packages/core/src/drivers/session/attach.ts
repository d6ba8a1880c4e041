import type { AttachCommand, SessionDriver } from "../../ports/index.js";
import { type TmuxClient, tmuxFailure } from "./client.js";
import { forgetUnsent } from "./input.js";

/**
 * How to show a session on the caller's terminal: as a client of its own, also inside another tmux
 * (which refuses unless TMUX is unset), or by switching the client that the caller looks through. What
 * stands typed and not submitted there is the person's from then on.
 */
export async function attach(
  client: TmuxClient,
  socket: string,
  ...[session, env]: Parameters<SessionDriver["attachCommand"]>
): Promise<AttachCommand> {
  const outside: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && !/^TMUX(_PANE)?$/.test(name)) outside[name] = value;
  const inside = await isOurs(client, socket, env.TMUX);
  const shown = [...forgetUnsent(session.id).split(" "), ";"];
  const pane = inside ? env.TMUX_PANE : await paneOf(client, env.AIFLEET_ID);
  if (!inside && pane === undefined) {
    return { kind: "client", argv: client.argv([...shown, "attach-session", "-t", session.id]), env: outside };
  }
  const looking = await clientOf(client, pane);
  const which = looking === null ? [] : ["-c", looking];
  return { kind: "switch", argv: client.argv([...shown, "switch-client", ...which, "-t", session.id]), env: outside };
}

/** `TMUX` is `socket,pid,session`; the socket's own path may hold commas. */
async function isOurs(client: TmuxClient, socket: string, tmux: string | undefined): Promise<boolean> {
  const theirs = tmux?.replace(/,[^,]*,[^,]*$/, "");
  if (!theirs) return false;
  if (theirs === socket) return true;
  const [a, b] = await Promise.all([client.host.files.realPath(theirs), client.host.files.realPath(socket)]);
  return a !== null && a === b;
}

/**
 * The agent's pane that the caller's terminal is: agents are not told of the tmux they run in, but
 * their mark and their terminal give it away.
 */
async function paneOf(client: TmuxClient, agent: string | undefined): Promise<string | undefined> {
  if (!agent) return undefined;
  const [terminal, answer] = await Promise.all([
    client.host.files.realPath("/proc/self/fd/0").catch(() => null),
    client.ask(["list-panes", "-a", "-F", "#{@aifleet_id}|#{pane_id}|#{pane_tty}"]),
  ]);
  if (!answer.server) return undefined;
  const panes = answer.stdout.split("\n").map((line) => line.split("|"));
  return panes.find(([id, , tty]) => id === agent && (terminal === null || tty === terminal))?.[1];
}

/** The terminal that last did something in the session of that pane. */
async function clientOf(client: TmuxClient, pane: string | undefined): Promise<string | null> {
  if (pane === undefined || !/^%\d+$/.test(pane)) return null;
  const answer = await client.ask(["list-clients", "-t", pane, "-F", "#{client_activity}|#{client_control_mode}|#{client_name}"]);
  if (!answer.server) return null;
  if (answer.exitCode !== 0) throw tmuxFailure("list its clients", answer);
  const rows = answer.stdout
    .split("\n")
    .map((line) => /^(\d+)\|0\|(.+)$/.exec(line))
    .filter((row) => row !== null)
    .sort((a, b) => Number(b[1]) - Number(a[1]));
  return rows[0]?.[2] ?? null;
}
