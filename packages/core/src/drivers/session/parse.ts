import { constants } from "node:os";
import type { Session } from "../../model/index.js";

/**
 * What `list-panes -F` is asked for: numbers, our own words and terminals first, then the lengths of the free texts, then these.
 * The program's name is last, in one line: tmux looks into /proc each time it is named, and may find another one.
 */
export const LIST_FORMAT = [
  "#{pane_id}",
  "#{session_id}",
  "#{@aifleet_id}",
  "#{@aifleet_pane}",
  "#{pane_pid}",
  "#{pane_dead}",
  "#{pane_dead_status}",
  "#{pane_dead_signal}",
  "#{session_created}",
  "#{window_activity}",
  "#{pane_tty}",
  "#{session_attached_list}",
  "#{n:session_name}",
  "#{n:pane_title}",
  "#{session_name}#{pane_title}#{s/\n/ /:pane_current_command}",
].join("|");

/** A pane as tmux lists it. */
export interface ListedPane extends Session {
  /** tmux's id of the session. */
  readonly sessionId: string;
  /** The pane that the session was made for; null where the session carries no mark of ours. */
  readonly markedPane: string | null;
}

const HEAD = /(%\d+)\|(\$\d+)\|([^|]*)\|([^|]*)\|(\d*)\|([01]?)\|(\d*)\|([^|]*)\|(\d*)\|(\d*)\|([^|]*)\|([^|]*)\|(\d+)\|(\d+)\|/y;

/**
 * Parses the whole answer. Titles may hold any text, so each is taken by its length in bytes, and names of programs hold
 * no newline: no text can pose as a field or a row.
 */
export function parsePanes(answer: string): ListedPane[] {
  // One character per byte, as tmux counts.
  const bytes = Buffer.from(answer, "utf8").toString("latin1");
  const panes: ListedPane[] = [];
  let at = 0;
  while (at < bytes.length) {
    HEAD.lastIndex = at;
    const head = HEAD.exec(bytes);
    if (head === null) {
      // Only after a text that was no UTF-8, whose length differs: go on with the next row.
      const next = bytes.indexOf("\n", at);
      if (next < 0) break;
      at = next + 1;
      continue;
    }
    at = HEAD.lastIndex;
    const take = (length: string | undefined) => {
      if (length === "0") return "";
      const text = Buffer.from(bytes.slice(at, at + Number(length)), "latin1").toString("utf8");
      at += Number(length);
      return text;
    };
    const name = take(head[13]);
    const title = take(head[14]);
    const end = bytes.indexOf("\n", at);
    const command = take(`${(end < 0 ? bytes.length : end) - at}`);
    at += 1;
    const dead = head[6] === "1";
    panes.push({
      id: head[1] ?? "",
      sessionId: head[2] ?? "",
      name,
      agent: head[3] || null,
      markedPane: head[4] || null,
      pid: Number(head[5]),
      dead,
      exitCode: dead ? exitCode(head[7] ?? "", head[8] ?? "") : null,
      createdAt: Number(head[9]) * 1000,
      activityAt: Number(head[10] || head[9]) * 1000,
      attached: terminals(head[12] ?? ""),
      title,
      command,
      tty: head[11] ?? "",
    });
  }
  return panes;
}

/** One session per row: the pane it was made for, whatever a person has split off beside it. */
export function toSessions(panes: readonly ListedPane[]): Session[] {
  const bySession = new Map<string, ListedPane[]>();
  for (const pane of panes) {
    const known = bySession.get(pane.sessionId);
    if (known) known.push(pane);
    else bySession.set(pane.sessionId, [pane]);
  }
  return [...bySession.values()].flatMap((rows) => {
    const first = rows[0];
    if (first === undefined) return [];
    const own = first.markedPane === null ? first : rows.find((row) => row.id === row.markedPane);
    // A person has closed the agent's own pane and kept another: the agent is gone, its code unknown.
    return [strip(own ?? { ...first, dead: true, exitCode: null })];
  });
}

function strip({ sessionId: _session, markedPane: _pane, ...session }: ListedPane): Session {
  return session;
}

/** 128 + signal where a signal ended the program; tmux names it by number or by name. Null where tmux does not know. */
export function exitCode(status: string, signal: string): number | null {
  if (signal !== "" && signal !== "0") {
    const number = /^\d+$/.test(signal)
      ? Number(signal)
      : constants.signals[`SIG${signal.toUpperCase().replace(/^SIG/, "")}` as NodeJS.Signals];
    if (number !== undefined) return 128 + number;
  }
  return status === "" ? null : Number(status);
}

/** Clients that are terminals: a watcher in control mode is listed too, but nobody looks through it. */
function terminals(clients: string): number {
  return clients.split(",").filter((name) => name.startsWith("/")).length;
}
