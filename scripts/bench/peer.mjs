// The Python ai-fleet beside this one: a checkout of it, or its executable, timed at what both can do.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { clean, env, fleet, inPairs, makeRepo, world } from "./machine.mjs";

const AGENTS = 10;

/** Ratios of ours to theirs, with the milliseconds of both. */
export function besidePeer(path, count) {
  const peer = preparePeer(resolve(path));
  const repo = makeRepo("peer-ours", 20);
  try {
    const made = { ours: 0, theirs: 0 };
    const rows = [];
    const row = (what, ours, theirs, after, before) => rows.push({ what, ...inPairs(count, ours, theirs, after, before) });
    for (; made.ours < AGENTS; made.ours += 1) fleet(["create", `a${made.ours}`], repo);
    for (; made.theirs < AGENTS; made.theirs += 1) peer.run("create", `a${made.theirs}`);
    row(
      `list, ${AGENTS} agents`,
      () => fleet(["list"], repo),
      () => peer.run("list"),
    );
    const removeBoth = (n) => {
      fleet(["kill", `c${n}`, "--force", "--yes"], repo);
      peer.run("kill", `c${n}`, "--force");
    };
    row(
      "create",
      (n) => fleet(["create", `c${n}`], repo),
      (n) => peer.run("create", `c${n}`),
      removeBoth,
    );
    row(
      "kill",
      (n) => fleet(["kill", `k${n}`], repo),
      (n) => peer.run("kill", `k${n}`, "--force"),
      () => undefined,
      (n) => {
        fleet(["create", `k${n}`], repo);
        peer.run("create", `k${n}`);
      },
    );
    return rows;
  } finally {
    peer.dispose();
    clean(repo);
  }
}

/** A home, a tmux server and a repository of its own for the peer; ends the script with one line if it cannot run. */
function preparePeer(path) {
  const argv = commandOf(path);
  const home = join(world, "peer");
  const tools = join(home, "bin");
  mkdirSync(tools, { recursive: true });
  // The agent it starts by default.
  writeFileSync(join(tools, "claude"), "#!/bin/sh\nexec cat\n", { mode: 0o755 });
  const repo = makeRepo("peer", 20);
  mkdirSync(join(home, ".ai_fleet"));
  writeFileSync(join(home, ".ai_fleet", "config.toml"), `repo_root = "${repo}"\nworktree_root = "${join(home, "worktrees")}"\n`);
  const own = {
    ...env,
    HOME: home,
    PATH: `${tools}${delimiter}${env.PATH}`,
    TMUX_TMPDIR: home,
    PYTHONPATH: [join(path, "src"), path].join(delimiter),
  };
  delete own.AI_FLEET_HOME;
  delete own.AIFLEET_AGENT_DEFAULT;
  const start = (args, input) =>
    spawnSync(argv[0], [...argv.slice(1), ...args], { cwd: repo, env: own, encoding: "utf8", input, timeout: 60_000 });
  const peer = {
    run(...args) {
      const result = start(args, "");
      if (result.status !== 0) throw new PeerError(`the peer at ${path} failed at ${args[0]}: ${lastLine(result)}`);
    },
    dispose: () => spawnSync("tmux", ["kill-server"], { env: own, stdio: "ignore" }),
  };
  const help = start(["--help"], "");
  if (help.status !== 0) throw new PeerError(`the peer at ${path} cannot be run: ${lastLine(help)}`);
  // Later versions want a file in the project.
  if (/^\s+init\b/m.test(help.stdout)) start(["init", "--type", "minimal"], "y\n");
  return peer;
}

/** What is said to a person in one line. */
export class PeerError extends Error {}

function commandOf(path) {
  if (!existsSync(path)) throw new PeerError(`there is no peer at ${path}.`);
  if (statSync(path).isFile()) return [path];
  const installed = join(path, ".venv", "bin", "fleet");
  if (existsSync(installed)) return [installed];
  if (![join(path, "src", "aifleet"), join(path, "aifleet")].some((folder) => existsSync(folder)))
    throw new PeerError(`${path} is no checkout of the Python ai-fleet: it holds no package aifleet.`);
  const program = ["-c", 'from aifleet.cli import cli; cli(prog_name="fleet")'];
  const hasUv = existsSync(join(path, "uv.lock")) && spawnSync("uv", ["--version"]).status === 0;
  return hasUv ? ["uv", "run", "--project", path, "python", ...program] : ["python3", ...program];
}

function lastLine({ error, stderr, stdout, signal }) {
  if (error !== undefined) return error.message;
  const said = `${stdout ?? ""}\n${stderr ?? ""}`.trim().split("\n").at(-1);
  return said || (signal ? `ended by ${signal}` : "it said nothing");
}

export function printPeer(rows) {
  console.log("\nBeside the Python ai-fleet:");
  for (const { what, ratio, ours, theirs } of rows)
    console.log(
      `${what.padEnd(20)}${`${Math.round(ours)} ms`.padStart(10)}${`${Math.round(theirs)} ms`.padStart(10)}${ratio.toFixed(3).padStart(8)}`,
    );
}
