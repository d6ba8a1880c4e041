// A crowd of demo agents: made, listed, prompted, waited for and ended, with the time and memory of each step.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { bin, env, fleetSocket, makeRepo, world } from "./machine.mjs";

/** The whole may take so long, seconds. */
const PATIENCE = 1800;

export function crowd(count) {
  const repo = makeRepo("crowd", 20);
  const many = String(count);
  const free = available();
  const rows = [];
  const step = (what, args, expected) => {
    process.stderr.write(`${what} … `);
    const began = performance.now();
    const { document, peak } = runFleet([...args, "--json"], repo);
    const seconds = (performance.now() - began) / 1000;
    const wrong = document.error === undefined ? expected(document) : document.error.message;
    rows.push({ what, seconds, fleet: peak, ...memoryNow(), used: free - available(), wrong });
    process.stderr.write(`${seconds.toFixed(1)} s${wrong === "" ? "" : `, WRONG: ${wrong}`}\n`);
    return document;
  };
  const isAll = (list, what) => (list?.length === count ? "" : `${list?.length} of ${count} ${what}`);
  const delivered = ({ results }) =>
    isAll(
      results?.filter(({ delivery }) => delivery === "delivered"),
      "prompts delivered",
    );
  const ofStatus = (status) => (document) =>
    isAll(
      document.agents?.filter((agent) => status.includes(agent.status)),
      status.join(" or "),
    );
  step(`fanout ${many}`, ["fanout", many, "crowd", "--prompt", "Write a note."], ({ agents }) => isAll(agents, "up"));
  step("list", ["list"], ofStatus(["working", "idle"]));
  step("wait --all --for idle", ["wait", "--all", "--for", "idle", "--timeout", String(PATIENCE)], () => "");
  step("list, all idle", ["list"], ofStatus(["idle"]));
  step("prompt --all", ["prompt", "--all", "And another one."], delivered);
  step("wait --all --for idle, once more", ["wait", "--all", "--for", "idle", "--timeout", String(PATIENCE)], () => "");
  step("list, all idle again", ["list"], ofStatus(["idle"]));
  step("kill --all", ["kill", "--all", "--yes"], ({ killed }) => isAll(killed, "killed"));
  step("list of none", ["list"], ({ agents }) => (agents?.length === 0 ? "" : `${agents?.length} left`));
  return rows;
}

/** Its JSON document, and the most memory that it held. */
function runFleet(args, cwd) {
  const result = spawnSync("/usr/bin/time", ["-q", "-f", "%M", process.execPath, bin, ...args], {
    cwd,
    env: { ...env, AIFLEET_AGENT_DEFAULT: "demo" },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const peak = Number(result.stderr.trim().split("\n").at(-1)) * 1024;
  try {
    return { document: JSON.parse(result.stdout), peak };
  } catch {
    throw new Error(`fleet ${args.join(" ")}: exit ${result.status}: ${result.stderr}${result.stdout}`);
  }
}

/** Resident memory of the fleet's tmux server and of all that carry the name of a worktree of its agents, bytes; what processes share is counted for each. */
function memoryNow() {
  let tmux = 0;
  let agents = 0;
  let processes = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      const isServer = args[0]?.startsWith("tmux") && args.includes(fleetSocket);
      const isAgent = !isServer && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`\0AIFLEET_WORKTREE=${world}/`);
      if (!isServer && !isAgent) continue;
      const resident = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
      if (isServer) tmux += resident;
      else {
        agents += resident;
        processes += 1;
      }
    } catch {
      // Ended meanwhile, or not ours to look at.
    }
  }
  return { tmux, agents, processes };
}

/** What the system could still give to programs, bytes. */
function available() {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
}

export function printCrowd(count, rows) {
  const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
  const line = (...cells) =>
    console.log(
      cells[0].padEnd(36) +
        cells
          .slice(1)
          .map((cell) => String(cell).padStart(11))
          .join(""),
    );
  console.log(`\n${count} demo agents:`);
  line("step", "time", "fleet", "tmux", "processes", "their RSS", "in all");
  for (const { what, seconds, fleet, tmux, processes, agents, used } of rows)
    line(what, `${seconds.toFixed(1)} s`, megabytes(fleet), megabytes(tmux), processes, megabytes(agents), megabytes(used));
  const wrong = rows.filter((row) => row.wrong !== "");
  for (const row of wrong) console.log(`WRONG: ${row.what}: ${row.wrong}`);
  console.log(wrong.length === 0 ? "No failure." : `${wrong.length} steps failed.`);
  return wrong.length === 0;
}
