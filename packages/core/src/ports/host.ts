import type { Call } from "./call.js";

export interface RunOptions {
  /** Folder to run in. */
  readonly cwd?: string;
  /** The whole environment of the child, not an addition. @default the host's own environment, less `GIT_*` and `TMUX*` */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to the child's stdin, which is then closed. @default stdin is empty */
  readonly input?: string | Uint8Array;
  /** Milliseconds after which the child is killed and `TIMEOUT` is thrown. @default none */
  readonly timeoutMs?: number;
  /** Milliseconds without output, and without anything written where the system tells of that, after which the child is killed and `TIMEOUT` is thrown. @default none */
  readonly idleTimeoutMs?: number;
  /** Told of output as it comes, in pieces as the system hands them over. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
  /** End what the program left running, in its group and at its pipes, when it ended by itself. @default false: it may have been run to leave it */
  readonly endRest?: boolean;
  /** A short question or act that somebody waits for: the host starts it the shortest way it has. @default false */
  readonly brief?: boolean;
  /** Keep only the last this many bytes of stdout and of stderr. @default everything is kept */
  readonly keepBytes?: number;
}

/** How a command ended. A non-zero exit code is data, not an exception. */
export interface RunResult {
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A long-lived child. */
export interface Channel {
  readonly pid: number;
  /** Output as it comes; ends when the child closes it. */
  readonly stdout: AsyncIterable<string>;
  write(text: string): void;
  /** Ends the child and waits for it. Safe to call twice. */
  close(): Promise<void>;
  readonly exit: Promise<{ readonly exitCode: number | null }>;
}

export interface FileStat {
  readonly kind: "file" | "folder" | "link" | "other";
  readonly size: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
  /** Permission bits. */
  readonly mode: number;
  /** User id of the owner, null where the system has none. */
  readonly owner: number | null;
}

/** A path below some folder; bytes where it is no UTF-8. */
export type FilePath = string | Uint8Array;

/** What a tree holds at a path. */
export interface TreeEntry {
  readonly path: FilePath;
  readonly kind: "file" | "program" | "link" | "folder";
}

/**
 * How many numbers of 32 bits say how a file is: seconds and nanoseconds of its last change of any kind, the same of its last change
 * of content, device, number, mode, owner, group, size; as git keeps them in an index.
 */
export const STAT_WORDS = 10;

/** What a file's inode says, as git notes it in an index: times in nanoseconds. */
export interface ExactStat {
  readonly kind: FileStat["kind"];
  readonly changedAt: bigint;
  readonly modifiedAt: bigint;
  readonly inode: bigint;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly size: number;
  /** Of a link: where it leads. */
  readonly target: string | null;
}

/** Folders that are watched. */
export interface FolderWatch {
  /** From now on exactly these; one that is not there, or cannot be watched, is passed over. */
  set(folders: readonly string[]): void;
  close(): void;
}

/** What a host keeps of files that are read again and again, by path; an empty map to begin with, and nobody else's business. */
export type KeptReads = Map<string, unknown>;

/** Files on a host. "Not there" is `null` or `false`; "could not be asked" throws a FleetError. */
export interface HostFiles {
  read(path: string): Promise<string | null>;
  /**
   * Many small files in one go, in order; for `/proc` and marks. Unreadable is null here. What was read before with the
   * same `kept` need not be read again, if the system shows that it has not changed since; not for `/proc`.
   */
  readMany(paths: readonly string[], kept?: KeptReads): Promise<readonly (string | null)[]>;
  /** Names in many folders in one go, with when each was last modified, epoch milliseconds. Unreadable is null here. */
  listMany(paths: readonly string[]): Promise<readonly (readonly { readonly name: string; readonly modifiedAt: number }[] | null)[]>;
  /** As `stat`, of many and to the nanosecond; null for what is not there or cannot be looked at. A host that cannot leaves it out. */
  exactStats?(paths: readonly string[]): Promise<readonly (ExactStat | null)[]>;
  /** Names in a folder with what goes by each, no link followed; null if it cannot be listed. Left out where exact figures are. */
  listKinds?(path: string): Promise<readonly { readonly name: string; readonly kind: FileStat["kind"] }[] | null>;
  /** Tells at once of what is made, written, renamed or removed in folders, by the folder. A host that cannot leaves it out: then it is looked at intervals. */
  watch?(onChange: (folder: string) => void): FolderWatch;
  /** At most `bytes` from `offset`, counted from the end if negative. */
  readRange(path: string, offset: number, bytes: number): Promise<Uint8Array | null>;
  /** A plain file that lies below `root` (a real path) when it is opened, whatever becomes of links meanwhile; null for anything else. */
  readWithin(root: string, path: string): Promise<Uint8Array | null>;
  /**
   * Whole and at once (temporary file, fsync, rename), mode 0600 unless told otherwise. Makes no folders.
   * The temporary file is `.tmp-<pid>-…` in `scratch`, a folder on the same file system. @default the file's own folder
   */
  write(path: string, content: string | Uint8Array, mode?: number, scratch?: string): Promise<void>;
  /** Appends, making the file (0600) where it is missing. */
  append(path: string, content: string | Uint8Array): Promise<void>;
  /**
   * Copies files, links and empty folders of one folder into others, in which none of them is yet, with the folders on their way. Files
   * get the modes of new ones under the umask, and count as a little older than now. `known` says how each is
   * ({@link STAT_WORDS} for each entry): one that is not so throws. Answers for each folder how its files are, or with what went wrong
   * there; it is half filled then. A host that cannot leaves it out.
   */
  replicate?(
    from: string,
    entries: readonly TreeEntry[],
    known: Uint32Array,
    to: readonly string[],
    call?: Call,
  ): Promise<readonly (Uint32Array | Error)[]>;
  /** Without following a final link. */
  stat(path: string): Promise<FileStat | null>;
  /** Names in a folder, null if it is not there. */
  list(path: string): Promise<readonly string[] | null>;
  /** Makes the folder and its missing parents, mode 0700 unless told otherwise. */
  makeFolder(path: string, mode?: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or an empty folder; fine if it is gone. */
  remove(path: string): Promise<void>;
  /** Removes a folder with all it holds, following no link; fine if it is gone. */
  removeTree(path: string): Promise<void>;
  /** The path with every link resolved, null if it is not there. */
  realPath(path: string): Promise<string | null>;
  setMode(path: string, mode: number): Promise<void>;
  /** Sets when a file counts as last modified, epoch milliseconds. */
  setTime(path: string, modifiedAt: number): Promise<void>;
}

/**
 * A machine where commands run. Everything outside this process goes through one.
 *
 * Promises: `run` passes argv exactly (no shell, any character), kills what it started when the
 * signal is aborted, and throws only when the program could not be started (`TOOL_MISSING` if it is
 * not installed), timed out (`TIMEOUT`) or was aborted (`INTERRUPTED`).
 */
export interface Host {
  /** Stable name; `local` for this machine. */
  readonly id: string;
  run(argv: readonly [string, ...string[]], options?: RunOptions, call?: Call): Promise<RunResult>;
  open(argv: readonly [string, ...string[]], options?: Pick<RunOptions, "cwd" | "env">, call?: Call): Promise<Channel>;
  readonly files: HostFiles;
  /** Environment of the host's user. */
  readonly env: Readonly<Record<string, string>>;
}
