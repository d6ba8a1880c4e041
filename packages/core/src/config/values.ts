import { KEYS } from "./schema.js";
import { formatSize } from "./size.js";
import type { Config, ConfigValue, LoadedConfig } from "./types.js";

/** Every key in force with its value as the file writes it and where it was set, in the order of the documentation. */
export function configValues(loaded: Pick<LoadedConfig, "config" | "origins">): readonly ConfigValue[] {
  return keysOf(loaded.config).map(({ key, type }) => {
    const value = valueAt(loaded.config, key);
    const origin = loaded.origins.get(key);
    return {
      key,
      value: type === "size" && typeof value === "number" ? formatSize(value) : value,
      origin: origin?.origin ?? "default",
      place: origin?.place ?? null,
    };
  });
}

/** The keys there are, `<name>` replaced by each name that has settings. */
function keysOf(config: Config): { key: string; type: string }[] {
  const keys: { key: string; type: string }[] = [];
  for (const [section, table] of [
    ["agents", config.agents],
    ["templates", config.templates],
  ] as const) {
    for (const name of Object.keys(table)) {
      for (const { key, type } of KEYS) if (key.startsWith(`${section}.<name>.`)) keys.push({ key: key.replace("<name>", name), type });
    }
  }
  const fixed = KEYS.filter(({ key }) => !key.includes("<name>"));
  const at = fixed.findIndex(({ key }) => !key.startsWith("agent."));
  const agents = keys.filter(({ key }) => key.startsWith("agents."));
  return [...fixed.slice(0, at), ...agents, ...fixed.slice(at), ...keys.filter(({ key }) => key.startsWith("templates."))];
}

function valueAt(config: Config, key: string): unknown {
  const [section = "", ...rest] = key.split(".");
  let value: unknown = (config as unknown as Record<string, unknown>)[section];
  for (const [at, part] of rest.entries()) {
    // A name is the user's own word; every other part is a field.
    const isName = at === 0 && (section === "agents" || section === "templates");
    const field = isName ? part : section === "templates" && part === "from" ? "base" : camel(part);
    value = (value as Record<string, unknown> | null | undefined)?.[field];
  }
  return value ?? null;
}

function camel(word: string): string {
  return word.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
