// What every measurement needs: a world of its own on a memory disk, and ways to run and time commands in it.
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, root } from "../prepare.mjs";

export const bin = join(root, "packages/cli/bin/fleet.js");
export const world = mkdtempSync(join(memoryDisk(), "fleet-bench-"));
const home = join(world, "home");
mkdirSync(home);
// An agent that waits for input, as real ones do, and costs nothing: what is measured is the fleet.
export const env = {
  ...environment(),
  HOME: home,
  AI_FLEET_HOME: join(home, ".ai_fleet"),
  AIFLEET_AGENT_DEFAULT: "reader",
  GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
  TMPDIR: world,
};
delete env.NODE_EXTRA_CA_CERTS;
writeFileSync(
  env.GIT_CONFIG_GLOBAL,
  "[user]\n\tname = Bench\n\temail = bench@example.invalid\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n",
);
mkdirSync(env.AI_FLEET_HOME, { mode: 0o700 });
writeFileSync(join(env.AI_FLEET_HOME, "config.toml"), '[agents.reader]\ncommand = ["sh", "-c", "exec cat", "agent"]\n', { mode: 0o600 });

/** The fleet's own tmux server, and that of the raw side. */
export const fleetSocket = join(env.AI_FLEET_HOME, "tmux.sock");
export const rawSocket = join(world, "raw.sock");

/** Ends both servers with all they hold, and removes the world. */
export function dispose() {
  for (const socket of [rawSocket, fleetSocket])
    if (existsSync(socket)) spawnSync("tmux", ["-S", socket, "kill-server"], { env, stdio: "ignore" });
  rmSync(world, { recursive: true, force: true, maxRetries: 5 });
}

export function sh(script, cwd) {
  return execFileSync("/bin/sh", ["-eu", "-c", script], { cwd, env, stdio: ["ignore", "pipe", "ignore"] });
}

/** Runs `fleet`; throws if it fails. */
export function fleet(args, cwd, extra = {}) {
  const result = spawnSync(process.execPath, [bin, ...args], { cwd, env: { ...env, ...extra }, encoding: "utf8", maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`fleet ${args.join(" ")}: exit ${result.status}: ${result.stderr}${result.stdout}`);
  return result;
}

export function makeRepo(name, files) {
  const repo = join(world, name, "repo");
  mkdirSync(repo, { recursive: true });
  sh("git init -q", repo);
  for (let n = 0; n < files; n += 1) {
    const folder = join(repo, `d${n % 100}`);
    if (n < 100) mkdirSync(folder);
    writeFileSync(join(folder, `f${n}.txt`), `file ${n}\n`.repeat(20));
  }
  sh("git add -A; git commit -q -m first", repo);
  return repo;
}

/** Removes every agent and all that the raw side made. */
export function clean(repo) {
  fleet(["kill", "--all", "--force", "--yes"], repo);
  if (existsSync(rawSocket)) spawnSync("tmux", ["-S", rawSocket, "kill-server"], { env, stdio: "ignore" });
  sh(
    "rm -rf ../raw; git worktree prune; git for-each-ref --format='%(refname:short)' refs/heads | grep -v '^main$' | xargs -r git branch -q -D",
    repo,
  );
}

/** Wall clock of some work, milliseconds. */
export function timed(work) {
  const began = performance.now();
  work();
  return performance.now() - began;
}

/** Waits until what a kill has left to the background is gone. */
function deleted() {
  const folder = join(env.AI_FLEET_HOME, "worktrees");
  while (existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(".aifleet-delete-"))) sh("sleep 0.05", world);
}

/** Takes turns A B A B; the first pair warms up and does not count. */
export function inPairs(count, ours, theirs, after = () => {}, before = () => {}) {
  const a = [];
  const b = [];
  for (let n = 0; n <= count; n += 1) {
    before(n);
    const first = timed(() => ours(n));
    // What a kill has left to the background must not slow down the other side.
    deleted();
    const second = timed(() => theirs(n));
    after(n);
    if (n > 0) {
      a.push(first);
      b.push(second);
    }
  }
  return { ratio: median(a.map((value, n) => value / b[n])), ours: median(a), theirs: median(b) };
}

export function median(values) {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.floor(sorted.length / 2)];
}

/** User and system time of a process with that of its ended children, in hundredths of a second. */
export function ticks(pid) {
  return fieldsOf(pid, [11, 12, 13, 14]);
}

/** The same of the children of this process that have ended. */
export function childTicks() {
  return fieldsOf(process.pid, [13, 14]);
}

function fieldsOf(pid, places) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return places.reduce((sum, at) => sum + Number(fields[at]), 0);
}

function memoryDisk() {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}
