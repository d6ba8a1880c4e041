// How soon a change is seen in `fleet list --watch`, for many agents at once: by their hooks, and by their screens alone.
// One of them may be a real program; the others are scripts that show and report what Claude Code does.
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startStage } from "./scenarios.mjs";

const SCRIPT = fileURLToPath(new URL("./reporting-agent.sh", import.meta.url));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function timing(agent, model, fleetBin, count) {
  const stage = await startStage(agent, model, fleetBin);
  const told = {};
  let watcher = null;
  try {
    await stage.fleet("config", "set", "agents.claude.command", SCRIPT);
    const made = await stage.fleet("fanout", String(count), "m", "--agent", "claude", "--prompt", "Do it");
    if (made.code !== 0) throw new Error(`fanout: exit ${made.code}: ${made.text.slice(0, 300)}`);
    let last = [];
    watcher = spawn(process.execPath, [fleetBin, "list", "--watch", "--json", "--repo", stage.repo], {
      env: stage.env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let rest = "";
    const seen = [];
    watcher.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        last = JSON.parse(line).agents;
        seen.push({ at: Date.now(), agents: last });
      }
    });
    const ticks = (pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")
        .map(Number);
      return fields[11] + fields[12] + fields[13] + fields[14];
    };
    const all = (status) => () => last.length === count && last.every((each) => each.status === status);
    const until = async (good, seconds, what) => {
      for (const end = Date.now() + seconds * 1000; !good(); await pause(10)) {
        if (Date.now() > end)
          throw new Error(`${what}: not seen; ${JSON.stringify(last.map((each) => `${each.status} ${each.statusSource}`).slice(0, 5))}`);
      }
    };
    const change = async (name, signal, status) => {
      const from = Date.now();
      execFileSync("kill", [`-${signal}`, ...last.map(({ pid }) => String(pid))]);
      const sent = Date.now();
      await until(all(status), 20, name);
      const reached = new Map();
      for (const { at, agents } of seen)
        for (const one of agents) if (at >= from && one.status === status && !reached.has(one.id)) reached.set(one.id, at - sent);
      const times = [...reached.values()].sort((a, b) => a - b);
      told[name] = { most: times.at(-1), middle: times[times.length >> 1] };
      await pause(3000);
    };
    await until(all("idle"), 60, "idle at first");
    await pause(3000);
    for (let round = 1; round <= 3; round++) {
      const mark = round === 1 ? "" : ` (${round})`;
      await change(`working, by a hook${mark}`, "USR1", "working");
      await change(`waiting, by a hook${mark}`, "USR2", "waiting");
      await change(`idle, by the screen alone${mark}`, "ALRM", "idle");
      await change(`working again, by a hook${mark}`, "USR1", "working");
      await change(`idle, by a hook${mark}`, "HUP", "idle");
    }
    await pause(6000);
    const server = Number(stage.tmux("display-message", "-p", "#{pid}"));
    const [before, since] = [ticks(watcher.pid) + ticks(server), Date.now()];
    await pause(20_000);
    told["processor time while nothing happens"] = {
      percent: (1000 * (ticks(watcher.pid) + ticks(server) - before)) / (Date.now() - since),
    };
  } finally {
    watcher?.kill("SIGTERM");
    await stage.end();
  }
  return told;
}
