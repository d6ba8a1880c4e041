import type { HomePaths } from "../config/paths.js";
import type { LoadedConfig } from "../config/types.js";
import type { Repository, Warning } from "../model/index.js";
import type { Call, Observations, Ports } from "../ports/index.js";

/** Where a process that refills a pool works, and by which settings. */
export interface FillerPlace {
  readonly home: string;
  readonly repo: string;
  readonly ignoreProjectConfig: boolean;
}

/** Where a process that deletes what is left of removed worktrees works, and by which settings. */
export interface DeleterPlace {
  readonly home: string;
  readonly repo: string | null;
  readonly ignoreProjectConfig: boolean;
}

/** All that engine and actions work with: ports, settings and where this fleet looks. */
export interface Deps extends Ports {
  readonly observations: Observations;
  readonly paths: HomePaths;
  /** The environment agents inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The repository this fleet was opened on, null for all. */
  readonly repo: Repository | null;
  /** The folder it was opened with: HEAD of a new branch is this folder's. */
  readonly folder: string | null;
  readonly settings: LoadedConfig;
  /** Starts a process that outlives this one and gives queued prompts; null where there is none to start. */
  readonly startCourier: ((place: { readonly home: string; readonly repo: string | null }) => void | Promise<void>) | null;
  /** Starts a process that outlives this one and refills the pool of a repository; null where there is none to start. */
  readonly startFiller: ((place: FillerPlace) => void | Promise<void>) | null;
  /** Starts a process that outlives this one and deletes what is left of removed worktrees; null where there is none to start. */
  readonly startDeleter: ((place: DeleterPlace) => void | Promise<void>) | null;
  /** Whether a project file that is not trusted is passed over. */
  readonly ignoreProjectConfig: boolean;
  /** The same for another repository, with its settings as they are now. Throws what opening a fleet there throws. */
  readonly inRepository: (path: string, options: { readonly ignoreProjectConfig: boolean }) => Promise<Deps>;
  /** Makes the home's folders and, on first use, its commented settings file; with `warn` closes what is open to others, and tells. */
  readonly prepareHome: (warn?: (warning: Warning) => void) => Promise<void>;
  /** Throws `NOT_TRUSTED` if the project's file has not been trusted, unless it is to be passed over. */
  readonly requireTrust: () => void;
}

/** What every action takes last. */
export type { Call };
