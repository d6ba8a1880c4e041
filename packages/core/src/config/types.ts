import type { FleetError } from "../errors/index.js";

/** Where a setting came from, strongest last. */
export type ConfigOrigin = "default" | "user" | "project" | "environment" | "flag";

/** Settings of one adapter (`agents.<name>`). */
export interface AgentSettings {
  readonly command: readonly [string, ...string[]] | null;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** @default "argv" */
  readonly promptVia: "argv" | "paste" | "file";
  readonly resume: readonly [string, ...string[]] | null;
  /** Regular expressions over the screen's last lines. */
  readonly patterns: { readonly working: string | null; readonly waiting: string | null; readonly idle: string | null };
}

/** A template of `templates.<name>`. */
export interface Template {
  readonly prompt: string | null;
  readonly agent: string | null;
  readonly base: string | null;
  /** Commands instead of `setup.commands`. */
  readonly setup: readonly string[] | null;
}

/** The settings in force, every default filled in. Times in seconds where the file says seconds, sizes in bytes. */
export interface Config {
  readonly agent: { readonly default: string };
  readonly agents: Readonly<Record<string, AgentSettings>>;
  readonly worktree: { readonly root: string; readonly base: string; readonly disposable: readonly string[] };
  readonly setup: {
    readonly credentialFiles: readonly string[];
    readonly share: readonly string[];
    /** @default "copy" */
    readonly shareHow: "copy" | "reflink" | "link";
    readonly commands: readonly string[];
    /** Seconds for each command. */
    readonly timeout: number;
    readonly quick: boolean;
  };
  /** Worktrees kept ready for each repository, and what brings one of them up to date. */
  readonly pool: { readonly size: number; readonly refresh: readonly string[] };
  readonly tmux: {
    /** Null: the default place. */
    readonly socket: string | null;
    readonly prefix: string;
    readonly historyLimit: number;
    readonly detachKey: string;
    readonly include: string | null;
  };
  readonly fleet: {
    readonly maxParallel: number;
    /** Agents alive at once. Null: any number. */
    readonly maxRunning: number | null;
    /** Bytes to be left free. Null: any. */
    readonly minFreeMemory: number | null;
  };
  readonly logs: { readonly maxSize: number; readonly keepDays: number };
  readonly trash: { readonly keepDays: number };
  /** Seconds. */
  readonly git: { readonly timeout: number };
  readonly templates: Readonly<Record<string, Template>>;
}

/** A project's file and what the user said of it. */
export interface ProjectFile {
  readonly path: string;
  /** SHA-256 of its content, hex; empty where it could not be read. */
  readonly hash: string;
  readonly trusted: boolean;
  /** Why it cannot even be asked about: unreadable, too large, or trust.json is broken. It has no effect then. */
  readonly problem?: FleetError;
}

/** A configuration with its history. */
export interface LoadedConfig {
  readonly config: Config;
  /** Origin of each dotted key that is not a default. */
  readonly origins: ReadonlyMap<string, { readonly origin: ConfigOrigin; readonly place: string }>;
  /** Words on aliases and ignored keys. */
  readonly notes: readonly string[];
  /** The repository's file, null if there is none. */
  readonly project: ProjectFile | null;
}

/** A project file the user has trusted, as it was at that moment. */
export interface TrustedProject {
  readonly path: string;
  /** SHA-256 of its content, hex. */
  readonly hash: string;
  /** Which repository lay there: another one in its place is asked about again. Empty where the disk does not tell. */
  readonly repo: string;
  /** ISO 8601, UTC. */
  readonly trustedAt: string;
}

/** One key in force, as `config show` prints it. */
export interface ConfigValue {
  readonly key: string;
  /** As the file writes it; null where nothing is set. */
  readonly value: unknown;
  readonly origin: ConfigOrigin;
  /** File and line, variable or flag; null for a default. */
  readonly place: string | null;
}
