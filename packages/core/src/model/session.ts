/** A terminal session that the fleet's own server holds: one session, one window, one pane. */
export interface Session {
  /** The server's own id of the pane, valid for this server's life only. */
  readonly id: string;
  readonly name: string;
  /** Id of the agent the session was marked with, null if it carries no mark. */
  readonly agent: string | null;
  /** Pid of the pane's program (kept after it has ended). */
  readonly pid: number;
  /** The program has ended and the pane is kept. */
  readonly dead: boolean;
  /** Exit code of the ended program, 128 + signal where it was killed; null while it runs or if unknown. */
  readonly exitCode: number | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** When the pane last printed something, epoch milliseconds. */
  readonly activityAt: number;
  readonly attached: number;
  /** Title the program set. */
  readonly title: string;
  /** Name of the program in the foreground. */
  readonly command: string;
  readonly tty: string;
}

/** A pane's visible text. */
export interface Screen {
  /** Rows from top to bottom, trailing blanks cut, no escape sequences. */
  readonly lines: readonly string[];
}
