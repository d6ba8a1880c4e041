import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { FleetError, toFleetError } from "../errors/index.js";
import { buildConfig } from "./build.js";
import type { Surroundings } from "./check.js";
import { readEnvironment, valueOfText } from "./environment.js";
import { type Layer, readTable, type Setting, settingOf, unknownKey } from "./layer.js";
import type { HomePaths } from "./paths.js";
import { ALIASES, findKey } from "./schema.js";
import { parseToml, setsNothing } from "./toml.js";
import { isTrusted } from "./trust.js";
import type { ConfigOrigin, LoadedConfig, ProjectFile } from "./types.js";

export interface LoadConfigOptions {
  readonly paths: Pick<HomePaths, "home" | "config" | "trust">;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The repository whose project file counts; null: none. */
  readonly repo: { readonly path: string; readonly commonDir: string } | null;
  /** Flags: dotted keys that win over everything. Text is read as in a variable. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Pass over the project file, trusted or not. @default false */
  readonly ignoreProject?: boolean;
}

/** A settings file larger than this is a mistake. */
const MAX_BYTES = 1024 * 1024;

/**
 * The settings in force: flag > environment > project > user > default. A project file that is not
 * trusted has no effect and is not even checked; the caller decides whether that is an error.
 * Throws `CONFIG_INVALID` with file, line and key, `STATE_UNREADABLE` if trust.json is broken.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const { paths, env, repo } = options;
  const around: Surroundings = { fleetHome: paths.home, userHome: env.HOME || homedir(), folder: paths.home };
  const here: Surroundings = { ...around, folder: process.cwd() };
  const layers: Layer[] = [];

  const user = readSettings(paths.config);
  if (user !== null) layers.push(await readFileLayer(user.text, paths.config, "user", around));

  const file = projectFileOf(repo);
  const content = file === null ? null : readSettings(file, true);
  let project: ProjectFile | null = null;
  if (repo !== null && file !== null && content !== null) {
    const hash = content.hash();
    project = { path: file, hash, trusted: isTrusted(paths, file, hash) };
    if (project.trusted && options.ignoreProject !== true) {
      layers.push(await readFileLayer(content.text, file, "project", { ...around, folder: repo.path }));
    }
  }

  const names = layers.flatMap((layer) => [...layer.settings.values()].flatMap(({ found }) => found.name ?? []));
  layers.push(await readEnvironment(env, names, here));
  layers.push(await readFlags(options.settings ?? {}, here));

  const settings = new Map<string, Setting>();
  for (const layer of layers) for (const [key, setting] of layer.settings) settings.set(key, setting);
  return {
    config: buildConfig(settings, around),
    origins: new Map([...settings].map(([key, { origin, place }]) => [key, { origin, place }])),
    notes: layers.flatMap((layer) => layer.notes),
    project,
  };
}

/** Where a repository's own settings lie: in its main worktree. A bare repository has no place for them. */
export function projectFileOf(repo: LoadConfigOptions["repo"]): string | null {
  return repo === null || resolve(repo.path) === resolve(repo.commonDir) ? null : join(repo.path, ".aifleet", "config.toml");
}

/** Settings of one file's text. */
export async function readFileLayer(text: string, file: string, origin: ConfigOrigin, around: Surroundings): Promise<Layer> {
  if (setsNothing(text)) return { settings: new Map(), notes: [] };
  return readTable(await parseToml(text, file), { origin, around, file, text });
}

async function readFlags(flags: Readonly<Record<string, unknown>>, around: Surroundings): Promise<Layer> {
  const settings = new Map<string, Setting>();
  const source = { origin: "flag", around, file: null, text: "" } as const;
  for (const [dotted, given] of Object.entries(flags)) {
    if (given === undefined) continue;
    const key = ALIASES.get(dotted) ?? dotted;
    const found = findKey(key.split("."));
    if (found === null) throw unknownKey(dotted.split("."), source);
    const value = typeof given === "string" ? await valueOfText(found.spec, given, dotted) : given;
    settings.set(key, settingOf(dotted.split("."), key, found, value, source));
  }
  return { settings, notes: [] };
}

/** A file's text and hash, null if there is none. `lenient`: what is no plain file counts as none. */
export function readSettings(file: string, lenient = false): { readonly text: string; readonly hash: () => string } | null {
  let handle: number;
  try {
    // Not waiting for a writer: a pipe in the file's place must not hang every command.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw toFleetError(error, `Cannot read ${file}`);
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) {
      if (lenient) return null;
      throw new FleetError("CONFIG_INVALID", `${file} is no file.`, { data: { file } });
    }
    if (stat.size > MAX_BYTES) throw new FleetError("CONFIG_INVALID", `${file} is larger than 1 MB.`, { data: { file } });
    const bytes = readFileSync(handle);
    return { text: bytes.toString("utf8"), hash: () => createHash("sha256").update(bytes).digest("hex") };
  } catch (error) {
    throw toFleetError(error, `Cannot read ${file}`);
  } finally {
    closeSync(handle);
  }
}
