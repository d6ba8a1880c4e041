// What a run of fleet does to the agents' own files: none is opened for writing by a process of fleet's, and what the program
// itself changes in them it changes as much without fleet.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { programOf } from "./cli.mjs";
import { HOME } from "./namespace.mjs";
import { startStage } from "./scenarios.mjs";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Settings, and what programs keep beside them: not their conversations, logs and caches, of which each has its own. */
const CONFIG = [
  ".claude.json",
  ".claude/settings.json",
  ".claude/settings.local.json",
  ".codex/config.toml",
  ".codex/hooks.json",
  ".codex/auth.json",
  ".config/opencode",
  ".gemini/settings.json",
  ".gemini/trustedFolders.json",
  ".gemini/GEMINI.md",
  ".bashrc",
  ".profile",
  ".gitconfig",
  ".tmux.conf",
  ".config/git",
];

/** By itself claude asks a model whether to ask, and notes that it has said so. */
const modeOf = (agent) => (agent === "claude" ? ["--mode", "ask"] : []);

/** Digests of what there is, by path; folders of libraries left out. */
function snapshot() {
  const found = new Map();
  const walk = (path, name) => {
    if (!existsSync(path) || /(^|\/)node_modules(\/|$)/.test(name)) return;
    if (statSync(path).isDirectory()) for (const each of readdirSync(path)) walk(join(path, each), `${name}/${each}`);
    else found.set(name, readFileSync(path));
  };
  for (const name of CONFIG) walk(join(HOME, name), name);
  return found;
}

/** What differs: for JSON the keys, as deep as they go, without names of folders and sessions. */
function changes(before, after) {
  const told = new Set();
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(name), after.get(name)];
    if (old !== undefined && now !== undefined && old.equals(now)) continue;
    if (!name.endsWith(".json") || old === undefined || now === undefined)
      told.add(`${name}${old === undefined ? " (new)" : now === undefined ? " (gone)" : ""}`);
    else for (const key of differing(JSON.parse(old.toString()), JSON.parse(now.toString()))) told.add(`${name}: ${key}`);
  }
  return told;
}

function differing(a, b, path = "") {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const deep = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!deep(a) || !deep(b)) return [path.replace(/\/home\/[^.]*|[0-9a-f]{8}-[0-9a-f-]{27}/g, "…")];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    differing(a[key], b[key], path === "" ? key : `${path}.${key}`),
  );
}

export async function untouched(agent, model, fleetBin) {
  const withFleet = await run(agent, model, fleetBin, async (stage) => {
    const made = await stage.fleet("create", "a", "--agent", agent, ...modeOf(agent), "--prompt", "Say hello, please");
    if (made.code !== 0) throw new Error(`create: exit ${made.code}: ${made.text.slice(0, 300)}`);
    await answered(stage, "Say hello, please");
    await stage.fleet("prompt", "a", "And once more");
    await answered(stage, "And once more");
    const opened = await openedForWriting(stage, fleetBin);
    await stage.fleet("stop", "a");
    return opened;
  });
  const without = await run(agent, model, fleetBin, async (stage) => {
    const tree = join(HOME, "worktrees-by-hand", "a");
    mkdirSync(join(tree, ".."), { recursive: true });
    execFileSync("git", ["-C", stage.repo, "worktree", "add", "-q", "-b", "a", tree], { env: stage.env });
    const first = { claude: ["--permission-mode", "manual"], codex: [], opencode: ["--prompt"], gemini: ["-i"] }[agent];
    const tmux = (...args) =>
      execFileSync("tmux", ["-u", "-S", join(HOME, "hand.sock"), "-f", "/dev/null", ...args], { env: stage.env, encoding: "utf8" });
    tmux("new-session", "-d", "-x", "200", "-y", "50", "-c", tree, "--", programOf(agent), ...first, "Say hello, please");
    await answered(stage, "Say hello, please");
    await pause(3000);
    tmux("set-buffer", "And once more");
    tmux("paste-buffer", "-p", "-d");
    await pause(500);
    tmux("send-keys", "Enter");
    await answered(stage, "And once more");
    tmux("kill-server");
    return [];
  });
  const onlyWith = [...withFleet.changed].filter((each) => !without.changed.has(each));
  return { opened: withFleet.found, onlyWith, both: [...withFleet.changed].filter((each) => without.changed.has(each)) };
}

async function run(agent, model, fleetBin, act) {
  model.requests.length = 0;
  const stage = await startStage(agent, model, fleetBin);
  const before = snapshot();
  try {
    const found = await act(stage);
    await pause(1500);
    return { found, changed: changes(before, snapshot()) };
  } finally {
    await stage.end();
  }
}

async function answered(stage, prompt) {
  const { good } = await stage.until(
    () => stage.taken(prompt),
    (times) => times > 0,
    90,
  );
  if (!good) throw new Error(`The prompt "${prompt}" never came.`);
  await pause(3000);
}

/** Files outside of fleet's own home and the repository's git directory that commands of fleet open for writing; null where that cannot be seen. */
async function openedForWriting(stage, fleetBin) {
  if (spawnSync("strace", ["-V"]).status !== 0) return null;
  const trace = join(HOME, "trace");
  const commands = [
    ["create", "b", "--agent", stage.agent, ...modeOf(stage.agent), "--prompt", "Say hello, again"],
    ["prompt", "a", "Once more"],
    ["list"],
    ["stop", "b"],
    ["resume", "b"],
    ["kill", "b", "--force", "--yes"],
  ];
  const opened = new Set();
  let own = 0;
  for (const args of commands) {
    const argv = [
      "-f",
      "-qq",
      "-e",
      "trace=openat,open,creat,rename,renameat,renameat2,unlink,unlinkat",
      "-e",
      "signal=none",
      "-b",
      "execve",
      "-o",
      trace,
      process.execPath,
      fleetBin,
      ...args,
      "--json",
      "--repo",
      stage.repo,
    ];
    // Programs it starts are left alone: what git and tmux do is theirs.
    await new Promise((resolve) => spawn("strace", argv, { env: stage.env, cwd: stage.repo, stdio: "ignore" }).once("close", resolve));
    for (const line of readFileSync(trace, "utf8").split("\n")) {
      if (!/O_(WRONLY|RDWR|CREAT)|^\d+ +(creat|rename|unlink)/.test(line) || /= -1 E/.test(line)) continue;
      for (const [, path] of line.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
        if (path.startsWith(join(HOME, ".ai_fleet"))) own += 1;
        if (path.startsWith(HOME) && !path.startsWith(join(HOME, ".ai_fleet")) && !path.startsWith(join(stage.repo, ".git")))
          opened.add(path);
      }
    }
  }
  if (own < commands.length) throw new Error("strace has not seen fleet write even into its own home");
  return [...opened];
}
