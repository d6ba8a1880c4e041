import { diskFailure, FleetError, isFleetError } from "../../errors/index.js";
import { printable } from "../../host/index.js";
import { elapsedMs } from "../../model/index.js";
import type { Call, Host, RunResult } from "../../ports/index.js";
import type { TmuxOptions } from "./settings.js";
import { tmuxVersion } from "./version.js";

/** A server that does not answer a question within this time is given up. */
export const PROBE_MS = 3000;
/** Starting many sessions takes its time on a busy machine. */
export const WORK_MS = 15_000;
/** For so long after a question that was given up, the server is not waited for as patiently, milliseconds. */
const STUCK_MS = 10_000;
/** How long it is waited for then, milliseconds. */
const AGAIN_MS = 1000;
/** Stands for the count of sessions in what {@link TmuxClient.askWhole} asks for. */
const WHOLE = "aifleet-whole";

export interface TmuxCall {
  readonly input?: string;
  /** @default PROBE_MS */
  readonly timeoutMs?: number;
  /** Answered at once, and somebody waits for it: see {@link RunOptions.brief}. @default false */
  readonly brief?: boolean;
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
  /** When a question was last given up, and none has been answered since. */
  #stuckAt = Number.NEGATIVE_INFINITY;

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
    const { input, start = false, brief = false } = options;
    const isStuck = elapsedMs() - this.#stuckAt < STUCK_MS;
    const timeoutMs = isStuck ? AGAIN_MS : (options.timeoutMs ?? PROBE_MS);
    try {
      await this.#options.tools?.check("tmux", () => tmuxVersion(this.host, this.env));
      // A server that is started leaves the client's group by itself; nothing else has a reason to stay.
      const run = { cwd: "/", env: this.env, timeoutMs, endRest: !start, brief, ...(input === undefined ? {} : { input }) };
      const result = await this.host.run(this.argv(args, start), run, call);
      this.#stuckAt = Number.NEGATIVE_INFINITY;
      const text = result.stderr.trim();
      if (result.exitCode !== 0 && isNoServer(text)) return { server: false, text };
      return { server: true, ...result };
    } catch (error) {
      if (!isFleetError(error, "TIMEOUT")) throw error;
      this.#stuckAt = elapsedMs();
      if ("tool" in error.data) throw error;
      throw new FleetError("TIMEOUT", `tmux did not answer within ${timeoutMs / 1000} s.`, {
        hint: `Look what holds the server up: tmux -S ${this.#options.socket} list-sessions`,
        data: { tool: "tmux" },
        cause: error,
      });
    }
  }

  /**
   * As {@link ask}, for a list of which a missing row would mean something: tmux counts its sessions behind
   * it, in the same step. An answer that does not end with that count was not tmux's, or was cut off.
   */
  async askWhole(
    doing: string,
    args: readonly string[],
    call?: Call,
    timeoutMs = PROBE_MS,
  ): Promise<{ readonly rows: string; readonly sessions: number } | null> {
    const answer = await this.ask([...args, ";", "display-message", "-p", `${WHOLE} #{S:.}`], { brief: true, timeoutMs }, call);
    if (!answer.server) return null;
    // A server without a session, on its way out or told to stay: it has no target to speak of.
    if (answer.exitCode !== 0 && /^no (current target|sessions)$/m.test(answer.stderr)) return null;
    if (answer.exitCode !== 0) throw tmuxFailure(doing, answer);
    const end = new RegExp(`(?:^|\\n)${WHOLE} (\\.*)\\n$`).exec(answer.stdout);
    if (end === null) throw senseless(doing, answer.stdout);
    return { rows: answer.stdout.slice(0, end.index + (end.index === 0 ? 0 : 1)), sessions: end[1]?.length ?? 0 };
  }
}

/** tmux said that it was done, and what it answered cannot be: nothing is concluded from that. */
export function senseless(doing: string, stdout: string): FleetError {
  const said = printable(stdout);
  const what = said === "" ? "answered nothing" : `its answer is not whole (${said})`;
  return new FleetError("DRIVER_FAILED", `tmux could not ${doing}: it reported success, but ${what}.`, {
    hint: "`command -v tmux` shows which program it is; --verbose shows every tmux call.",
    data: { tool: "tmux" },
  });
}

/** What tmux says when nobody listens on the socket, or who did has just left. */
export function isNoServer(stderr: string): boolean {
  return /no server running on|error connecting to [\s\S]*\((No such file or directory|Connection refused)\)|server exited|lost server/.test(
    stderr,
  );
}

/** The failure of a call that reached the server, as the error to throw. */
export function tmuxFailure(doing: string, result: { readonly exitCode: number | null; readonly stderr: string }): FleetError {
  const said = shorten(result.stderr.trim().split("\n")[0] ?? "");
  const disk = diskFailure(result.stderr, `tmux could not ${doing}`);
  if (disk !== null) return disk;
  if (said === "" && result.exitCode === 0) return senseless(doing, "");
  const mismatch = /protocol version mismatch/.test(said);
  return new FleetError(
    "DRIVER_FAILED",
    `tmux could not ${doing}: ${said || (result.exitCode === null ? "a signal ended it" : `exit code ${result.exitCode}`)}`,
    {
      ...(mismatch
        ? { hint: "tmux was updated while the fleet's server runs. End the agents or use the older tmux until they are done." }
        : { hint: "--verbose shows every tmux call; `fleet doctor` looks at tmux." }),
      data: { tool: "tmux", exitCode: result.exitCode, stderr: result.stderr },
    },
  );
}

/** One line of an error message: what tmux says is short, what another program says in its name may be anything. */
function shorten(text: string): string {
  const line = text
    .slice(0, 1000)
    .replace(/[\u0000-\u001f\u007f-\u009f\ufffd]+/g, " ")
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
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
