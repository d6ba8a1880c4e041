// npm run test:agents [-- AGENT… --prompts 100 --timing 50 --untouched]: drives the real agent programs through the built `fleet`,
// in a network of loopback alone, against a mock model server.
//
// By itself: the matrix agent x scenario x result. AIFLEET_AGENTS_ROUNDS: how often all of it is done (default 1). No cell is tried twice.
// --prompts N: so many prompts of random content and length (1 byte to --most, default 1000000) for each agent; --seed N draws the same again.
// --timing N: how soon a change of N agents at once is seen, and what watching costs.
// --untouched: what becomes of the agents' own files, with fleet and without.
// AIFLEET_AGENTS_CACHE: where the programs lie (default: aifleet-agents in the user's cache folder; 1.5 GB).
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AGENTS, install, versionOf } from "./agents/cli.mjs";
import { startModel } from "./agents/model.mjs";
import { inside, missing } from "./agents/namespace.mjs";
import { SCENARIOS, startStage } from "./agents/scenarios.mjs";
import { storm } from "./agents/storm.mjs";
import { timing } from "./agents/timing.mjs";
import { untouched } from "./agents/untouched.mjs";
import { build, installPackages, requireTools, root } from "./prepare.mjs";

const here = fileURLToPath(import.meta.url);
const number = { type: "string" };
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { prompts: number, most: number, seed: number, timing: number, untouched: { type: "boolean" } },
});
const chosen = positionals.filter((name) => AGENTS.includes(name));
const agents = chosen.length > 0 ? chosen : AGENTS;
const fleetBin = join(root, "packages", "cli", "bin", "fleet.js");
const rounds = Number(process.env.AIFLEET_AGENTS_ROUNDS ?? 1);

if (process.env.AIFLEET_LAB === "inside") await run();
else outside();

function outside() {
  const reason = missing() ?? install("aimock") ?? install("opencode-plugin");
  if (reason !== null) {
    console.log(`Skipped: ${reason}.`);
    return;
  }
  const absent = agents.filter((agent) => {
    const failed = install(agent);
    if (failed !== null) console.log(`Skipped: ${agent}: ${failed}`);
    return failed !== null;
  });
  requireTools();
  installPackages();
  if (process.env.AIFLEET_AGENTS_BUILT !== "1") build();
  const left = agents.filter((agent) => !absent.includes(agent));
  const given = Object.entries(flags).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
  if (left.length > 0) inside(here, [...left, ...given]);
}

async function run() {
  inside(here, []);
  const model = await startModel();
  const wanted = { prompts: askPrompts, timing: askTiming, untouched: askUntouched };
  const asked = Object.keys(wanted).filter((name) => flags[name] !== undefined);
  let good = true;
  for (const name of asked) {
    for (const agent of name === "timing" ? agents.slice(0, 1) : agents) {
      try {
        good = (await wanted[name](agent, model)) && good;
      } catch (error) {
        good = false;
        console.log(`RED ${agent} · ${name}: ${error.stack}`);
      }
    }
  }
  if (asked.length === 0) good = await askMatrix(model);
  await model.stop();
  process.exitCode = good ? 0 : 1;
}

async function askMatrix(model) {
  const cells = [];
  for (let round = 1; round <= rounds; round++) for (const agent of agents) await play(agent, model, round, cells);
  print(cells);
  return cells.every((cell) => cell.result !== "red");
}

async function askPrompts(agent, model) {
  const seed = Number(flags.seed ?? Date.now() % 1_000_000);
  const began = Date.now();
  const told = await storm(agent, model, fleetBin, { count: Number(flags.prompts), most: Number(flags.most ?? 1_000_000), seed });
  const times = told.ms.sort((a, b) => a - b);
  const evidence = Object.entries(told.evidence).map(([by, count]) => `${count} by ${by}`);
  console.log(
    `${agent} ${versionOf(agent)}, seed ${seed}: ${told.sent} prompts, ${told.bytes} bytes; ${told.equal} equal and once, ${told.delivered} delivered (${evidence.join(", ")}), ` +
      `${told.falsely.length} falsely, ${told.twice.length} twice, ${told.unverified.length} unverified, ${told.refused.length} refused; ` +
      `a prompt took ${times[times.length >> 1]} ms (most ${times.at(-1)}); ${Math.round((Date.now() - began) / 1000)} s`,
  );
  for (const kind of ["falsely", "twice", "unverified", "refused"]) for (const each of told[kind]) console.log(`  ${kind}: ${each}`);
  return told.equal === told.sent && told.delivered === told.sent && told.falsely.length === 0;
}

async function askTiming(agent, model) {
  const told = await timing(agent, model, fleetBin, Number(flags.timing));
  console.log(`${flags.timing} agents at once:`);
  for (const [what, { most, middle, percent }] of Object.entries(told)) {
    console.log(`  ${what}: ${percent === undefined ? `${middle} ms, the last after ${most} ms` : `${percent.toFixed(1)} % of a core`}`);
  }
  return Object.entries(told).every(([what, { most }]) => most === undefined || most < (/screen/.test(what) ? 2000 : 1000));
}

async function askUntouched(agent, model) {
  const { opened, onlyWith, both } = await untouched(agent, model, fleetBin);
  console.log(
    `${agent} ${versionOf(agent)}: opened for writing by fleet: ${opened === null ? "not seen, there is no strace" : opened.join(", ") || "none"}`,
  );
  console.log(`  changed with fleet alone: ${onlyWith.join(", ") || "none"}; with and without: ${both.join(", ") || "none"}`);
  return (opened ?? []).length === 0 && onlyWith.length === 0;
}

async function play(agent, model, round, cells) {
  model.requests.length = 0;
  const stage = await startStage(agent, model, fleetBin);
  let started = false;
  for (const [name, act] of SCENARIOS) {
    const began = Date.now();
    const cell = { agent, round, name, result: "green", note: "" };
    try {
      if (cells.length > 0 && !started && name !== SCENARIOS[0][0]) throw new Error("it never started");
      cell.note = (await act(stage)) ?? "";
      started = true;
    } catch (error) {
      cell.result = "red";
      cell.note = error.message;
    }
    cell.ms = Date.now() - began;
    cells.push(cell);
    console.log(
      `${cell.result === "green" ? "ok " : "RED"} ${agent} · ${name} (${(cell.ms / 1000).toFixed(1)} s)${cell.note ? `: ${cell.note}` : ""}`,
    );
  }
  await stage.end();
}

function print(cells) {
  const width = Math.max(...SCENARIOS.map(([name]) => name.length));
  const names = [...new Set(cells.map((cell) => cell.agent))];
  console.log(`\n${"".padEnd(width)}  ${names.map((agent) => `${agent} ${versionOf(agent)}`.padEnd(18)).join("")}`);
  for (const [name] of SCENARIOS) {
    const row = names.map((agent) => {
      const all = cells.filter((cell) => cell.agent === agent && cell.name === name);
      const green = all.filter((cell) => cell.result === "green").length;
      return (green === all.length ? `green ${green}/${all.length}` : `RED ${green}/${all.length}`).padEnd(18);
    });
    console.log(`${name.padEnd(width)}  ${row.join("")}`);
  }
  const red = cells.filter((cell) => cell.result === "red").length;
  console.log(
    `\n${cells.length - red} green, ${red} red, ${rounds} round${rounds === 1 ? "" : "s"}, ${new Date().toISOString().slice(0, 10)}.`,
  );
}
