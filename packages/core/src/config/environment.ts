import { FleetError } from "../errors/index.js";
import { checkValue, type Surroundings } from "./check.js";
import type { Layer, Setting } from "./layer.js";
import { findKey, KEYS, type KeySpec, type KeyType } from "./schema.js";
import { parseToml } from "./toml.js";

/** What an agent finds in its environment: never settings. */
export const AGENT_VARIABLES: ReadonlySet<string> = new Set([
  "AIFLEET_ID",
  "AIFLEET_BRANCH",
  "AIFLEET_BATCH",
  "AIFLEET_INDEX",
  "AIFLEET_REPO",
  "AIFLEET_WORKTREE",
]);

/** Settings of `AIFLEET_SECTION_KEY` variables. Unknown ones are nobody's business, empty ones are not set. */
export async function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
  around: Surroundings,
): Promise<Layer> {
  const settings = new Map<string, Setting>();
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("AIFLEET_") || AGENT_VARIABLES.has(variable) || text === undefined || text === "") continue;
    const key = keyOfVariable(variable, names);
    const found = key === null ? null : findKey(key.split("."));
    if (key === null || found === null) continue;
    const checked = checkValue(found.spec, await valueOfText(found.spec, text, variable), around);
    if ("wrong" in checked) {
      throw new FleetError("CONFIG_INVALID", `${variable}: "${key}" ${checked.wrong}`, {
        hint: `Change or unset ${variable}.`,
        data: { key },
      });
    }
    settings.set(key, { key, found, value: checked.value, origin: "environment", place: variable });
  }
  return { settings, notes: [] };
}

/** The variable that sets a key. */
export function variableOf(key: string): string {
  return `AIFLEET_${key.toUpperCase().replaceAll(/[.-]/g, "_")}`;
}

/** The key a variable sets. `names`: adapters and templates that are known, whose case and dashes a variable cannot show. */
function keyOfVariable(variable: string, names: readonly string[]): string | null {
  for (const { key } of KEYS) {
    const [before, after] = key.split("<name>") as [string, string | undefined];
    if (after === undefined) {
      if (variableOf(key) === variable) return key;
      continue;
    }
    const start = variableOf(before);
    const end = variableOf(after).slice("AIFLEET_".length);
    if (variable.length <= start.length + end.length || !variable.startsWith(start) || !variable.endsWith(end)) continue;
    const shown = variable.slice(start.length, variable.length - end.length);
    const known = names.find((name) => name.toUpperCase().replaceAll("-", "_") === shown);
    return `${before}${known ?? shown.toLowerCase()}${after}`;
  }
  return null;
}

const PLAIN: ReadonlySet<KeyType> = new Set(["text", "name", "revision", "path", "prefix", "key", "pattern", "delivery", "sharing"]);

/** What a text from outside a TOML file stands for under a key. What cannot be read stays text, and the check says what is wrong. */
export async function valueOfText(spec: KeySpec, text: string, place: string): Promise<unknown> {
  const trimmed = text.trim();
  if (PLAIN.has(spec.type)) return text;
  switch (spec.type) {
    case "switch":
      return /^(?:true|1|yes|on)$/i.test(trimmed) ? true : /^(?:false|0|no|off)$/i.test(trimmed) ? false : text;
    case "count":
    case "amount":
    case "days":
    case "seconds":
    case "size":
      return /^\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : text;
    default:
      if (/^[[{]/.test(trimmed)) return await structured(trimmed, place);
      return spec.type === "list" || spec.type === "files" ? [trimmed] : text;
  }
}

/** An array or table in JSON, else in TOML. */
async function structured(text: string, place: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return (await parseToml(`value = ${text}`, place)).value;
  }
}
