import type { ToolChecks } from "../../host/index.js";
import type { Host } from "../../ports/index.js";

/** How the fleet's own tmux server is set up. */
export interface TmuxSettings {
  /** Lines of scrollback of each pane. */
  readonly historyLimit: number;
  /** tmux key name that leaves a session, without a prefix key. */
  readonly detachKey: string;
  /** A tmux.conf of the user's, sourced after ours; null for none. */
  readonly include: string | null;
  /** Bytes of log kept for each agent; null for no limit. */
  readonly logMaxBytes: number | null;
}

export interface TmuxOptions {
  readonly host: Host;
  /** Path of the server's socket. */
  readonly socket: string;
  /** The generated tmux.conf. */
  readonly confFile: string;
  /** Private folder for files that live for milliseconds. */
  readonly runFolder: string;
  readonly settings: TmuxSettings;
  /** Makes sure once that tmux is new enough. @default it is taken to be */
  readonly tools?: ToolChecks;
}
