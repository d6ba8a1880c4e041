import { FleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import { elapsedMs, type Session } from "../../model/index.js";
import type { Call, Host, SessionResult, SessionSpec } from "../../ports/index.js";
import { births, hasProcfs } from "./birth.js";
import { type TmuxClient, tmuxFailure, WORK_MS } from "./client.js";
import { type Launch, launchLine, newScriptPath, parseStarted, type Started } from "./launch.js";
import { LIST_FORMAT, type ListedPane, parsePanes } from "./parse.js";
import { folderOf, prepareServer } from "./server.js";
import type { TmuxOptions } from "./settings.js";
import { checkSpec, NO_FOLDER_SUFFIX, specScript } from "./spec-file.js";

/** As many sessions go into one tmux call; the next call follows when these are up. */
const CHUNK = 64;
/** A program that has not taken its pane over by then never will. */
const BIRTH_MS = 10_000;
/** How often a start is tried when the server was just leaving as we came. */
const TRIES = 4;

export interface CreateContext {
  readonly options: TmuxOptions;
  readonly client: TmuxClient;
  readonly end: (agents: readonly string[]) => Promise<void>;
}

/** Starts sessions; see SessionDriver.create. What was started but not yielded is ended again. */
export async function* createSessions(context: CreateContext, specs: readonly SessionSpec[], call?: Call): AsyncIterable<SessionResult> {
  throwIfAborted(call?.signal);
  if (specs.length === 0) return;
  const update = await prepareServer(context.options, context.client);
  const umask = await callersUmask(context.client.host);
  const procfs = await hasProcfs(context.client.host.files);
  for (let at = 0; at < specs.length; at += CHUNK)
    yield* createChunk({ ...context, umask, procfs }, specs.slice(at, at + CHUNK), update, call);
}

/** The umask of the caller, null where the system does not show it: asking Node for it would change it for a moment. */
async function callersUmask({ files }: Host): Promise<string | null> {
  const [status] = await files.readMany(["/proc/self/status"]);
  return /^Umask:\s*([0-7]{3,4})$/m.exec(status ?? "")?.[1] ?? null;
}

interface ChunkContext extends CreateContext {
  readonly umask: string | null;
  /** Whether processes show what they run: elsewhere a script tells by its own removal that it does. */
  readonly procfs: boolean;
}

async function* createChunk(
  context: ChunkContext,
  specs: readonly SessionSpec[],
  update: string,
  call?: Call,
): AsyncIterable<SessionResult> {
  const { files } = context.client.host;
  const open = new Map<string, Launch>();
  try {
    for (const spec of specs) {
      const launch = { spec, script: newScriptPath(context.options.runFolder) };
      try {
        await place(context, launch);
      } catch (error) {
        // Half of a script may hold half of a secret.
        await files.remove(launch.script).catch(() => undefined);
        yield failed(spec, error);
        continue;
      }
      open.set(spec.agent, launch);
    }
    const { started, complaint } = await start(context, [...open.values()], update, call);
    for (const launch of [...open.values()]) {
      if (started.has(launch)) continue;
      open.delete(launch.spec.agent);
      await files.remove(launch.script);
      yield failed(launch.spec, complaint(launch.spec));
    }
    for await (const result of watch(context, [...started.values()], call)) {
      const launch = open.get(result.agent);
      if (launch !== undefined && context.procfs) await files.remove(launch.script);
      open.delete(result.agent);
      yield result;
    }
  } finally {
    if (open.size > 0) {
      await context.end([...open.keys()]);
      for (const { script } of open.values()) await files.remove(script);
    }
  }
}

async function place({ client, umask, procfs }: ChunkContext, { spec, script }: Launch): Promise<void> {
  const { files } = client.host;
  checkSpec(spec);
  const real = await files.realPath(spec.cwd);
  if (real === null || (await files.stat(real))?.kind !== "folder") throw noFolder(spec);
  await files.makeFolder(folderOf(spec.logFile));
  // Appending makes the file 0600 and, unlike writing, does not wait for the disk: it lives for milliseconds.
  await files.append(script, specScript(spec, script, umask, !procfs));
}

interface Starts {
  readonly started: ReadonlyMap<Launch, Started>;
  readonly complaint: (spec: SessionSpec) => FleetError;
}

async function placeAgain(context: ChunkContext, launch: Launch): Promise<void> {
  await context.client.host.files.remove(launch.script);
  await place(context, launch);
}

/** Hands the sessions to the server in one call; again for those whose server went away under our hands. */
async function start(context: ChunkContext, launches: readonly Launch[], update: string, call?: Call): Promise<Starts> {
  const { client, options } = context;
  const started = new Map<Launch, Started>();
  let stderr = "";
  for (let tries = 0; tries < TRIES && started.size < launches.length; tries++) {
    const missing = launches.filter((launch) => !started.has(launch));
    // A server that went away may have begun with some, whose scripts have removed themselves then.
    if (tries > 0) for (const launch of missing) await placeAgain(context, launch);
    const lines = [update, ...missing.map((launch) => launchLine(launch, options.settings.logMaxBytes))];
    const answer = await client.ask(
      ["start-server", ";", "source-file", "-"],
      { input: `${lines.join("\n")}\n`, timeoutMs: WORK_MS, start: true, brief: true },
      call,
    );
    if (!answer.server) {
      stderr = answer.text;
      continue;
    }
    stderr = answer.stderr;
    for (const [launch, value] of parseStarted(answer.stdout, missing)) started.set(launch, value);
    break;
  }
  const complaint = (spec: SessionSpec) => {
    const own = stderr.split("\n").filter((line) => line.endsWith(`: ${spec.name}`));
    return tmuxFailure(`start the session ${spec.name}`, { exitCode: 1, stderr: own[0] ?? stderr });
  };
  return { started, complaint };
}

async function* watch(context: ChunkContext, all: readonly Started[], call?: Call): AsyncIterable<SessionResult> {
  const { files } = context.client.host;
  const deadline = elapsedMs() + BIRTH_MS;
  let pending = [...all];
  while (pending.length > 0) {
    throwIfAborted(call?.signal);
    const began = elapsedMs();
    const states = await births(files, pending, context.procfs);
    const dead = pending.filter((_, i) => states[i] === "dead");
    for (const [i, started] of pending.entries())
      if (states[i] === "up") yield { agent: started.launch.spec.agent, ok: true, session: running(started) };
    for (const result of await buried(context, dead, call)) yield result;
    pending = pending.filter((_, i) => states[i] === "pending");
    if (pending.length > 0 && elapsedMs() > deadline) {
      await context.end(pending.map(({ launch }) => launch.spec.agent));
      for (const { launch } of pending)
        yield failed(launch.spec, new FleetError("TIMEOUT", `The program of ${launch.spec.name} did not start.`));
      return;
    }
    // What is being born needs the processors as well.
    if (pending.length > 0) await new Promise((resolve) => setTimeout(resolve, Math.max(1, 2 * (elapsedMs() - began))));
  }
}

/** Programs that have ended already, with the exit codes tmux holds for them. */
async function buried(context: CreateContext, dead: readonly Started[], call?: Call): Promise<SessionResult[]> {
  if (dead.length === 0) return [];
  const panes = await deadPanes(context.client, new Set(dead.map(({ id }) => id)), call);
  return Promise.all(
    dead.map(async ({ id, launch, ...rest }): Promise<SessionResult> => {
      const { spec, script } = launch;
      const mark = script + NO_FOLDER_SUFFIX;
      if ((await context.client.host.files.stat(mark)) !== null) {
        await context.client.host.files.remove(mark);
        await context.end([spec.agent]);
        return failed(spec, noFolder(spec));
      }
      const pane = panes.get(id);
      const session = pane ?? { ...running({ id, launch, ...rest }), dead: true };
      return { agent: spec.agent, ok: true, session };
    }),
  );
}

/** Waits until the server, too, has noticed: the end of a child of its own makes it look at all of them. Never waited for: that could hang. */
async function deadPanes(client: TmuxClient, ids: ReadonlySet<string>, call?: Call): Promise<Map<string, Session>> {
  const deadline = elapsedMs() + 3000;
  for (;;) {
    const answer = await client.ask(["run-shell", "-b", "true", ";", "list-panes", "-a", "-F", LIST_FORMAT], {}, call);
    const panes = answer.server ? parsePanes(answer.stdout).filter((pane) => ids.has(pane.id)) : [];
    const settled = (pane: ListedPane) => pane.dead && pane.exitCode !== null;
    if (panes.every(settled) || elapsedMs() > deadline)
      return new Map(panes.map(({ sessionId: _s, markedPane: _m, ...pane }) => [pane.id, pane]));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function running({ id, pid, tty, createdAt, launch: { spec } }: Started): Session {
  const command = spec.argv[0].slice(spec.argv[0].lastIndexOf("/") + 1);
  const { agent, name } = spec;
  return { id, name, agent, pid, dead: false, exitCode: null, createdAt, activityAt: createdAt, attached: 0, title: "", command, tty };
}

function failed(spec: SessionSpec, error: unknown): SessionResult {
  return { agent: spec.agent, ok: false, error: toFleetError(error) };
}

function noFolder(spec: SessionSpec): FleetError {
  return new FleetError("DRIVER_FAILED", `The folder ${spec.cwd} is not there or may not be entered.`, {
    data: { exitCode: 71, cwd: spec.cwd },
  });
}
