import type { PermissionMode, Screen, Session, StatusReading } from "../model/index.js";

/** What an adapter knows when it makes a launch. */
export interface LaunchContext {
  readonly id: string;
  readonly branch: string;
  readonly worktree: string;
  readonly repo: string;
  /** First prompt, null for none. */
  readonly prompt: string | null;
  /** A private file holding the prompt, for adapters that hand over a file; null if none was asked for. */
  readonly promptFile: string | null;
  /** The configured command instead of the adapter's own, null for its own. */
  readonly command: readonly [string, ...string[]] | null;
  /** Extra arguments from the configuration. */
  readonly flags: readonly string[];
  readonly conversation: string | null;
  /** One of the adapter's `modes`; null: as the program is set up. */
  readonly mode: PermissionMode | null;
  /**
   * A private folder, made before the start, for what the launch places beside the program (`Launch.files`)
   * and for the reports of its hooks: each is a file named after its kind, letters only, written anew each time.
   * `AIFLEET_REPORTS` names it in the program's environment. Null where none is kept.
   */
  readonly reports: string | null;
  /** The environment the program will have, but for what the launch adds. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How to start an agent program. */
export interface Launch {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** `argv`/`file`: the prompt is in the launch already. `paste`: give it once the program is ready. `none`: there is none. */
  readonly promptVia: "argv" | "file" | "paste" | "none";
  /** The conversation's id, where the adapter chose one. */
  readonly conversation?: string;
  /** Text of files placed in the folder of the reports before the start (0600), by a name with an extension. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What a hook of an agent program last reported, of one kind. */
export interface Report {
  /** Name of the event. */
  readonly kind: string;
  /** When it came, epoch milliseconds. */
  readonly at: number;
  /** What the program said with it; null for one that was not read, or is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** What a program said of itself, and when. */
export interface Said {
  readonly status: "working" | "waiting" | "idle";
  /** Epoch milliseconds. */
  readonly at: number;
  readonly question?: string;
}

/** By what the file is found in which a program keeps what it does. */
export interface DiaryContext {
  readonly reports: readonly Report[];
  readonly session: Session;
  readonly worktree: string;
  readonly conversation: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Files that a search for it may look at; what cannot be read is null. */
export interface DiaryFiles {
  read(path: string): Promise<string | null>;
  list(path: string): Promise<readonly { readonly name: string; readonly modifiedAt: number }[] | null>;
}

/** How the reports of a program's hooks are read, and a file of its own that says more. Pure. */
export interface ReportReader {
  /** Kinds whose text is wanted besides the newest report's. @default none */
  readonly bodies?: readonly string[];
  /**
   * By what is known that the program is up, and that a prompt would not be lost: a kind that it reports, or `screen`:
   * that `read` or `ready` know what it shows. @default nothing
   */
  readonly announces?: string;
  /** From when on it reports: its first prompt may then be the first it reports. @default "start" */
  readonly reportsFrom?: "start" | "prompt";
  /** What the program last said it does. `reports` are the last of each kind, newest first. */
  said(reports: readonly Report[]): Said | null;
  /** The id of its conversation in its own terms. */
  conversation(reports: readonly Report[]): string | null;
  /** The prompt it last took, as it took it. */
  taken(reports: readonly Report[]): { readonly text: string; readonly at: number } | null;
  /**
   * Changes the program does not report, as `from>to`: what the screen shows then counts against an older
   * report. Without one of them a report holds until the next.
   */
  readonly silent: readonly `${Said["status"]}>${Said["status"]}`[];
  /** A file in which the program itself keeps what it does; only its end is read. */
  readonly diary?: {
    /** Where it is, null where there is none yet. `files` is all that may be looked at. */
    path(context: DiaryContext, files: DiaryFiles): string | null | Promise<string | null>;
    said(text: string, modifiedAt: number): Said | null;
    /** The last prompt of the user's in it, as the program took it. @default it does not tell */
    taken?(text: string): { readonly text: string; readonly at: number } | null;
  };
}

/** What is known of a live agent at one moment. */
export interface Evidence {
  readonly session: Session;
  readonly screen: Screen | null;
  /** The same screen with the escape sequences that say how it looks, where it was asked for. @default it was not */
  readonly styled?: Screen | null;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A prompt as it is to be typed. */
export interface Typed {
  readonly paste: string;
  /** What the program then says it took. */
  readonly taken: string;
  /** What the program would take off it, so that another text arrived: it is refused. @default nothing */
  readonly loses?: string;
}

/**
 * How one agent program is launched, prompted, read and resumed. Pure: no adapter touches the machine.
 */
export interface AgentAdapter {
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** The program looked for on PATH when no command is configured. */
  readonly program: string;
  /** Arguments with which the program says its version and ends. @default it is not asked */
  readonly versionArgs?: readonly string[];
  /** Whether a launch needs `promptFile`. */
  readonly wantsPromptFile?: boolean;
  /** Whether `read` or `ready` look at the screen; an adapter that never does saves the capture. @default true */
  readonly readsScreen?: boolean;
  /** Milliseconds between a paste and its Enter; some programs swallow an Enter that follows at once. @default 0 */
  readonly submitDelayMs?: number;
  launch(context: LaunchContext): Launch;
  /** Null where the program cannot take up a conversation: it is started afresh then. */
  resume(context: LaunchContext): Launch | null;
  /** The status of a live agent as its screen shows it, null where this adapter cannot tell (then activity decides). */
  read(evidence: Evidence): StatusReading | null;
  /** Arguments for each permission mode; one that is missing cannot be had of this program. @default none */
  readonly modes?: Readonly<Partial<Record<PermissionMode, readonly string[]>>>;
  /**
   * What is pasted so that a prompt reaches the model as text, whatever it begins or ends with, and the text
   * the program then says it took. @default the prompt as it is, both times
   */
  typed?(prompt: string): Typed;
  /** Whether text that nobody has sent stands in the input: a person is writing. It is given `styled`. Null: cannot tell. @default cannot tell */
  draft?(evidence: Evidence): boolean | null;
  /** Where its launch installs hooks: how their reports are read. */
  readonly reports?: ReportReader;
  /** Whether the screen shows that a first or later prompt would be taken now. Null: cannot tell. */
  ready(evidence: Evidence): boolean | null;
}

/** Finds adapters by name. */
export interface AdapterRegistry {
  /** Null if there is none. */
  get(name: string): AgentAdapter | null;
  names(): readonly string[];
}
