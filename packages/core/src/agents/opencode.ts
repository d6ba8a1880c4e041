import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Choice, PermissionMode, StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence, LaunchContext, Typed } from "../ports/index.js";
import { numbered } from "./dialog.js";
import { hookReader } from "./hooks.js";
import { commandOf, fitsArgument, looksLikeOption, promptOf, withArgument, withPaste } from "./launch.js";
import { PLUGIN } from "./opencode-plugin.js";
import { IDLE, unframed, visibleLines, WORKING, waiting } from "./screen.js";

/**
 * OpenCode: `opencode [flags] --prompt PROMPT`; `opencode --session ID` drops `--prompt`, so a prompt is pasted then. Its
 * plugin comes by settings in the environment, which add to the user's own.
 */
export const opencode: AgentAdapter = {
  name: "opencode",
  title: "OpenCode",
  program: "opencode",
  versionArgs: ["--version"],
  launch: (context) => start(context),
  resume(context) {
    // `--continue` takes up the last conversation of any worktree of the repository, and works in that one.
    if (context.conversation === null) return null;
    const argv: readonly [string, ...string[]] = [...commandOf(context, ["opencode"], opencode.modes), "--session", context.conversation];
    return equipped(context, withPaste(argv, promptOf(context)));
  },
  read: (evidence) => look(evidence)?.reading ?? null,
  ready: (evidence) => look(evidence)?.ready ?? null,
  submitDelayMs: 300,
  typed,
  draft: isDrafted,
  // What is not in the environment is an argument.
  modes: { ask: [], edit: [], yolo: ["--auto"] },
  reports: hookReader({
    events: { SessionStart: null, UserPromptSubmit: null, Status: ({ status }) => (isStatus(status) ? status : null) },
    prompt: { kind: "UserPromptSubmit", field: "prompt" },
    conversation: "session_id",
    announces: "SessionStart",
    question: ({ question }) => (typeof question === "string" ? question : null),
    // It reports all of it; a dialog of another kind is known from the screen.
    silent: ["working>waiting", "idle>waiting"],
  }),
};

const isStatus = (value: unknown): value is "working" | "waiting" | "idle" =>
  value === "working" || value === "waiting" || value === "idle";

const PLUGIN_FILE = "reporter.mjs";
const OWN_PLUGIN = /\/fleet-reports\/reporter\.mjs$/;

/**
 * What may be done without asking, for a mode that is asked for: the last word over the user's settings. Each is named: the
 * last rule that fits counts, and a `*` would stand behind the rules that the user has.
 */
const READING = { read: "allow", glob: "allow", grep: "allow", list: "allow", lsp: "allow", todowrite: "allow", question: "allow" };
const REST = { bash: "ask", task: "ask", webfetch: "ask", websearch: "ask", external_directory: "ask" };
const PERMISSIONS: Readonly<Partial<Record<PermissionMode, Readonly<Record<string, string>>>>> = {
  ask: { edit: "ask", ...REST, ...READING },
  edit: { edit: "allow", ...REST, ...READING },
};

type Started = ReturnType<typeof withPaste>;

/** A launch with the permissions of its mode and with the plugin, which is left out where the user's own settings cannot be read. */
function equipped(context: LaunchContext, launch: Started): Started {
  const permissions = context.mode === null ? undefined : PERMISSIONS[context.mode];
  const env: Record<string, string> = permissions === undefined ? {} : { OPENCODE_PERMISSION: JSON.stringify(permissions) };
  const config = context.reports === null ? null : withPlugin(context.env.OPENCODE_CONFIG_CONTENT, join(context.reports, PLUGIN_FILE));
  if (config !== null) return { ...launch, env: { ...env, OPENCODE_CONFIG_CONTENT: config }, files: { [PLUGIN_FILE]: PLUGIN } };
  return permissions === undefined ? launch : { ...launch, env };
}

function withPlugin(own: string | undefined, path: string): string | null {
  try {
    const config: unknown = own === undefined || own === "" ? {} : JSON.parse(own);
    if (typeof config !== "object" || config === null || Array.isArray(config)) return null;
    const { plugin } = config as { plugin?: unknown };
    const plugins = Array.isArray(plugin) ? plugin : [];
    // One that is inherited belongs to the agent that started this one.
    const kept = plugins.filter((each) => !(typeof each === "string" && OWN_PLUGIN.test(each)));
    return JSON.stringify({ ...config, plugin: [...kept, pathToFileURL(path).href] });
  } catch {
    return null;
  }
}

function start(context: LaunchContext) {
  const prompt = promptOf(context);
  const argv = commandOf(context, ["opencode"], opencode.modes);
  const asArgument = prompt !== null && fitsArgument(prompt) && !looksLikeOption(prompt);
  return equipped(context, asArgument ? withArgument(argv, "--prompt", typed(prompt).paste) : withPaste(argv, prompt));
}

/** Nothing is taken off a prompt; a blank keeps it from being an order, or from being completed to something else. */
function typed(prompt: string): Typed {
  const paste = `${prompt.startsWith("/") ? " " : ""}${prompt}${/(^|\s)@\S*$/.test(prompt) ? " " : ""}`;
  return { paste, taken: prompt.trim() };
}

/** The bar that dialogs, drafts and the user's own messages stand behind; only the input's has an end below. */
const BAR = /^\s*[┃╹]/;
const INPUT_END = /^\s*╹/;
const PERMISSION = /^△ (Permission required|Always allow)/;
const CHOICES = /^↑↓\s/;
/** On a wide screen another column stands to the right. */
const SIDEBAR = /(?<=[┃╹].*?)\s{20,}\S.*$/;

function look(evidence: Evidence): { readonly reading: StatusReading; readonly ready: boolean } | null {
  if (evidence.screen === null) return null;
  const lines = visibleLines(evidence.screen);
  const end = lines.findLastIndex((line) => BAR.test(line));
  // A dialog takes the input's place.
  if (!INPUT_END.test(lines[end] ?? "")) {
    const asked = end === -1 ? null : dialog(lastBlock(lines));
    return asked === null ? null : { reading: asked, ready: false };
  }
  // On a narrow screen each of the footer's words wraps by itself.
  const footer = lines.slice(end + 1).join("\n");
  if (/(^|\s)esc\s/.test(footer) && /\binterr/.test(footer)) return { reading: WORKING, ready: true };
  if (/esc exit shell/.test(footer)) return { reading: IDLE, ready: false };
  return /\bctrl\+p\b/.test(footer) ? { reading: IDLE, ready: true } : null;
}

function dialog(block: readonly string[]): StatusReading | null {
  const permission = block.findIndex((line) => PERMISSION.test(line));
  if (permission !== -1) return permissionAsked(block.slice(permission));
  return block.some((line) => CHOICES.test(line)) ? questionAsked(block) : null;
}

/** The texts of the lowest run of lines behind a bar. */
function lastBlock(lines: readonly string[]): readonly string[] {
  const end = lines.findLastIndex((line) => BAR.test(line));
  let start = end;
  while (start > 0 && BAR.test(lines[start - 1] ?? "")) start--;
  return end === -1 ? [] : lines.slice(start, end + 1).map((line) => unframed(line.replace(SIDEBAR, "")));
}

/** Three buttons, the first of them chosen until somebody moves; Esc is the last of them wherever that is. */
const BUTTONS: Readonly<Record<string, readonly Choice[]>> = {
  "Permission required": [
    { label: "Allow once", keys: ["Enter"] },
    { label: "Allow always", keys: ["Right", "Enter"] },
    { label: "Reject", keys: ["Escape"] },
  ],
  "Always allow": [
    { label: "Confirm", keys: ["Enter"] },
    { label: "Cancel", keys: ["Escape"] },
  ],
};

function permissionAsked([title = "", ...block]: readonly string[]): StatusReading {
  const texts = block.filter((line) => line !== "");
  // A command says more than what kind of thing it is.
  const question = texts.find((line) => line.startsWith("$ ")) ?? texts[0] ?? null;
  return waiting(question, BUTTONS[PERMISSION.exec(title)?.[1] ?? ""]);
}

function questionAsked(block: readonly string[]): StatusReading {
  const first = block.findIndex((line) => /^1\. /.test(line));
  const question = block.find((line) => line.endsWith("?")) ?? null;
  return waiting(question, first === -1 ? [] : numbered(block, first));
}

const PLACEHOLDER = /^(Ask anything|Run a command)….*"$/;

/** Above the line that names the agent and the model stands what is being written. In shell mode a prompt would be run. */
function isDrafted({ screen }: Evidence): boolean | null {
  if (screen === null) return null;
  const block = lastBlock(visibleLines(screen)).filter((line) => line !== "");
  const end = block.findIndex((line) => line.startsWith("▀"));
  const input = end === -1 ? [] : block.slice(0, end);
  const named = input.at(-1);
  if (named === undefined) return null;
  const written = input.slice(0, -1).join(" ");
  return /^Shell\b/.test(named) || (written !== "" && !PLACEHOLDER.test(written));
}
