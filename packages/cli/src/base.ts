import type { CallOptions, Fleet, FleetOpenOptions, ProgressEvent, Warning } from "@aifleet/core";
import { Command } from "@oclif/core/command";
import { booleanFlag, stringFlag } from "./args.js";
import { loadCore } from "./core.js";
import { liftBullets } from "./input/bullets.js";
import { offerTrust } from "./input/trust.js";
import { Ui } from "./render/ui.js";
import { session } from "./session.js";

export interface CommonFlags {
  readonly json?: boolean;
  readonly repo?: string | undefined;
  readonly verbose?: boolean;
  readonly "no-color"?: boolean;
  readonly "no-project-config"?: boolean;
}

export const COMMON_FLAGS = {
  json: booleanFlag({ description: "One JSON document on stdout and nothing else there." }),
  repo: stringFlag({ description: "Repository to work on, any folder of it. Default: the current one.", helpValue: "PATH" }),
  verbose: booleanFlag({ char: "v", description: "Show every git and tmux command with its time on stderr." }),
  "no-color": booleanFlag({ description: "Plain text; the variable NO_COLOR does the same." }),
  "no-project-config": booleanFlag({ description: "Pass over the repository's .aifleet/config.toml if it is not trusted." }),
};

/** What a command's work is given. */
export interface Work {
  readonly fleet: Fleet;
  /** Options of every call: the signal of Ctrl+C, warnings, progress. */
  readonly call: CallOptions;
  readonly warnings: Warning[];
}

export interface WorkOptions {
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Never read a project file that is not trusted. @default by --no-project-config */
  readonly ignoreProjectConfig?: boolean;
  /** Go on as outside a repository where git cannot be asked. @default false */
  readonly withoutGit?: boolean;
}

/** Common flags, the fleet's opening and closing, and trust. Errors and signals are `main`'s. */
export abstract class FleetCommand extends Command {
  static override baseFlags = COMMON_FLAGS;

  protected override async init(): Promise<void> {
    this.argv = liftBullets(this.argv, this.ctor);
  }

  /** Errors are rendered in one place, by `main`. */
  protected override async catch(error: Error): Promise<never> {
    throw error;
  }

  protected ui(flags: CommonFlags): Ui {
    return new Ui({ json: flags.json === true, color: flags["no-color"] !== true, verbose: flags.verbose === true });
  }

  /** Opens the fleet, does the work, closes it. An untrusted project file is asked about on a terminal, and the work done again. */
  protected async withFleet<T>(flags: CommonFlags, ui: Ui, work: (given: Work) => Promise<T>, options: WorkOptions = {}): Promise<T> {
    const { Fleet } = await loadCore();
    const warnings: Warning[] = [];
    const call: CallOptions = {
      signal: session.signal,
      onWarning: (warning) => {
        warnings.push(warning);
        if (!ui.json) ui.warn(warning.message);
      },
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    };
    const attempt = async (): Promise<T> => {
      const fleet = await openFleet(Fleet.open, flags, ui, options);
      try {
        return await work({ fleet, call, warnings });
      } finally {
        await fleet.close();
      }
    };
    try {
      return await attempt();
    } catch (error) {
      if (!(await offerTrust(error, ui, () => openFleet(Fleet.open, flags, ui, { ...options, ignoreProjectConfig: true })))) throw error;
      return attempt();
    }
  }
}

/** What git that is not fit for use may come to. */
const UNFIT: ReadonlySet<unknown> = new Set(["TOOL_MISSING", "TOOL_OLD", "TIMEOUT", "DRIVER_FAILED", "PERMISSION_DENIED"]);

async function openFleet(open: typeof Fleet.open, flags: CommonFlags, ui: Ui, options: WorkOptions): Promise<Fleet> {
  const settings: FleetOpenOptions = {
    ignoreProjectConfig: options.ignoreProjectConfig ?? flags["no-project-config"] === true,
    startCourier: async (place) => (await import("./courier.js")).startCourier(place),
    startDeleter: async (place) => (await import("./deleter.js")).startDeleter(place),
    startFiller: async (place) => (await import("./filler.js")).startFiller(place),
    ...(ui.verbose ? { onCommand: (trace) => ui.trace(trace) } : {}),
  };
  if (flags.repo !== undefined && options.withoutGit !== true) return open({ ...settings, repo: flags.repo });
  // Outside a repository a command means all of them: an id is good anywhere. What needs one says so itself.
  try {
    return await open({ ...settings, repo: flags.repo ?? process.cwd() });
  } catch (error) {
    const { code } = error as { code?: unknown };
    const noGit = options.withoutGit === true && UNFIT.has(code);
    if (!noGit && (code !== "NOT_A_REPOSITORY" || flags.repo !== undefined)) throw error;
    return open(settings);
  }
}
