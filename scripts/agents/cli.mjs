// The agent programs of which the laboratory knows how to run them: which package, in which version, how they are
// installed, and a private home for each that reaches nothing but the mock model server.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A key that no provider knows. */
const KEY = "sk-fake-0000000000000000000000000000";

export const PACKAGES = {
  codex: ["@openai/codex@0.169.0"],
  opencode: ["opencode-ai@1.18.33"],
  // OpenCode looks for it beside its configuration, and waits more than a minute for the network where it is missing.
  "opencode-plugin": ["@opencode-ai/plugin@1.18.33"],
  claude: ["@anthropic-ai/claude-code@2.1.330"],
  gemini: ["@google/gemini-cli@0.61.0"],
  aimock: ["@copilotkit/aimock@1.43.0"],
};

export const AGENTS = ["codex", "opencode", "claude", "gemini"];

/** Where the programs lie: never among the dependencies of this repository. */
export function cacheFolder() {
  return process.env.AIFLEET_AGENTS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "aifleet-agents");
}

/** Path of an agent's program. */
export function programOf(agent) {
  return join(cacheFolder(), agent, "node_modules", ".bin", agent);
}

/** The version that is installed, null where there is none. */
export function versionOf(name) {
  const id = (PACKAGES[name]?.[0] ?? "").replace(/@[^@]+$/, "");
  try {
    return JSON.parse(readFileSync(join(cacheFolder(), name, "node_modules", id, "package.json"), "utf8")).version;
  } catch {
    return null;
  }
}

/** Installs what is missing; returns the reason where that failed. */
export function install(name) {
  const wanted = PACKAGES[name];
  if (versionOf(name) === wanted[0].split("@").at(-1)) return null;
  const folder = join(cacheFolder(), name);
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("npm", ["i", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", folder, ...wanted], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 600_000,
    });
    return null;
  } catch (error) {
    return `npm could not install ${wanted[0]}: ${String(error.stderr ?? error.message).split("\n")[0]}`;
  }
}

/** The environment of every agent: a home of its own, no telemetry, no updates, nothing of the caller's. */
export function environmentOf(home, url, more = {}) {
  return {
    PATH: process.env.PATH,
    HOME: home,
    TMPDIR: join(home, "tmp"),
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    SHELL: "/bin/sh",
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_DATA_HOME: join(home, ".local", "share"),
    XDG_STATE_HOME: join(home, ".local", "state"),
    XDG_CACHE_HOME: join(home, ".cache"),
    GIT_CONFIG_NOSYSTEM: "1",
    NO_UPDATE_NOTIFIER: "1",
    // codex
    CODEX_HOME: join(home, ".codex"),
    LAB_KEY: KEY,
    // claude
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: KEY,
    IS_SANDBOX: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    // opencode
    OPENCODE_DISABLE_AUTOUPDATE: "1",
    OPENCODE_DISABLE_MODELS_FETCH: "1",
    OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
    // gemini
    GOOGLE_GEMINI_BASE_URL: url,
    GEMINI_API_KEY: KEY,
    ...more,
  };
}

/** Fills a home with what keeps first-run dialogs away; `trusted` are the repositories that need no question. */
export function furnish(home, url, trusted) {
  const write = (path, content) => {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`);
  };
  mkdirSync(join(home, "tmp"), { recursive: true });
  write(".gitconfig", "[user]\n\tname = Lab\n\temail = lab@example.invalid\n[init]\n\tdefaultBranch = main\n");
  write(".codex/config.toml", codexConfig(url, trusted));
  write(".claude.json", {
    hasCompletedOnboarding: true,
    theme: "dark",
    customApiKeyResponses: { approved: [KEY.slice(-20)], rejected: [] },
    bypassPermissionsModeAccepted: true,
    projects: Object.fromEntries(trusted.map((path) => [path, { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true }])),
  });
  write(".config/opencode/opencode.json", opencodeConfig(url));
  const plugin = join(cacheFolder(), "opencode-plugin");
  const there = existsSync(join(home, ".config/opencode/node_modules"));
  if (existsSync(plugin) && !there) execFileSync("cp", ["-a", `${plugin}/.`, join(home, ".config/opencode")], { stdio: "ignore" });
  write(".gemini/settings.json", {
    // By itself it asks a model which model to ask.
    model: { name: "gemini-2.5-pro" },
    security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
    general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
  });
}

function codexConfig(url, trusted) {
  const lines = [
    'model = "gpt-5.2-codex"',
    'model_provider = "lab"',
    "check_for_update_on_startup = false",
    "[model_providers.lab]",
    'name = "Lab"',
    `base_url = "${url}/v1"`,
    'env_key = "LAB_KEY"',
    'wire_api = "responses"',
    "request_max_retries = 2",
    "stream_max_retries = 2",
    "[analytics]",
    "enabled = false",
    "[otel]",
    'exporter = "none"',
  ];
  for (const path of trusted) lines.push(`[projects."${path}"]`, 'trust_level = "trusted"');
  return `${lines.join("\n")}\n`;
}

function opencodeConfig(url) {
  return {
    $schema: "https://opencode.ai/config.json",
    autoupdate: false,
    share: "disabled",
    enabled_providers: ["lab"],
    model: "lab/lab-model",
    small_model: "lab/lab-model",
    provider: {
      lab: {
        npm: "@ai-sdk/openai-compatible",
        name: "Lab",
        options: { baseURL: `${url}/v1`, apiKey: KEY },
        models: { "lab-model": { name: "Lab Model", limit: { context: 200_000, output: 8_000 } } },
      },
    },
    permission: { bash: "ask", edit: "ask" },
  };
}
