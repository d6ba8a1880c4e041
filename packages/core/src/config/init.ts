import { toToml } from "./first-file.js";

/** Kinds of project that `fleet init` knows. */
export const PROJECT_TYPES = ["rails", "node", "python", "generic"] as const;

export type ProjectType = (typeof PROJECT_TYPES)[number];

/** What kind of project has these files in its top folder. */
export function detectType(fileNames: readonly string[]): ProjectType {
  const has = (...names: string[]): boolean => names.some((name) => fileNames.includes(name));
  if (has("Gemfile") && has("config.ru", "Rakefile", "bin", "config")) return "rails";
  if (has("package.json")) return "node";
  if (has("pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "Pipfile", "uv.lock", "poetry.lock")) return "python";
  return "generic";
}

interface Proposal {
  readonly credentials: readonly string[];
  readonly commands: readonly string[];
  readonly why: string;
}

/** Text of a project's `.aifleet/config.toml`. `fileNames`: those of its top folder, which decide between a kind's tools. */
export function projectConfigText(type: ProjectType, fileNames: readonly string[] = []): string {
  const { credentials: usual, commands, why } = proposal(type, fileNames);
  // What is not there would be missed, with a warning, at each start. Deeper ones are not looked for.
  const credentials = usual.filter((path) => path.includes("/") || fileNames.length === 0 || fileNames.includes(path));
  return [
    "# Settings of this project for the fleet. Commit the file if the team is to share them:",
    "# everybody is asked once, and again after each change, before it has any effect (`fleet trust`).",
    "",
    "[setup]",
    "# Files that git ignores and that a worktree needs, copied into each one and never committed.",
    `credential_files = ${toToml(credentials)}`,
    "",
    `# ${why}`,
    `commands = ${toToml(commands)}`,
    "",
    "# Seconds each of them may take.",
    "# timeout = 600",
    "",
    "[worktree]",
    "# What new branches start from.",
    '# base = "main"',
    "",
    "[agent]",
    "# Adapter used when a command names none.",
    '# default = "claude"',
    "",
  ].join("\n");
}

function proposal(type: ProjectType, fileNames: readonly string[]): Proposal {
  const has = (name: string): boolean => fileNames.includes(name);
  switch (type) {
    case "rails":
      return {
        credentials: [".env", "config/master.key", "config/credentials/*.key", "config/database.yml"],
        commands: ["bundle install", ...nodeInstall(fileNames, false), "bin/rails db:prepare"],
        why: "Run in each new worktree before its agent starts. Give each worktree a database of its own if they must not share one.",
      };
    case "node":
      return {
        credentials: [".env", ".env.local", ".npmrc"],
        commands: nodeInstall(fileNames, true),
        why: "Run in each new worktree before its agent starts.",
      };
    case "python":
      return {
        credentials: [".env"],
        commands: pythonInstall(has),
        why: "Run in each new worktree before its agent starts.",
      };
    case "generic":
      return { credentials: [".env"], commands: [], why: 'Run in each new worktree before its agent starts, such as ["make deps"].' };
  }
}

/** The install command of the package manager whose lock file is there. */
function nodeInstall(fileNames: readonly string[], always: boolean): string[] {
  if (fileNames.includes("pnpm-lock.yaml")) return ["pnpm install --frozen-lockfile"];
  if (fileNames.includes("yarn.lock")) return ["yarn install --immutable || yarn install --frozen-lockfile"];
  if (fileNames.includes("bun.lockb") || fileNames.includes("bun.lock")) return ["bun install --frozen-lockfile"];
  if (fileNames.includes("package-lock.json") || fileNames.includes("npm-shrinkwrap.json")) return ["npm ci"];
  // `npm ci` refuses to work without a lock file.
  return always ? [fileNames.length === 0 ? "npm ci" : "npm install"] : [];
}

function pythonInstall(has: (name: string) => boolean): string[] {
  if (has("uv.lock")) return ["uv sync"];
  if (has("poetry.lock")) return ["poetry install"];
  if (has("Pipfile.lock")) return ["pipenv sync"];
  const venv = "python3 -m venv .venv";
  if (has("requirements.txt")) return [venv, ".venv/bin/pip install -r requirements.txt"];
  if (has("pyproject.toml") || has("setup.py")) return [venv, ".venv/bin/pip install -e ."];
  return [venv];
}
