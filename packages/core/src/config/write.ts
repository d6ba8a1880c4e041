import { closeSync, fchmodSync, linkSync, lstatSync, openSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { FleetError, toFleetError } from "../errors/index.js";
import type { Locks } from "../ports/index.js";
import type { Surroundings } from "./check.js";
import { makePrivateFolder, removeQuietly, writeAll, writeDurably } from "./durable.js";
import { valueOfText } from "./environment.js";
import { firstFileText, toToml } from "./first-file.js";
import { type LayerSource, readTable, settingOf, unknownKey } from "./layer.js";
import type { HomePaths } from "./paths.js";
import { readSettings } from "./read.js";
import { ALIASES, findKey, type KeySpec } from "./schema.js";
import { parseToml } from "./toml.js";

/** Writes the commented settings file if there is none; true if it wrote it. */
export function writeFirstConfig(paths: Pick<HomePaths, "home" | "config">): boolean {
  // First of all: a full disk takes no file, not even one that would not be used.
  if (lstatSync(paths.config, { throwIfNoEntry: false }) !== undefined) return false;
  makePrivateFolder(paths.home);
  return writeNewFile(paths.config, firstFileText(), 0o600);
}

/** Writes a file whole if there is none of that name; never over another, even one made meanwhile. */
export function writeNewFile(path: string, text: string, mode: number): boolean {
  const temporary = join(dirname(path), `.tmp-${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
  try {
    const handle = openSync(temporary, "wx", mode);
    try {
      fchmodSync(handle, mode);
      writeAll(handle, text);
    } finally {
      closeSync(handle);
    }
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw toFleetError(error, `Cannot write ${path}`);
  } finally {
    removeQuietly(temporary);
  }
}

export interface SetConfigOptions {
  /** Whose file it is. @default "user" */
  readonly origin?: "user" | "project";
  /** What paths are filled in with while the value is checked. */
  readonly around?: Partial<Surroundings>;
  /** Held meanwhile, so that two calls at once lose nothing. */
  readonly locks?: Locks;
  /** Mode of a file that is made. @default 0600 for a user's, 0644 for a project's */
  readonly mode?: number;
}

/**
 * Sets one key in a file and keeps everything else of it, comments too. The text is taken as a TOML
 * value, else as a string. Throws `CONFIG_INVALID` for an unknown key, a wrong value or a broken file,
 * which is left as it is.
 *
 * @returns the value as it stands in the file
 */
export async function setConfigValue(file: string, dottedKey: string, rawValue: string, options: SetConfigOptions = {}): Promise<unknown> {
  const origin = options.origin ?? "user";
  const around: Surroundings = { fleetHome: dirname(file), userHome: process.env.HOME ?? "/", folder: dirname(file), ...options.around };
  const key = ALIASES.get(dottedKey) ?? dottedKey;
  const found = findKey(key.split("."));
  const asked: LayerSource = { origin: "flag", around, file: null, text: "" };
  if (found === null) throw unknownKey(dottedKey.split("."), asked);
  if (found.spec.homeOnly && origin === "project") {
    throw new FleetError("CONFIG_INVALID", `"${key}" belongs to the whole home and cannot be set for a project.`, { data: { key } });
  }
  const value = await valueOfRaw(found.spec, rawValue);
  settingOf(key.split("."), key, found, value, asked);

  const change = async (): Promise<unknown> => {
    const before = readSettings(file)?.text ?? "";
    const parsed = await parseToml(before, file);
    const wanted = withValue(parsed, key.split("."), value);
    let after = "";
    for (const edit of [appended, patched]) {
      after = (await edit(before, parsed, key.split("."), value)) ?? "";
      if (isDeepStrictEqual(plain(await parseToml(after, file).catch(() => null)), plain(wanted))) break;
      after = "";
    }
    if (after === "") {
      throw new FleetError(
        "DRIVER_FAILED",
        `${file}: "${key}" could not be set without changing something else; the file was left as it is.`,
        {
          hint: "Set it by hand: `fleet config edit`.",
        },
      );
    }
    const result = await parseToml(after, file);
    readTable(result, { origin, around, file, text: after });
    writeDurably(realPlace(file), after, { mode: modeOf(file) ?? options.mode ?? (origin === "user" ? 0o600 : 0o644) });
    return value;
  };
  return options.locks === undefined ? change() : options.locks.hold(file, change);
}

/** What was typed, as a value of that key. */
async function valueOfRaw(spec: KeySpec, raw: string): Promise<unknown> {
  let value: unknown;
  try {
    const table = await parseToml(`value = ${raw}`, "value");
    // More than one key: the text broke out of its line and is no value.
    if (Object.keys(table).length === 1) value = plain(table.value);
  } catch {
    // No TOML value: text.
  }
  const typed = await valueOfText(spec, raw, spec.key);
  // A key that takes text takes 12 and true as text too.
  if (value === undefined || (typeof value !== "string" && typed === raw && !["words", "command"].includes(spec.type))) {
    return typed === raw ? raw : typed;
  }
  return value;
}

/** The text with a section of its own for the first key of a new adapter or template; null where there is one already. */
async function appended(before: string, parsed: Record<string, unknown>, path: readonly string[], value: unknown): Promise<string | null> {
  const [section = "", name = "", ...rest] = path;
  if (rest.length === 0 || Object.hasOwn((parsed[section] as object | undefined) ?? {}, name)) return null;
  const gap = before === "" ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  return `${before}${gap}[${section}.${name}]\n${rest.join(".")} = ${toToml(value)}\n`;
}

/** The text with the key set where it belongs, everything else as it is. */
async function patched(before: string, _parsed: unknown, path: readonly string[], value: unknown): Promise<string> {
  const { parse, patch } = await import("@decimalturn/toml-patch");
  try {
    return patch(before, withValue(parse(before) as Record<string, unknown>, path, value));
  } catch (error) {
    throw new FleetError(
      "DRIVER_FAILED",
      `The settings could not be edited in place: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: "Set the key by hand: `fleet config edit`.",
        cause: error,
      },
    );
  }
}

/** A copy of the table in which the key has the value; what is no table on the way is replaced. */
function withValue(table: Record<string, unknown>, path: readonly string[], value: unknown): Record<string, unknown> {
  const [first = "", ...rest] = path;
  const copy: Record<string, unknown> = { ...table };
  const below = copy[first];
  const isTable = typeof below === "object" && below !== null && !Array.isArray(below);
  copy[first] = rest.length === 0 ? value : withValue(isTable ? (below as Record<string, unknown>) : {}, rest, value);
  return copy;
}

/** The same data with ordinary prototypes, for comparison. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

/** The file behind a link: a user who links the settings to elsewhere keeps the link. */
function realPlace(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function modeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mode === undefined ? undefined : statSync(file).mode & 0o777;
}
