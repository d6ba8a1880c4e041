import type { AgentSettings } from "../config/types.js";
import type { AdapterRegistry, AgentAdapter, Launch, LaunchContext } from "../ports/index.js";
import { aider } from "./aider.js";
import { claude } from "./claude.js";
import { codex } from "./codex.js";
import { commandAdapter } from "./command.js";
import { demoAdapter } from "./demo/demo.js";
import { gemini } from "./gemini.js";
import { opencode } from "./opencode.js";
import { patternReader } from "./patterns.js";

/** What {@link adapterRegistry} is made of. */
export interface RegistryOptions {
  /** `agents` of the configuration. */
  readonly settings: Readonly<Record<string, AgentSettings>>;
  /** Adapters beside the built-in ones; a name that exists is replaced. */
  readonly extra?: readonly AgentAdapter[];
  /** Where `AIFLEET_DEMO_AGENT` is looked up. @default `process.env` */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Names of the adapters that need no configuration. */
export const BUILT_IN_ADAPTERS = ["claude", "codex", "opencode", "gemini", "aider", "demo"] as const;

/**
 * Every adapter there is: built in, handed over, configured. A configured name that exists keeps its
 * behaviour and takes command, flags and environment from the configuration.
 * `get` throws `CONFIG_INVALID` for settings that cannot work.
 */
export function adapterRegistry(options: RegistryOptions): AdapterRegistry {
  const known = new Map<string, AgentAdapter>();
  const demo = demoAdapter(options.env === undefined ? {} : { lookup: options.env });
  for (const adapter of [claude, codex, opencode, gemini, aider, demo, ...(options.extra ?? [])]) known.set(adapter.name, adapter);
  const settings = new Map(Object.entries(options.settings));
  const made = new Map<string, AgentAdapter>();
  return {
    get(name) {
      const adapter = made.get(name) ?? make(name, known.get(name), settings.get(name));
      if (adapter !== null) made.set(name, adapter);
      return adapter;
    },
    names: () => [...new Set([...known.keys(), ...settings.keys()])].sort(),
  };
}

function make(name: string, own: AgentAdapter | undefined, settings: AgentSettings | undefined): AgentAdapter | null {
  if (settings === undefined) return own ?? null;
  return own === undefined ? commandAdapter(name, settings) : configured(own, settings);
}

/** An adapter with the user's settings for it. */
function configured(own: AgentAdapter, settings: AgentSettings): AgentAdapter {
  const filled = (context: LaunchContext): LaunchContext => ({
    ...context,
    command: context.command ?? settings.command,
    flags: context.flags.length > 0 ? context.flags : settings.flags,
    env: { ...context.env, ...settings.env },
  });
  // Where both name a variable, the launch has taken the user's value into its own.
  const finished = (launch: Launch): Launch => ({ ...launch, env: { ...settings.env, ...launch.env } });
  const custom = commandAdapter(own.name, settings);
  const read = patternReader(own.name, settings.patterns);
  return {
    name: own.name,
    title: own.title,
    wantsPromptFile: own.wantsPromptFile ?? false,
    readsScreen: own.readsScreen !== false || custom.readsScreen === true,
    submitDelayMs: own.submitDelayMs ?? 0,
    ...(own.reports === undefined ? {} : { reports: own.reports }),
    ...(own.modes === undefined ? {} : { modes: own.modes }),
    ...(own.typed === undefined ? {} : { typed: own.typed }),
    ...(own.draft === undefined ? {} : { draft: own.draft }),
    program: settings.command?.[0] ?? own.program,
    // Another command may be a wrapper, whose version says nothing.
    ...(own.versionArgs === undefined || settings.command !== null ? {} : { versionArgs: own.versionArgs }),
    launch(context) {
      const full = filled(context);
      if (settings.promptVia !== "paste" || context.prompt === null) return finished(own.launch(full));
      return { ...finished(own.launch({ ...full, prompt: null })), promptVia: "paste" };
    },
    resume(context) {
      if (settings.resume !== null) return custom.resume(context);
      const launch = own.resume(filled(context));
      return launch === null ? null : finished(launch);
    },
    // The user's patterns come first: they are there because the program looks different from what is built in.
    read: (evidence) => read(evidence) ?? own.read(evidence),
    ready: (evidence) => (read(evidence)?.status === "waiting" ? false : own.ready(evidence)),
  };
}
