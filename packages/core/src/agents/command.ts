import type { AgentSettings } from "../config/types.js";
import { FleetError } from "../errors/index.js";
import type { StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, Launch, LaunchContext } from "../ports/index.js";
import { fitsArgument, promptOf, withArgument, withPaste } from "./launch.js";
import { patternReader } from "./patterns.js";

const PLACEHOLDER = "{prompt_file}";
/** Stands for the prompt's file where there is no prompt: a file that is always there and always empty. */
const NO_PROMPT = "/dev/null";

/**
 * An adapter for any program, from `agents.<name>` in the configuration.
 * Without a `command` the program is called like the adapter.
 *
 * Throws `CONFIG_INVALID` for a pattern that is no regular expression, and at launch where
 * `prompt_via = "file"` has no `{prompt_file}` to put the path in.
 */
export function commandAdapter(name: string, settings: AgentSettings): AgentAdapter {
  const own = settings.command ?? ([name] as const);
  const read = patternReader(name, settings.patterns);
  return {
    name,
    title: name,
    program: own[0],
    wantsPromptFile: settings.promptVia === "file",
    readsScreen: Object.values(settings.patterns).some((pattern) => pattern !== null),
    launch: (context) => withEnv(start(name, settings, context, context.command ?? own), settings),
    resume: (context) => (settings.resume === null ? null : withEnv(again(settings.resume, settings, context), settings)),
    read,
    ready: (evidence) => ready(settings, read, evidence),
  };
}

type Argv = readonly [string, ...string[]];

function start(name: string, settings: AgentSettings, context: LaunchContext, command: Argv): Launch {
  const prompt = promptOf(context);
  const argv = complete(command, settings, context);
  if (prompt === null) return withPaste(filled(argv, null), null);
  if (settings.promptVia === "file") {
    if (!argv.some((part) => part.includes(PLACEHOLDER))) {
      throw new FleetError("CONFIG_INVALID", `agents.${name}.prompt_via is "file", but its command has no ${PLACEHOLDER}.`, {
        data: { key: `agents.${name}.command` },
        hint: `Put ${PLACEHOLDER} into agents.${name}.command where the file's path belongs.`,
      });
    }
    if (context.promptFile === null) throw new FleetError("DRIVER_FAILED", `No prompt file was made for the adapter "${name}".`);
    return { argv: filled(argv, context.promptFile), promptVia: "file" };
  }
  const plain = filled(argv, context.promptFile);
  return settings.promptVia === "argv" && fitsArgument(prompt) ? withArgument(plain, prompt) : withPaste(plain, prompt);
}

/** Whether a resume command takes a prompt as its argument is not known, so the prompt is pasted. */
function again(resume: Argv, settings: AgentSettings, context: LaunchContext): Launch {
  return withPaste(filled(complete(resume, settings, context), context.promptFile), promptOf(context));
}

function complete(command: Argv, settings: AgentSettings, context: LaunchContext): Argv {
  return [...command, ...(context.flags.length > 0 ? context.flags : settings.flags)];
}

function filled(argv: Argv, file: string | null): Argv {
  const [program, ...rest] = argv;
  return [program, ...rest.map((part) => part.replaceAll(PLACEHOLDER, () => file ?? NO_PROMPT))];
}

function withEnv(launch: Launch, settings: AgentSettings): Launch {
  return Object.keys(settings.env).length === 0 ? launch : { ...launch, env: { ...launch.env, ...settings.env } };
}

/** Without an `idle` pattern nobody can say; with one, the program is ready when it matches. */
function ready(settings: AgentSettings, read: (evidence: Evidence) => StatusReading | null, evidence: Evidence): boolean | null {
  const status = read(evidence)?.status ?? null;
  if (status === "waiting") return false;
  return settings.patterns.idle === null ? null : status === "idle";
}
