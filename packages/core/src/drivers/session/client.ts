import { diskFailure, FleetError, isFleetError } from "../../errors/index.js";
import type { Call, Host, RunResult } from "../../ports/index.js";
import type { TmuxOptions } from "./settings.js";
import { tmuxVersion } from "./version.js";

/** A server that does not answer a question within this time is given up. */
export const PROBE_MS = 3000;
/** Starting many sessions takes its time on a busy machine. */
export const WORK_MS = 30_000;

export interface TmuxCall {
  readonly input?: string;
  /** @default PROBE_MS */
  readonly timeoutMs?: number;
  /** Start the server where there is none. @default false */
  readonly start?: boolean;
}

/** What a call came to: there was no server, or it answered, with an exit code. */
export type TmuxAnswer = { readonly server: false; readonly text: string } | ({ readonly server: true } & RunResult);

/** Every tmux call goes through here: one socket, one conf, one scrubbed environment, one time limit. */
export class TmuxClient {
  readonly host: Host;
  readonly env: Readonly<Record<string, string>>;
  readonly #options: TmuxOptions;

  constructor(options: TmuxOptions) {
    this.#options = options;
    this.host = options.host;
    this.env = scrubbed(options.host.env);
  }

  /** The command line that reaches our server; never starts one unless told to. */
  argv(args: readonly string[], start = false): [string, ...string[]] {
    const { confFile, socket } = this.#options;
    return ["tmux", "-u", ...(start ? [] : ["-N"]), "-f", confFile, "-S", socket, ...args];
  }

  /** Asks the server. A non-zero exit is data; not reaching it in time throws `TIMEOUT`. */
  async ask(args: readonly string[], options: TmuxCall = {}, call?: Call): Promise<TmuxAnswer> {
    const { input, timeoutMs = PROBE_MS, start = false } = options;
    await this.#options.tools?.check("tmux", () => tmuxVersion(this.host, this.env));
    const run = { cwd: "/", env: this.env, timeoutMs, ...(input === undefined ? {} : { input }) };
    try {
      const result = await this.host.run(this.argv(args, start), run, call);
      const text = result.stderr.trim();
      if (result.exitCode !== 0 && isNoServer(text)) return { server: false, text };
      return { server: true, ...result };
    } catch (error) {
      if (!isFleetError(error, "TIMEOUT")) throw error;
      throw new FleetError("TIMEOUT", `tmux did not answer within ${timeoutMs / 1000} s.`, {
        hint: `Look whether a process holds the server up: tmux -S ${this.#options.socket} list-sessions`,
        cause: error,
      });
    }
  }
}

/** What tmux says when nobody listens on the socket, or who did has just left. */
export function isNoServer(stderr: string): boolean {
  return /no server running on|error connecting to .*\((No such file or directory|Connection refused)\)|server exited|lost server/.test(
    stderr,
  );
}

/** The failure of a call that reached the server, as the error to throw. */
export function tmuxFailure(doing: string, result: { readonly exitCode: number | null; readonly stderr: string }): FleetError {
  const said = result.stderr.trim().split("\n")[0] ?? "";
  const disk = diskFailure(result.stderr, `tmux could not ${doing}`);
  if (disk !== null) return disk;
  const mismatch = /protocol version mismatch/.test(said);
  return new FleetError("DRIVER_FAILED", `tmux could not ${doing}: ${said || `exit code ${result.exitCode}`}`, {
    ...(mismatch
      ? { hint: "tmux was updated while the fleet's server runs. End the agents or use the older tmux until they are done." }
      : {}),
    data: { exitCode: result.exitCode, stderr: result.stderr },
  });
}

/**
 * The environment of the client, which a new server takes over and every pane would inherit: nothing
 * of the user's beyond what a terminal needs. A UTF-8 locale always: without one tmux prints `_` for
 * what it does not know.
 */
function scrubbed(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return {
    PATH: env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    HOME: env.HOME ?? "/",
    LANG: /utf-?8/i.test(locale) ? locale : "C.UTF-8",
    TERM: env.TERM || "xterm-256color",
    ...(env.SHELL ? { SHELL: env.SHELL } : {}),
  };
}
