// npm run bench: what a command costs, as a ratio to what a person's own shell lines cost on the same machine.
// Both sides in one run, taking turns; medians of pairs. Nothing here fails a build: counts do, in the tests.
//
//   npm run bench -- [--quick] [--json FILE] [--only P1,P3] [--pairs N]
//     --growth      only how cost grows with 1, 10, 50, 100 and 300 agents; without --quick or --only it follows the bars
//     --peer PATH   a checkout of the Python ai-fleet, or its executable, beside it
//     --crowd N     nothing else: N demo agents made, listed, prompted, waited for and ended, with time and memory of each step
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { build, installPackages, requireTools } from "./prepare.mjs";

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean" },
    json: { type: "string" },
    only: { type: "string" },
    pairs: { type: "string" },
    growth: { type: "boolean" },
    crowd: { type: "string" },
    peer: { type: "string" },
  },
});
if (flags.crowd !== undefined && !/^[1-9]\d{0,2}$/.test(flags.crowd)) {
  console.error("error: --crowd takes the number of agents, 1 to 999.");
  process.exit(2);
}
requireTools();
installPackages();
build();

// It makes its world as it is loaded: after what may end the script.
const { bin, clean, dispose, env, fleet, fleetSocket, inPairs, makeRepo, rawSocket, sh, ticks } = await import("./bench/machine.mjs");
const { crowd, printCrowd } = await import("./bench/crowd.mjs");
const { growth, printGrowth } = await import("./bench/growth.mjs");
const { besidePeer, PeerError, printPeer } = await import("./bench/peer.mjs");
const { sdkList } = await import("./bench/sdk.mjs");

const PAIRS = Number(flags.pairs ?? (flags.quick ? 3 : 7));
const SETUP_SECONDS = flags.quick ? 5 : 20;
const rawTmux = `tmux -S ${rawSocket} -f /dev/null`;

const rows = [];
const only = flags.only?.split(",");
const wants = (...ids) => only === undefined || ids.some((id) => only.includes(id));
try {
  const found = flags.crowd === undefined ? { rows, ...(await measure()) } : { crowd: crowd(Number(flags.crowd)) };
  if (found.crowd !== undefined && !printCrowd(flags.crowd, found.crowd)) process.exitCode = 1;
  if (flags.json) writeFileSync(flags.json, `${JSON.stringify({ node: process.version, pairs: PAIRS, ...found }, null, 2)}\n`);
} catch (error) {
  if (!(error instanceof PeerError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  dispose();
}

/** What the flags ask for: the bars, how cost grows, the peer. */
async function measure() {
  const peer = flags.peer === undefined ? {} : { peer: besidePeer(flags.peer, PAIRS) };
  if (!flags.growth) await bars();
  const isWhole = !flags.quick && only === undefined && flags.peer === undefined;
  const grown = flags.growth || isWhole ? { growth: await growth(flags.quick ? 2 : 3) } : {};
  if (rows.length > 0) print();
  if (grown.growth) printGrowth(grown.growth);
  if (peer.peer) printPeer(peer.peer);
  return { ...grown, ...peer };
}

async function bars() {
  const small = makeRepo("small", 20);
  if (wants("P1", "P10", "P12", "P13")) {
    fleet(["fanout", "100", "l", "--prompt", "x"], small);
    await bar("P1", "fleet list, 100 agents / list-panes -a + ps", 3.0, async () =>
      pairs(
        () => fleet(["list"], small),
        () =>
          sh(`tmux -S '${fleetSocket}' list-panes -a -F '#{session_name} #{pane_pid} #{pane_dead}'; ps -eo pid,ppid,rss,pcpu,args`, small),
      ),
    );
    await bar("P12", "memory of fleet list / node -e 0", 2.0, async () => ({
      ratio: memory([bin, "list"], small) / memory(["-e", "0"], small),
    }));
    await bar("P13", "CPU of list --watch over 100 agents, percent of a core (with tmux)", 2.0, async () => ({
      ratio: await watchCost(small),
    }));
    await bar("P10", "SDK: second fleet.list() of 300 agents / the one tmux call it makes", 2.0, async () => {
      fleet(["fanout", "200", "s", "--prompt", "x"], small);
      return sdkList(small, PAIRS * 3);
    });
    clean(small);
  }
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
        sh(`tmux -S '${fleetSocket}' capture-pane -p -S -100 -t ai_`, small);
      },
    );
    clean(small);
    return row;
  });
  const large = makeRepo("large", 3000);
  await bar("P5", "fleet fanout 10, 3,000 files / raw ten times", 0.6, async () => fan(large, 10));
  if (flags.quick ? only?.includes("P7") : only === undefined || only.includes("P7")) {
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

function pairs(ours, theirs, after, before, count = PAIRS) {
  return inPairs(count, ours, theirs, after, before);
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

function memory(args, cwd) {
  const result = spawnSync("/usr/bin/time", ["-f", "%M", process.execPath, ...args], { cwd, env, encoding: "utf8" });
  return Number(result.stderr.trim().split("\n").at(-1));
}

/** Processor time of the watcher and of tmux over some seconds, percent of one core. */
async function watchCost(repo) {
  const child = spawn(process.execPath, [bin, "list", "--watch", "--json"], { cwd: repo, env, stdio: ["ignore", "ignore", "ignore"] });
  const server = Number(String(sh(`tmux -S '${fleetSocket}' display-message -p '#{pid}'`, repo)).trim());
  const seconds = flags.quick ? 5 : 15;
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = ticks(child.pid) + ticks(server);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const used = ticks(child.pid) + ticks(server) - before;
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  return used / seconds;
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
