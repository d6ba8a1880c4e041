import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { FleetError, toFleetError } from "../errors/index.js";
import { buildConfig } from "./build.js";
import type { Surroundings } from "./check.js";
import { readEnvironment, valueOfText } from "./environment.js";
import { type Layer, readTable, type Setting, settingOf, unknownKey } from "./layer.js";
import type { HomePaths } from "./paths.js";
import { ALIASES, findKey } from "./schema.js";
import { parseToml, setsNothing } from "./toml.js";
import { isTrusted, repositoryMark } from "./trust.js";
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
 * trusted has no effect and is not even checked; the caller decides whether that is an error, also
 * where it or trust.json cannot be read. Throws `CONFIG_INVALID` with file, line and key.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const { paths, env, repo } = options;
  const around: Surroundings = { fleetHome: paths.home, userHome: env.HOME || homedir(), folder: paths.home };
  const here: Surroundings = { ...around, folder: process.cwd() };
  const layers: Layer[] = [];

  const user = readSettings(paths.config);
  if (user !== null) layers.push(await readFileLayer(user.text, paths.config, "user", around));

  const looked = repo === null ? null : lookAtProject(paths, repo);
  const project = looked?.project ?? null;
  if (repo !== null && looked?.project.trusted === true && options.ignoreProject !== true) {
    layers.push(await readFileLayer(looked.text, looked.project.path, "project", { ...around, folder: repo.path }));
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

/**
 * The repository's file, read once: the text that is parsed is the text whose hash was trusted. What
 * stands in the way of reading it is no business of a command that does not use it: it is kept, not thrown.
 */
function lookAtProject(
  paths: LoadConfigOptions["paths"],
  repo: NonNullable<LoadConfigOptions["repo"]>,
): { readonly project: ProjectFile; readonly text: string } | null {
  const path = projectFileOf(repo);
  if (path === null) return null;
  let hash = "";
  try {
    const content = readSettings(path, true);
    if (content === null) return null;
    hash = content.hash();
    return { project: { path, hash, trusted: isTrusted(paths, path, hash, repositoryMark(repo.commonDir)) }, text: content.text };
  } catch (error) {
    return { project: { path, hash, trusted: false, problem: toFleetError(error) }, text: "" };
  }
}

/** Every key a project's file sets, as they would count, for somebody who is asked to trust it. Throws `CONFIG_INVALID`. */
export async function settingsOfText(text: string, file: string): Promise<readonly { readonly key: string; readonly value: unknown }[]> {
  const folder = dirname(dirname(file));
  const { settings } = await readFileLayer(text, file, "project", { fleetHome: folder, userHome: folder, folder });
  return [...settings.values()].map(({ key, value }) => ({ key, value }));
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
    const bytes = readUpTo(handle, Math.max(stat.size, 4096), MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) throw new FleetError("CONFIG_INVALID", `${file} is larger than 1 MB.`, { data: { file } });
    return { text: bytes.toString("utf8"), hash: () => createHash("sha256").update(bytes).digest("hex") };
  } catch (error) {
    throw toFleetError(error, `Cannot read ${file}`);
  } finally {
    closeSync(handle);
  }
}

/** A file to its end, but no more than that: some files say nothing of their size, or grow while they are read. */
function readUpTo(handle: number, expected: number, most: number): Buffer {
  const pieces: Buffer[] = [];
  for (let left = most; left > 0; ) {
    const piece = Buffer.alloc(Math.min(left, expected + 1));
    const count = readSync(handle, piece);
    if (count === 0) break;
    pieces.push(piece.subarray(0, count));
    left -= count;
  }
  return Buffer.concat(pieces);
}
