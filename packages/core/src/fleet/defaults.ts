import { dirname, join, relative, resolve } from "node:path";
import { adapterRegistry } from "../agents/registry.js";
import { makePrivateFolder } from "../config/durable.js";
import { closeHome, homeOf, homePaths, type LoadedConfig, loadConfig, writeFirstConfig } from "../config/index.js";
import { simpleGitDriver } from "../drivers/git/index.js";
import { processDriver } from "../drivers/process/index.js";
import { tmuxDriver } from "../drivers/session/index.js";
import { fileJournal, fileLocks, fileObservations, fileStore } from "../drivers/store/index.js";
import type { Deps } from "../engine/deps.js";
import { FleetError, interrupted, throwIfAborted } from "../errors/index.js";
import { type LocalHostOptions, localHost, toolChecks } from "../host/index.js";
import type { Repository } from "../model/index.js";
import type { AdapterRegistry, AgentAdapter, Clock, GitDriver, Host, Ids } from "../ports/index.js";
import type { FleetOpenOptions, Replaced } from "./types.js";

/** The one place where concrete drivers meet engine and actions. */
export async function openDeps(options: FleetOpenOptions): Promise<Deps> {
  const env = options.env ?? process.env;
  const host = use(options.host, () => localHost({ env, ...hostTrace(options) }));
  const home = await realHome(host, options.home === undefined ? homeOf(env) : resolve(options.home));
  const processes = use(options.processes, () => processDriver(host));
  const locks = options.locks ?? fileLocks({ processes });
  const unplaced = homePaths(home);
  const tools = toolChecks(host, unplaced.tools);
  // The settings decide how git is run, and the repository decides which settings count: asking for the root needs none.
  const gitWith = (timeoutMs: number) =>
    use(options.git, () => simpleGitDriver({ host, locks, tools, timeoutMs, onCommand: gitTrace(options) }));
  const folder = options.repo === undefined ? null : resolve(options.repo);
  const repo = folder === null ? null : await requireRoot(gitWith(300_000), folder);

  const settings = await loadConfig({
    paths: unplaced,
    env,
    repo,
    settings: options.settings ?? {},
    ignoreProject: options.ignoreProjectConfig ?? false,
  });
  const { config } = settings;
  const paths = homePaths(home, config.tmux.socket);
  const git = gitWith(config.git.timeout * 1000);
  const sessions = use(options.sessions, () =>
    tmuxDriver({
      host,
      socket: paths.tmuxSocket,
      confFile: paths.tmuxConf,
      runFolder: paths.run,
      tools,
      settings: {
        historyLimit: config.tmux.historyLimit,
        detachKey: config.tmux.detachKey,
        include: config.tmux.include,
        logMaxBytes: config.logs.maxSize,
      },
    }),
  );
  return {
    host,
    git,
    sessions,
    processes,
    adapters: registryOf(options.adapters, config, env),
    store: use(options.store, () => fileStore({ paths, locks })),
    locks,
    journal: options.journal ?? fileJournal(paths.journal),
    observations: fileObservations(paths.run),
    clock: options.clock ?? systemClock,
    ids: options.ids ?? randomIds,
    paths,
    env,
    repo,
    folder,
    settings,
    prepareHome: async (warn) => {
      writeFirstConfig(paths);
      if (warn !== undefined) for (const message of closeHome(paths)) warn({ code: "MODE_CHANGED", message });
      // Locks, journal and observations lie on this machine, wherever the host is.
      for (const place of [paths.run, paths.journal]) makePrivateFolder(place);
      for (const place of [paths.run, paths.logs, paths.trash]) await host.files.makeFolder(place);
    },
    startCourier: options.startCourier ?? null,
    startFiller: options.startFiller ?? null,
    startDeleter: options.startDeleter ?? null,
    ignoreProjectConfig: options.ignoreProjectConfig === true,
    inRepository: (path, { ignoreProjectConfig }) => openDeps({ ...options, repo: path, ignoreProjectConfig }),
    requireTrust: () => requireTrust(settings, options.ignoreProjectConfig === true),
  };
}

/** The driver that was given, the standard one wrapped by the function that was given, or the standard one. */
function use<Driver extends object>(given: Replaced<Driver> | undefined, make: () => Driver): Driver {
  if (given === undefined) return make();
  return typeof given === "function" ? (given as (standard: Driver) => Driver)(make()) : given;
}

/** One home is one home, by whatever links it is reached: its agents carry its name. */
async function realHome({ files }: Host, home: string): Promise<string> {
  for (let at = home; ; at = dirname(at)) {
    const real = await files.realPath(at).catch(() => null);
    if (real !== null) return join(real, relative(at, home));
    if (at === dirname(at)) return home;
  }
}

async function requireRoot(git: GitDriver, folder: string): Promise<Repository> {
  const repo = await git.root(folder);
  if (repo !== null) return repo;
  throw new FleetError("NOT_A_REPOSITORY", `${folder} belongs to no git repository.`, {
    hint: "Run it inside a repository, or name one with --repo; `git init` makes one.",
    data: { folder },
  });
}

function requireTrust({ project }: LoadedConfig, ignored: boolean): void {
  if (project === null || project.trusted || ignored) return;
  if (project.problem !== undefined) throw project.problem;
  throw new FleetError("NOT_TRUSTED", `The project's settings in ${project.path} have not been trusted.`, {
    hint: "Read the file, then run `fleet trust`; --no-project-config goes on without it.",
    data: { file: project.path, hash: project.hash },
  });
}

function registryOf(given: FleetOpenOptions["adapters"], config: LoadedConfig["config"], env: Deps["env"]): AdapterRegistry {
  if (given !== undefined && "get" in given) return given;
  return adapterRegistry({ settings: config.agents, env, extra: (given ?? []) as readonly AgentAdapter[] });
}

/** What the host runs is told of, but for what the git driver tells of itself. */
function hostTrace({ onCommand }: FleetOpenOptions): Pick<LocalHostOptions, "onCommand"> {
  if (onCommand === undefined) return {};
  return { onCommand: (trace) => (trace.argv[0] === "git" && trace.argv[1] !== "--version" ? undefined : onCommand(trace)) };
}

/** git runs through its own library or the host, and is traced by its driver. */
function gitTrace({ onCommand }: FleetOpenOptions) {
  return onCommand === undefined
    ? undefined
    : ({ argv, exitCode, durationMs }: { argv: readonly string[]; exitCode: number | null; durationMs: number }) =>
        onCommand({ argv: ["git", ...argv], exitCode, durationMs });
}

const systemClock: Clock = {
  now: () => Date.now(),
  sleep(ms, call) {
    throwIfAborted(call?.signal);
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const signal = call?.signal;
      const onAbort = () => {
        clearTimeout(timer);
        if (signal !== undefined) reject(interrupted(signal));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
/** Ids are names, no secrets: `node:crypto` is not loaded for them. */
const oneOf = (letters: string) => letters[Math.floor(Math.random() * letters.length)];
const randomIds: Ids = {
  next() {
    const rest = Array.from({ length: 7 }, () => oneOf(`${LETTERS}0123456789`)).join("");
    return `${oneOf(LETTERS)}${rest}`;
  },
};
