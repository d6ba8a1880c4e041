import { checkValue, type Surroundings } from "./check.js";
import type { Setting } from "./layer.js";
import { KEYS } from "./schema.js";
import { parseSize } from "./size.js";
import type { AgentSettings, Config, Template } from "./types.js";

/** The configuration from settings by dotted key, every default filled in. */
export function buildConfig(settings: ReadonlyMap<string, Setting>, around: Surroundings): Config {
  const get = <T>(key: string): T => (settings.has(key) ? settings.get(key)?.value : defaultOf(key, around)) as T;
  return {
    agent: { default: get("agent.default") },
    agents: named(settings, "agents", (name) => agentOf(name, get)),
    worktree: { root: get("worktree.root"), base: get("worktree.base"), disposable: get("worktree.disposable") },
    setup: {
      credentialFiles: get("setup.credential_files"),
      share: get("setup.share"),
      shareHow: get("setup.share_how"),
      commands: get("setup.commands"),
      timeout: get("setup.timeout"),
      quick: get("setup.quick"),
    },
    pool: { size: get("pool.size"), refresh: get("pool.refresh") },
    tmux: {
      socket: get("tmux.socket"),
      prefix: get("tmux.prefix"),
      historyLimit: get("tmux.history_limit"),
      detachKey: get("tmux.detach_key"),
      include: get("tmux.include"),
    },
    fleet: { maxParallel: get("fleet.max_parallel"), maxRunning: get("fleet.max_running"), minFreeMemory: get("fleet.min_free_memory") },
    logs: { maxSize: get("logs.max_size"), keepDays: get("logs.keep_days") },
    trash: { keepDays: get("trash.keep_days") },
    git: { timeout: get("git.timeout") },
    templates: named(settings, "templates", (name) => templateOf(name, get)),
  };
}

type Get = <T>(key: string) => T;

function agentOf(name: string, get: Get): AgentSettings {
  const of = <T>(key: string): T => get<T>(`agents.${name}.${key}`);
  return {
    command: of("command"),
    flags: of("flags"),
    env: of("env"),
    promptVia: of("prompt_via"),
    resume: of("resume"),
    patterns: { working: of("patterns.working"), waiting: of("patterns.waiting"), idle: of("patterns.idle") },
  };
}

function templateOf(name: string, get: Get): Template {
  const of = <T>(key: string): T => get<T>(`templates.${name}.${key}`);
  return { prompt: of("prompt"), agent: of("agent"), base: of("from"), setup: of("setup") };
}

/** One value for each name that has a setting. Without a prototype: a name like `constructor` finds nothing by accident. */
function named<T>(settings: ReadonlyMap<string, Setting>, section: string, make: (name: string) => T): Readonly<Record<string, T>> {
  const table: Record<string, T> = Object.create(null);
  for (const { key, found } of settings.values()) {
    if (found.name !== null && key.startsWith(`${section}.`) && !(found.name in table)) table[found.name] = make(found.name);
  }
  return table;
}

const DEFAULTS: ReadonlyMap<string, (typeof KEYS)[number]> = new Map(KEYS.map((spec) => [spec.key, spec]));

function defaultOf(key: string, around: Surroundings): unknown {
  const spec = DEFAULTS.get(key) ?? DEFAULTS.get(key.replace(/^(agents|templates)\.[^.]+/, "$1.<name>"));
  if (spec === undefined) throw new Error(`No such key: ${key}`);
  if (spec.default === null) return null;
  if (spec.type === "size") return parseSize(spec.default);
  if (spec.type !== "path") return spec.default;
  const checked = checkValue(spec, spec.default, around);
  return "value" in checked ? checked.value : null;
}
