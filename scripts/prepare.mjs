// What every script of the repository needs first: the right programs, the packages, the build.
// Uses nothing but Node itself, since it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const TOOLS = [
  { name: "git", argv: ["--version"], least: [2, 36], install: "apt-get install git, brew install git" },
  { name: "tmux", argv: ["-V"], least: [3, 2], install: "apt-get install tmux, brew install tmux" },
];

/** Ends the script with one clear line if Node, git or tmux is missing or too old. */
export function requireTools() {
  const problems = [];
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) problems.push(`Node ${process.versions.node} is too old: 20.19 or newer is needed.`);
  for (const tool of TOOLS) {
    const result = spawnSync(tool.name, tool.argv, { encoding: "utf8" });
    if (result.error) {
      problems.push(`${tool.name} is not installed (${tool.install}).`);
      continue;
    }
    const version = /(\d+)\.(\d+)/.exec(result.stdout);
    const [a, b] = version ? [Number(version[1]), Number(version[2])] : [0, 0];
    if (a < tool.least[0] || (a === tool.least[0] && b < tool.least[1])) {
      problems.push(`${tool.name} ${version?.[0] ?? "?"} is too old: ${tool.least.join(".")} or newer is needed (${tool.install}).`);
    }
  }
  if (problems.length === 0) return;
  for (const problem of problems) console.error(`error: ${problem}`);
  process.exit(5);
}

/** Runs a program of the repository; ends the script with its exit code if it fails. */
export function run(argv, options = {}) {
  const [file, ...args] = argv;
  const result = spawnSync(file, args, { cwd: root, stdio: "inherit", env: environment(), ...options });
  if (result.error) {
    console.error(`error: ${file} could not be started: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0 && options.mayFail !== true) process.exit(result.status ?? 1);
  return result;
}

/** The caller's environment, less what would send git elsewhere or phone home. */
export function environment(extra = {}) {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...extra };
  for (const name of Object.keys(env)) if (/^(GIT_|TMUX)/.test(name)) delete env[name];
  return env;
}

/** Installs the packages if they are missing or the lock file has changed since. */
export function installPackages() {
  const stamp = join(root, "node_modules", ".installed");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("Installing packages …");
  run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, wanted);
}

/** Builds the packages if a source is newer than what was built. */
export function build() {
  const sources = ["packages/core", "packages/cli"].flatMap((name) => newest(join(root, name), ["src", "package.json", "tsup.config.ts"]));
  const outputs = ["packages/core/dist/index.js", "packages/core/dist/index.d.ts", "packages/cli/dist/fleet.cjs"].map((path) =>
    modified(join(root, path)),
  );
  if (Math.min(...outputs) >= Math.max(...sources)) return;
  console.error("Building …");
  const result = run(
    [process.execPath, join(root, "node_modules/turbo/bin/turbo"), "run", "build", "--output-logs=errors-only", "--no-update-notifier"],
    {
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
      mayFail: true,
    },
  );
  if (result.status === 0) return;
  console.error(result.stdout + result.stderr);
  console.error("error: the build failed.");
  process.exit(1);
}

function newest(folder, names) {
  return names.flatMap((name) => {
    const path = join(folder, name);
    if (!existsSync(path)) return [];
    if (!statSync(path).isDirectory()) return [modified(path)];
    return readdirSync(path, { recursive: true }).map((entry) => modified(join(path, String(entry))));
  });
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}
