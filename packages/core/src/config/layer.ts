import { FleetError } from "../errors/index.js";
import { checkValue, isTable, type Surroundings } from "./check.js";
import { lineOfKey } from "./lines.js";
import { nearestKey } from "./nearest.js";
import { ALIASES, type FoundKey, findKey, IGNORED, isSection, NAME } from "./schema.js";
import type { ConfigOrigin } from "./types.js";

/** A setting of one layer, checked. */
export interface Setting {
  readonly key: string;
  readonly found: FoundKey;
  readonly value: unknown;
  readonly origin: ConfigOrigin;
  readonly place: string;
}

/** All settings of one file, the environment or the flags. */
export interface Layer {
  readonly settings: ReadonlyMap<string, Setting>;
  readonly notes: readonly string[];
}

/** Where a layer comes from, for messages. */
export interface LayerSource {
  readonly origin: ConfigOrigin;
  readonly around: Surroundings;
  /** File, or null. */
  readonly file: string | null;
  /** The file's text, for lines. */
  readonly text: string;
}

/** Settings of a parsed file. Throws `CONFIG_INVALID` for unknown keys and wrong values. */
export function readTable(root: Record<string, unknown>, source: LayerSource): Layer {
  const settings = new Map<string, Setting>();
  const notes: string[] = [];

  const take = (path: readonly string[], value: unknown): void => {
    const dotted = path.join(".");
    if (path.length === 2 && (path[0] === "agents" || path[0] === "templates")) checkName(path, source);
    const ignored = IGNORED.get(dotted);
    if (ignored !== undefined) {
      notes.push(`${placeOf(path, source)}: "${dotted}" is ignored: ${ignored}.`);
      return;
    }
    const alias = ALIASES.get(dotted);
    const key = alias ?? dotted;
    const found = findKey(key.split("."));
    if (found !== null && (alias !== undefined || path.length === key.split(".").length)) {
      if (alias !== undefined) notes.push(`${placeOf(path, source)}: "${dotted}" is now "${key}".`);
      if (found.spec.homeOnly && source.origin === "project") {
        notes.push(`${placeOf(path, source)}: "${key}" belongs to the whole home and is ignored in a project file.`);
        return;
      }
      const setting = settingOf(path, key, found, value, source);
      // Beside its older name the key itself counts, whichever comes first.
      if (alias === undefined || !settings.has(key)) settings.set(key, setting);
      return;
    }
    if (!isSection(path)) throw unknownKey(path, source);
    if (!isTable(value)) throw invalid(path, source, `"${dotted}" must be a section with keys below it`);
    for (const [name, below] of Object.entries(value)) take([...path, name], below);
  };

  for (const [name, value] of Object.entries(root)) take([name], value);
  return { settings, notes };
}

/** One checked setting. */
export function settingOf(path: readonly string[], key: string, found: FoundKey, value: unknown, source: LayerSource): Setting {
  if (found.name !== null) checkName(key.split("."), source);
  const checked = checkValue(found.spec, value, source.around);
  if ("wrong" in checked) throw invalid(path, source, `"${path.join(".")}" ${checked.wrong}`);
  return { key, found, value: checked.value, origin: source.origin, place: placeOf(path, source) };
}

function checkName(path: readonly string[], source: LayerSource): void {
  const name = path[1] ?? "";
  if (!NAME.test(name)) throw invalid(path, source, `${JSON.stringify(name)} is no name: use letters, digits, _ and -`);
}

function placeOf(path: readonly string[], source: LayerSource): string {
  if (source.file === null) return "flag";
  const line = lineOfKey(source.text, path);
  return line === undefined ? source.file : `${source.file}:${line}`;
}

export function unknownKey(path: readonly string[], source: LayerSource): FleetError {
  const near = nearestKey(path);
  return invalid(path, source, `unknown key "${path.join(".")}"${near === null ? "" : `; did you mean "${near}"?`}`);
}

function invalid(path: readonly string[], source: LayerSource, sentence: string): FleetError {
  const line = source.file === null ? undefined : lineOfKey(source.text, path);
  const where = source.file === null ? "" : `${placeOf(path, source)}: `;
  return new FleetError("CONFIG_INVALID", `${where}${sentence}`, {
    hint: "`fleet config validate` checks the files; docs/configuration.md lists every key.",
    data: { ...(source.file === null ? {} : { file: source.file }), ...(line === undefined ? {} : { line }), key: path.join(".") },
  });
}
