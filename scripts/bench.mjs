// npm run bench: what a command costs, as a ratio to what a person's own shell lines cost on the same machine.
// Both sides in one run, taking turns; medians of pairs. Nothing here fails a build: counts do, in the tests.
//
//   npm run bench -- [--quick] [--json FILE] [--only P1,P3] [--pairs N]
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, environment, installPackages, requireTools, root } from "./prepare.mjs";

const { values: flags } = parseArgs({
  options: { quick: { type: "boolean" }, json: { type: "string" }, only: { type: "string" }, pairs: { type: "string" } },
});
requireTools();
installPackages();
build();

const PAIRS = Number(flags.pairs ?? (flags.quick ? 3 : 7));
const SETUP_SECONDS = flags.quick ? 5 : 20;
const bin = join(root, "packages/cli/bin/fleet.js");
const place = memoryDisk();
const world = mkdtempSync(join(place, "fleet-bench-"));
const home = join(world, "home");
mkdirSync(home);
// An agent that waits for input, as real ones do, and costs nothing: what is measured is the fleet.
const env = {
  ...environment(),
  HOME: home,
  AI_FLEET_HOME: join(home, ".ai_fleet"),
  AIFLEET_AGENT_DEFAULT: "reader",
  GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
  TMPDIR: world,
};
delete env.NODE_EXTRA_CA_CERTS;
for (const name of Object.keys(env)) if (name.startsWith("GIT_") && name !== "GIT_CONFIG_GLOBAL") delete env[name];
writeFileSync(
  join(home, "gitconfig"),
  "[user]\n\tname = Bench\n\temail = bench@example.invalid\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n",
);
mkdirSync(env.AI_FLEET_HOME, { mode: 0o700 });
writeFileSync(join(env.AI_FLEET_HOME, "config.toml"), '[agents.reader]\ncommand = ["sh", "-c", "exec cat", "agent"]\n', { mode: 0o600 });

const sh = (script, cwd) => execFileSync("/bin/sh", ["-eu", "-c", script], { cwd, env, stdio: ["ignore", "pipe", "ignore"] });
const fleet = (args, cwd) => {
  const result = spawnSync(process.execPath, [bin, ...args], { cwd, env, encoding: "utf8", maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`fleet ${args.join(" ")}: exit ${result.status}: ${result.stderr}`);
  return result;
};
const rawSocket = join(world, "raw.sock");
const rawTmux = `tmux -S ${rawSocket} -f /dev/null`;

const rows = [];
const only = flags.only?.split(",");
try {
  const small = makeRepo("small", 20);
  await bar("P1", "fleet list, 100 agents / list-panes -a + ps", 3.0, async () => {
    fleet(["fanout", "100", "l", "--prompt", "x"], small);
    const row = pairs(
      () => fleet(["list"], small),
      () =>
        sh(
          `tmux -S '${join(env.AI_FLEET_HOME, "tmux.sock")}' list-panes -a -F '#{session_name} #{pane_pid} #{pane_dead}'; ps -eo pid,ppid,rss,pcpu,args`,
          small,
        ),
    );
    return row;
  });
  await bar("P12", "memory of fleet list / node -e 0", 2.0, async () => ({
    ratio: memory([bin, "list"], small) / memory(["-e", "0"], small),
  }));
  await bar("P13", "CPU of list --watch over 100 agents, percent of a core (with tmux)", 2.0, async () => ({
    ratio: await watchCost(small),
  }));
  fleet(["kill", "--all", "--force", "--yes"], small);
  await bar("P2", "fleet create, small repository / raw", 4.0, async () =>
    pairs(
      (n) => fleet(["create", `c${n}`], small),
      (n) => rawCreate(small, [`rc${n}`]),
      () => clean(small),
    ),
  );
  await bar("P3", "fleet fanout 10, small / raw ten times", 0.75, async () => fan(small, 10));
  await bar("P4", "fleet fanout 50, small / raw fifty times", 0.4, async () => fan(small, 50));
  await bar("P6", "fleet kill of 50 clean ones / raw", 0.6, async () =>
    pairs(
      () => fleet(["kill", "--all", "--yes"], small),
      () => rawKill(small, 50),
      () => clean(small),
      (n) => {
        fleet(["fanout", "50", `k${n}`, "--prompt", "x"], small);
        rawCreate(small, names(`rk${n}`, 50));
      },
    ),
  );
  await bar("P8", "fleet --help / node -e 0", 2.8, async () =>
    pairs(
      () => fleet(["--help"], small),
      () => spawnSync(process.execPath, ["-e", "0"], { env }),
    ),
  );
  await bar("P9", "fleet logs / node -e 0 + the tmux call", 2.8, async () => {
    fleet(["create", "logs"], small);
    const row = pairs(
      () => fleet(["logs", "logs"], small),
      () => {
        spawnSync(process.execPath, ["-e", "0"], { env });
        sh(`tmux -S '${join(env.AI_FLEET_HOME, "tmux.sock")}' capture-pane -p -S -100 -t ai_`, small);
      },
    );
    clean(small);
    return row;
  });
  const large = makeRepo("large", 3000);
  await bar("P5", "fleet fanout 10, 3,000 files / raw ten times", 0.6, async () => fan(large, 10));
  if (!flags.quick && (only === undefined || only.includes("P7"))) {
    const huge = makeRepo("huge", 50_000);
    await bar("P7", "fleet kill of 1 clean one, 50,000 files / raw", 0.65, async () =>
      pairs(
        () => fleet(["kill", "--all"].concat("--yes"), huge),
        () => rawKill(huge, 1),
        () => clean(huge),
        (n) => {
          fleet(["create", `h${n}`], huge);
          rawCreate(huge, [`rh${n}-1`]);
        },
        Math.min(PAIRS, 3),
      ),
    );
  }
  await bar("P11", `fleet create from the pool, setup of ${SETUP_SECONDS} s / without`, 0.05, async () => pool(small));
  await bar("P10", "SDK: second fleet.list() of 100 agents / the one tmux call", 2.0, async () => sdkList(small));
  print();
  if (flags.json) writeFileSync(flags.json, `${JSON.stringify({ node: process.version, pairs: PAIRS, rows }, null, 2)}\n`);
} finally {
  for (const socket of [rawSocket, join(env.AI_FLEET_HOME, "tmux.sock")])
    spawnSync("tmux", ["-S", socket, "kill-server"], { env, stdio: "ignore" });
  rmSync(world, { recursive: true, force: true, maxRetries: 5 });
}

async function bar(id, what, limit, measure) {
  if (only !== undefined && !only.includes(id)) return;
  process.stderr.write(`${id} ${what} … `);
  const { ratio, ours, theirs } = await measure();
  rows.push({ id, what, limit, ratio, oursMs: ours ?? null, theirsMs: theirs ?? null, held: ratio <= limit });
  process.stderr.write(`${ratio.toFixed(2)} (bar ${limit})\n`);
}

/** An agent whose setup is done, against one whose setup is not. Nothing is filled in the background: that is not what is measured. */
function pool(repo) {
  env.AIFLEET_SETUP_COMMANDS = `sleep ${SETUP_SECONDS}`;
  try {
    return pairs(
      (n) => fleet(["create", `w${n}`], repo),
      (n) => fleet(["create", `v${n}`], repo),
      () => clean(repo),
      () => fleet(["pool", "fill", "1"], repo),
      flags.quick ? 2 : 3,
    );
  } finally {
    fleet(["pool", "drain"], repo);
    delete env.AIFLEET_SETUP_COMMANDS;
  }
}

/** Takes turns A B A B; the first pair warms up and does not count. */
function pairs(ours, theirs, after = () => {}, before = () => {}, count = PAIRS) {
  const a = [];
  const b = [];
  for (let n = 0; n <= count; n += 1) {
    before(n);
    const first = timed(() => ours(n));
    const second = timed(() => theirs(n));
    after(n);
    if (n > 0) {
      a.push(first);
      b.push(second);
    }
  }
  return { ratio: median(a.map((value, n) => value / b[n])), ours: median(a), theirs: median(b) };
}

function timed(work) {
  const began = performance.now();
  work();
  return performance.now() - began;
}

function median(values) {
  const sorted = [...values].sort((x, y) => x - y);
  return sorted[Math.floor(sorted.length / 2)];
}

function names(prefix, count) {
  return Array.from({ length: count }, (_, n) => `${prefix}-${n + 1}`);
}

function fan(repo, count) {
  return pairs(
    (n) => fleet(["fanout", String(count), `f${n}`, "--prompt", "x"], repo),
    (n) => rawCreate(repo, names(`rf${n}`, count)),
    () => clean(repo),
  );
}

/** What a person's own script does: a worktree, a session with the agent in it, the prompt typed. */
function rawCreate(repo, branches) {
  for (const branch of branches) {
    sh(
      `git worktree add -q -b ${branch} ../raw/${branch}; ${rawTmux} new-session -d -s ${branch} -c ../raw/${branch} -- cat; ${rawTmux} send-keys -t =${branch}: x Enter`,
      repo,
    );
  }
}

function rawKill(repo, count) {
  const branches = String(sh("git for-each-ref --format='%(refname:short)' 'refs/heads/r*'", repo))
    .split("\n")
    .filter(Boolean)
    .slice(0, count);
  for (const branch of branches)
    sh(`${rawTmux} kill-session -t =${branch}; git worktree remove ../raw/${branch}; git branch -q -D ${branch}`, repo);
}

function clean(repo) {
  fleet(["kill", "--all", "--force", "--yes"], repo);
  spawnSync("tmux", ["-S", rawSocket, "kill-server"], { env, stdio: "ignore" });
  sh(
    "rm -rf ../raw; git worktree prune; git for-each-ref --format='%(refname:short)' refs/heads | grep -v '^main$' | xargs -r git branch -q -D",
    repo,
  );
}

function makeRepo(name, files) {
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

function memory(args, cwd) {
  const result = spawnSync("/usr/bin/time", ["-f", "%M", process.execPath, ...args], { cwd, env, encoding: "utf8" });
  return Number(result.stderr.trim().split("\n").at(-1));
}

/** Processor time of the watcher and of tmux over some seconds, percent of one core. */
async function watchCost(repo) {
  const child = spawn(process.execPath, [bin, "list", "--watch", "--json"], { cwd: repo, env, stdio: ["ignore", "ignore", "ignore"] });
  const server = Number(String(sh(`tmux -S '${join(env.AI_FLEET_HOME, "tmux.sock")}' display-message -p '#{pid}'`, repo)).trim());
  const seconds = flags.quick ? 5 : 15;
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = ticks(child.pid) + ticks(server);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const used = ticks(child.pid) + ticks(server) - before;
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  return used / seconds;
}

/** User and system time with that of ended children, in hundredths of a second. */
function ticks(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
}

async function sdkList(repo) {
  const { Fleet } = await import(join(root, "packages/core/dist/index.js"));
  fleet(["fanout", "100", "s", "--prompt", "x"], repo);
  const open = await Fleet.open({ repo, env });
  await open.list();
  const a = [];
  const b = [];
  for (let n = 0; n < PAIRS * 3; n += 1) {
    const began = performance.now();
    await open.list();
    a.push(performance.now() - began);
    b.push(
      timed(() =>
        execFileSync(
          "tmux",
          ["-S", join(env.AI_FLEET_HOME, "tmux.sock"), "list-panes", "-a", "-F", "#{session_name} #{pane_pid} #{pane_dead}"],
          { env },
        ),
      ),
    );
  }
  clean(repo);
  return { ratio: median(a.map((value, n) => value / b[n])), ours: median(a), theirs: median(b) };
}

function memoryDisk() {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}

function print() {
  console.log(
    `\n${"bar".padEnd(5)}${"what".padEnd(76)}${"limit".padStart(6)}${"ratio".padStart(8)}${"ours".padStart(9)}${"raw".padStart(9)}`,
  );
  const ms = (value) => (value == null ? "" : `${Math.round(value)} ms`);
  for (const row of rows.sort((x, y) => Number(x.id.slice(1)) - Number(y.id.slice(1)))) {
    const { id, what, limit, ratio, oursMs, theirsMs, held } = row;
    console.log(
      `${id.padEnd(5)}${what.padEnd(76)}${String(limit).padStart(6)}${ratio.toFixed(2).padStart(8)}${ms(oursMs).padStart(9)}${ms(theirsMs).padStart(9)}  ${held ? "held" : "SHORT"}`,
    );
  }
}
