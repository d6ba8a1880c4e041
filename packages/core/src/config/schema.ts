import { availableParallelism } from "node:os";

/** How a key's value is written and checked; `values.ts` and `check.ts` hold the rules. */
export type KeyType =
  | "text" // any text
  | "name" // name of an adapter
  | "revision" // something git resolves
  | "path" // `~`, `$HOME` and `$AI_FLEET_HOME` are filled in
  | "prefix" // start of a session's name
  | "key" // a key as tmux names it
  | "pattern" // regular expression
  | "delivery" // argv, paste or file
  | "sharing" // copy, reflink or link
  | "switch" // true or false
  | "count" // whole number from 1
  | "amount" // whole number from 0
  | "days" // whole number from 1
  | "seconds" // number above 0
  | "size" // "20MB" or bytes
  | "list" // array of text
  | "files" // array of relative paths or globs
  | "words" // array of text, or one string split as a shell splits words
  | "command" // words, at least one
  | "variables"; // table of environment variables

/** One key of `config.toml`. `<name>` in it stands for a name the user chooses. */
export interface KeySpec {
  readonly key: string;
  readonly type: KeyType;
  /** As the file would write it; null: nothing. */
  readonly default: unknown;
  /** What the default is, where it differs between machines. */
  readonly defaultText?: string;
  /** Older names of the key. */
  readonly aliases?: readonly string[];
  /** What it does, one or two sentences. */
  readonly docs: string;
  /** A value for the first-run file where the default shows none. */
  readonly example?: unknown;
  /** Belongs to the whole home: a project file cannot set it. */
  readonly homeOnly?: boolean;
}

/** Ignored paths that can be made again by the project's own tools. */
const DISPOSABLE = [
  "node_modules",
  "target",
  ".venv",
  "venv",
  "dist",
  ".next",
  ".nuxt",
  ".svelte-kit",
  ".turbo",
  ".parcel-cache",
  ".gradle",
  ".tox",
  "__pycache__",
  ".pytest_cache",
  ".mypy_cache",
  ".ruff_cache",
  ".DS_Store",
];

/** Adapters whose `<name>_flags` the Python tool knew as keys of their own. */
const FLAGGED = ["claude", "codex", "opencode", "gemini", "aider"];

/** Every key, in the order of the first-run file and the documentation. */
export const KEYS: readonly KeySpec[] = [
  {
    key: "agent.default",
    type: "name",
    default: "claude",
    aliases: ["default_agent"],
    docs: "Adapter used when a command names none.",
  },
  {
    key: "agents.<name>.command",
    type: "command",
    default: null,
    defaultText: "the adapter's own",
    example: ["my-agent", "--interactive"],
    docs: "Program and arguments, as an array or as one string that is split into words (no shell runs it). A new name makes a new adapter.",
  },
  { key: "agents.<name>.flags", type: "words", default: [], docs: "Arguments added to the command." },
  { key: "agents.<name>.env", type: "variables", default: {}, docs: "Variables added to the agent's environment." },
  {
    key: "agents.<name>.prompt_via",
    type: "delivery",
    default: "argv",
    docs: 'How the first prompt reaches a custom command: "argv" (last argument), "paste" (typed once it is up) or "file" (`{prompt_file}` in the command).',
  },
  {
    key: "agents.<name>.resume",
    type: "command",
    default: null,
    example: ["my-agent", "--continue"],
    docs: "Program and arguments that take up the last conversation again.",
  },
  ...(["working", "waiting", "idle"] as const).map(
    (state): KeySpec => ({
      key: `agents.<name>.patterns.${state}`,
      type: "pattern",
      default: null,
      docs: `Regular expression over the screen's last lines that shows the agent is ${state}.`,
    }),
  ),
  {
    key: "worktree.root",
    type: "path",
    default: "$AI_FLEET_HOME/worktrees",
    aliases: ["worktree_root", "project.worktree_root"],
    docs: "Folder the worktrees are made in, one folder for each project.",
  },
  {
    key: "worktree.base",
    type: "revision",
    default: "HEAD",
    docs: "What new branches start from: HEAD is that of the folder the command is run in.",
  },
  {
    key: "worktree.disposable",
    type: "files",
    default: DISPOSABLE,
    docs: "Ignored files and folders that need no saving when a worktree is removed.",
  },
  {
    key: "setup.credential_files",
    type: "files",
    default: [],
    aliases: ["credential_files", "project.credential_files"],
    docs: "Files or globs, relative to the repository, that are copied into each worktree and never committed.",
  },
  {
    key: "setup.share",
    type: "files",
    default: [],
    example: ["node_modules"],
    docs: "Folders, files or globs that git ignores, taken from the repository to each worktree before its setup commands.",
  },
  {
    key: "setup.share_how",
    type: "sharing",
    default: "copy",
    docs: 'As a "copy" (which shares blocks where the file system can), as a "reflink" (only where it can) or as a "link" to the repository\'s own.',
  },
  {
    key: "setup.commands",
    type: "list",
    default: [],
    aliases: ["setup_commands", "project.setup_commands"],
    docs: "Commands run in order in each new worktree before its agent starts.",
  },
  { key: "setup.timeout", type: "seconds", default: 600, docs: "Seconds each setup command may take." },
  {
    key: "setup.quick",
    type: "switch",
    default: false,
    aliases: ["quick_setup", "project.quick_setup"],
    docs: "Skip the setup commands.",
  },
  {
    key: "pool.size",
    type: "amount",
    default: 0,
    docs: "Worktrees of each repository kept ready, checked out and set up, for agents to come. 0: none.",
  },
  {
    key: "pool.refresh",
    type: "list",
    default: [],
    example: ["npm run build"],
    docs: "Commands run in a worktree from the pool, instead of setup.commands, where its base has moved on since it was set up.",
  },
  {
    key: "tmux.socket",
    type: "path",
    default: null,
    defaultText: "tmux.sock in the fleet's folder",
    homeOnly: true,
    docs: "Socket of the fleet's own tmux server; at most 100 bytes. A project file cannot move it.",
  },
  {
    key: "tmux.prefix",
    type: "prefix",
    default: "ai_",
    aliases: ["tmux_prefix"],
    docs: "Start of every session's name: letters, digits, _ and -.",
  },
  { key: "tmux.history_limit", type: "count", default: 50_000, docs: "Lines of history each session keeps." },
  { key: "tmux.detach_key", type: "key", default: "C-q", docs: "Key that leaves an attached session." },
  { key: "tmux.include", type: "path", default: null, docs: "A tmux.conf of yours, read after the fleet's own." },
  {
    key: "fleet.max_parallel",
    type: "count",
    default: Math.max(4, availableParallelism()),
    defaultText: "number of cores, at least 4",
    docs: "Worktrees set up at the same time.",
  },
  {
    key: "fleet.max_running",
    type: "count",
    default: null,
    docs: "Agents alive at once, in all repositories; one more waits in the queue.",
  },
  {
    key: "fleet.min_free_memory",
    type: "size",
    default: null,
    example: "2GB",
    docs: "Memory to stay free. An agent waits in the queue while one more, as large as the largest that runs, would leave less.",
  },
  { key: "logs.max_size", type: "size", default: "20MB", docs: "How much of an agent's output its log keeps." },
  { key: "logs.keep_days", type: "days", default: 30, docs: "Days a log is kept after its agent is gone." },
  { key: "trash.keep_days", type: "days", default: 30, docs: "Days a worktree killed by force stays restorable." },
  { key: "git.timeout", type: "seconds", default: 300, docs: "Seconds without progress after which a git command is given up." },
  { key: "templates.<name>.prompt", type: "text", default: null, docs: "Prompt of agents made from the template." },
  { key: "templates.<name>.agent", type: "name", default: null, defaultText: "agent.default", docs: "Adapter of those agents." },
  { key: "templates.<name>.from", type: "revision", default: null, defaultText: "worktree.base", docs: "What their branches start from." },
  {
    key: "templates.<name>.setup",
    type: "list",
    default: null,
    defaultText: "setup.commands",
    docs: "Commands run instead of setup.commands.",
  },
];

/** Keys of older files that mean nothing here, and why. */
export const IGNORED: ReadonlyMap<string, string> = new Map([
  ["repo_root", "the repository is the one the command is run in"],
  ["project.repo_root", "the repository is the one the command is run in"],
  ["project.name", "a project is named after its folder"],
]);

/** Older name -> today's key. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ...KEYS.flatMap((spec) => (spec.aliases ?? []).map((alias) => [alias, spec.key] as const)),
  ...FLAGGED.flatMap((name) => [
    [`${name}_flags`, `agents.${name}.flags`] as const,
    [`agent.${name}_flags`, `agents.${name}.flags`] as const,
  ]),
]);

/** What a user may name an adapter or a template. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** A key path with what is known of it. */
export interface FoundKey {
  readonly spec: KeySpec;
  /** What stands for `<name>`, null where the key has none. */
  readonly name: string | null;
}

/** The key at a path, null if there is none. */
export function findKey(path: readonly string[]): FoundKey | null {
  for (const spec of KEYS) {
    const parts = spec.key.split(".");
    if (parts.length !== path.length) continue;
    if (parts.every((part, at) => part === path[at] || part === "<name>")) {
      const at = parts.indexOf("<name>");
      return { spec, name: at < 0 ? null : (path[at] ?? null) };
    }
  }
  return null;
}

/** Whether keys can lie below the path. */
export function isSection(path: readonly string[]): boolean {
  const below = (key: string): boolean => {
    const parts = key.split(".");
    return parts.length > path.length && path.every((part, at) => parts[at] === part || parts[at] === "<name>");
  };
  return KEYS.some((spec) => below(spec.key)) || [...ALIASES.keys(), ...IGNORED.keys()].some(below);
}
