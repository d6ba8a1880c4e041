import type { Session } from "../../model/index.js";
import type { Call, SessionDriver } from "../../ports/index.js";
import { attach } from "./attach.js";
import { watchChanges } from "./changes.js";
import { senseless, TmuxClient } from "./client.js";
import { createSessions } from "./create.js";
import { endSessions } from "./end.js";
import { paste, press, submit } from "./input.js";
import { readInputMode } from "./input-mode.js";
import { LIST_FORMAT, parsePanes, toSessions } from "./parse.js";
import { reconnect } from "./reconnect.js";
import { captureScreens } from "./screens.js";
import type { TmuxOptions } from "./settings.js";
import { tmuxVersion } from "./version.js";

export type { TmuxOptions, TmuxSettings } from "./settings.js";

/**
 * Sessions on a tmux server of the fleet's own: its own socket, its own conf, a scrubbed environment.
 * The user's tmux and ours never see each other.
 */
export function tmuxDriver(options: TmuxOptions): SessionDriver {
  const { host, socket } = options;
  const client = new TmuxClient(options);
  let version: Promise<string> | undefined;
  const end: SessionDriver["end"] = (agents, call) => endSessions(client, agents, call);

  const list = async (call?: Call): Promise<readonly Session[]> => {
    const doing = "list its sessions";
    const answer = await client.askWhole(doing, ["list-panes", "-a", "-F", LIST_FORMAT], call);
    if (answer === null) return [];
    const panes = parsePanes(answer.rows);
    if (new Set(panes.map(({ sessionId }) => sessionId)).size < answer.sessions) throw senseless(doing, answer.rows);
    return toSessions(panes);
  };

  return {
    capabilities: { attach: true, survivesUs: true },
    address: socket,
    version(call) {
      version ??= tmuxVersion(host, client.env, call).catch((error) => {
        version = undefined;
        throw error;
      });
      return version;
    },
    create: (specs, call) => createSessions({ options, client, end }, specs, call),
    async list(call) {
      const sessions = await list(call);
      if (sessions.every((session) => !session.dead || session.exitCode !== null)) return sessions;
      // tmux knows that the pane closed before it knows how the program ended, and may wait for the next end
      // of a child to look: give it one, in the background, since waiting for it could hang for the same reason.
      await client.ask(["run-shell", "-b", "true"], {}, call);
      return list(call);
    },
    screens: (ids, { history = 0, styled = false, leaving = false } = {}, call) =>
      captureScreens(client, ids, { history, styled, leaving }, call),
    inputMode: (session, { logFile }, call) => readInputMode(host, session.tty, logFile, call),
    paste: (session, agent, text, call) => paste(client, session.id, agent, text, call),
    submit: (session, agent, call) => submit(client, session.id, agent, call),
    press: (session, agent, keys, call) => press(client, session.id, agent, keys, call),
    end,
    changes: (call) => watchChanges(client, socket, call),
    attachCommand: (session, env) => attach(client, socket, session, env),
    reconnect: (pids, call) => reconnect(client, socket, pids, call),
    async tidy(call) {
      // exit-empty does it by itself, unless an included conf has switched it off. Asked and done in one step.
      await client.ask(["if-shell", "-F", "#{==:#{server_sessions},0}", "kill-server"], {}, call);
    },
  };
}
