import type { Key, Screen, Session } from "../model/index.js";
import type { Call } from "./call.js";

/** One session to be started. */
export interface SessionSpec {
  /** Id of the agent: the session is marked with it. */
  readonly agent: string;
  /** `[A-Za-z0-9_-]` only. */
  readonly name: string;
  readonly cwd: string;
  /** The program and its arguments, exactly. An argument holds at most 131,071 bytes. */
  readonly argv: readonly [string, ...string[]];
  /** The program's whole environment. It stands in no argv and in no file that outlives the start. */
  readonly env: Readonly<Record<string, string>>;
  /** File that everything the program prints is appended to (0600). */
  readonly logFile: string;
  readonly size?: { readonly columns: number; readonly rows: number };
}

export type SessionResult =
  | { readonly agent: string; readonly ok: true; readonly session: Session }
  | { readonly agent: string; readonly ok: false; readonly error: Error };

/** How the terminal of a session takes text at the moment. */
export interface InputMode {
  /** The program asked for bracketed paste: newlines inside a paste are no submits. Null where it cannot be told. */
  readonly bracketedPaste: boolean | null;
  /** The terminal is line-buffered by the kernel (cooked): lines over 4,095 bytes are cut. Null where it cannot be told. */
  readonly canonical: boolean | null;
}

/** What became of keys. `dead` and `missing`: nothing was typed. */
export type KeyReceipt = "sent" | "dead" | "missing";

/** What became of a paste. `held`: nothing was typed, since an earlier paste was never submitted. */
export type PasteReceipt = KeyReceipt | "held";

/** What a terminal multiplexer's client is started with. */
export interface AttachCommand {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** `client`: run it on the terminal and wait. `switch`: run it, it returns at once and the terminal shows the session. */
  readonly kind: "client" | "switch";
}

/**
 * Terminal sessions that outlive this process.
 *
 * Promises: addresses by ids it learnt from the server, never by a name another could share.
 * `list` throws if it could not ask; no server at all is an empty list. No text of a user reaches a
 * shell or a format of the multiplexer. No call can end the server or another session.
 */
export interface SessionDriver {
  readonly capabilities: {
    /** A person can attach. */
    readonly attach: boolean;
    /** Sessions live on when this process ends. */
    readonly survivesUs: boolean;
  };
  /** Throws `TOOL_MISSING` or `TOOL_OLD` (tmux >= 3.2). Returns the version. */
  version(call?: Call): Promise<string>;
  /** Where the server can be found, for `doctor`: the socket's path. */
  readonly address: string;
  /** Starts sessions, many at once as the normal case; yields each as it is known to be up or dead. */
  create(specs: readonly SessionSpec[], call?: Call): AsyncIterable<SessionResult>;
  /** Every session of the server, marked or not, in one call. */
  list(call?: Call): Promise<readonly Session[]>;
  /**
   * Visible screens of several sessions in one call; a session that is gone is missing in the answer. `history`: also that many lines above, `Infinity` for all.
   * `styled`: with the escape sequences (SGR) that say how the text looks, where the driver knows; they go on from line to line.
   * `leaving`: they are to be ended right away, and need keep nothing of what they show when their programs end.
   */
  screens(
    ids: readonly string[],
    options?: { readonly history?: number; readonly styled?: boolean; readonly leaving?: boolean },
    call?: Call,
  ): Promise<ReadonlyMap<string, Screen>>;
  inputMode(session: Pick<Session, "id" | "tty">, options: { readonly logFile: string }, call?: Call): Promise<InputMode>;
  /**
   * Puts text into the terminal as one paste, newlines as they are, without a submit. Types nothing unless the session is alive and marked with `agent`.
   * Nor where an earlier paste was not submitted, whoever made it and whatever became of them, until a person was shown the session: two would become one text.
   */
  paste(session: Pick<Session, "id">, agent: string, text: string, call?: Call): Promise<PasteReceipt>;
  /** Presses Enter after a paste, under the same conditions. In the same act the paste counts as submitted. */
  submit(session: Pick<Session, "id">, agent: string, call?: Call): Promise<KeyReceipt>;
  /** Presses keys, one after the other, if the session is alive and marked with `agent`. */
  press(session: Pick<Session, "id">, agent: string, keys: Key | readonly Key[], call?: Call): Promise<KeyReceipt>;
  /** Ends the sessions that are marked with these agents' ids; fine if they are gone. Processes are the ProcessDriver's. */
  end(agents: readonly string[], call?: Call): Promise<void>;
  /** Something of some session changed (made, ended, printed after quiet): look again. One connection for all. Ends when aborted. */
  changes(call?: Call): AsyncIterable<void>;
  /** The command that shows a session on the caller's terminal; `env` is the caller's environment. */
  attachCommand(session: Pick<Session, "id" | "name">, env: Readonly<Record<string, string | undefined>>): Promise<AttachCommand>;
  /**
   * Makes a server that runs but is out of reach reachable again; `pids`: programs that may run in its sessions.
   * False where there is none, or it stays out of reach. A driver whose server cannot get lost leaves it out.
   */
  reconnect?(pids: readonly number[], call?: Call): Promise<boolean>;
  /** Ends the server if it holds no session. */
  tidy(call?: Call): Promise<void>;
}
