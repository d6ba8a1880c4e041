import type { DeleterPlace, FillerPlace } from "../engine/deps.js";
import type {
  AdapterRegistry,
  AgentAdapter,
  Clock,
  GitDriver,
  Host,
  Ids,
  Journal,
  Locks,
  ProcessDriver,
  SessionDriver,
  Store,
} from "../ports/index.js";

/** One finished git, tmux or other command, for `--verbose`. */
export interface CommandTrace {
  readonly argv: readonly string[];
  readonly exitCode: number | null;
  readonly durationMs: number;
}

/**
 * A driver instead of the standard one, or a function that wraps the standard one.
 *
 * @example
 * Fleet.open({ sessions: (standard) => ({ ...standard, list: (call) => (count++, standard.list(call)) }) })
 */
export type Replaced<Driver> = Driver | ((standard: Driver) => Driver);

export interface FleetOpenOptions {
  /** Any folder of the repository or of one of its worktrees. Left out: all repositories of this home. */
  readonly repo?: string;
  /** The fleet's folder. @default `AI_FLEET_HOME`, else `~/.ai_fleet` */
  readonly home?: string;
  /** The environment agents inherit and settings are read from. @default `process.env` */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Settings that win over every file and variable, dotted keys as in `config.toml`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Whether a project file that is not trusted is passed over instead of refused with `NOT_TRUSTED`. @default false */
  readonly ignoreProjectConfig?: boolean;
  /** Told of every external command once it has ended. */
  readonly onCommand?: (trace: CommandTrace) => void;
  readonly host?: Replaced<Host>;
  readonly git?: Replaced<GitDriver>;
  readonly sessions?: Replaced<SessionDriver>;
  readonly processes?: Replaced<ProcessDriver>;
  readonly store?: Replaced<Store>;
  /** Locks between all that command this home. @default folders under the home */
  readonly locks?: Locks;
  /** Where transactions under way are noted. @default files under the home */
  readonly journal?: Journal;
  /** Adapters beside the built-in and configured ones; a name that exists is replaced. */
  readonly adapters?: readonly AgentAdapter[] | AdapterRegistry;
  /**
   * Starts a process that outlives this one and calls {@link Fleet.deliverQueued} for that home and repository. Called
   * where prompts or agents are queued and nobody gives or starts them.
   * @default none: what is queued is given and started while somebody calls `deliverQueued`, or by the next `fleet` command;
   * queued agents also while somebody waits (`wait`, `waitFor`)
   */
  readonly startCourier?: (place: { readonly home: string; readonly repo: string | null }) => void | Promise<void>;
  /**
   * Starts a process that outlives this one, opens that repository and calls `fleet.pool.refill()`. Called after agents were made, where
   * there is to be a pool (`pool.size`).
   * @default none: the pool is filled by `fleet.pool.fill()` alone
   */
  readonly startFiller?: (place: FillerPlace) => void | Promise<void>;
  /**
   * Starts a process that outlives this one and calls {@link Fleet.deleteRemoved} for that home and repository. Called where `kill` has
   * removed large worktrees, whose folders are out of the way by then, and where an earlier such process was cut off.
   * @default none: folders are deleted before `kill` returns
   */
  readonly startDeleter?: (place: DeleterPlace) => void | Promise<void>;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

export type { DeleterPlace, FillerPlace };
