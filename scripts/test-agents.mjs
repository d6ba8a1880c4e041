// npm run test:agents [-- AGENT…]: drives the real agent programs through the built `fleet`, in a network of loopback
// alone, against a mock model server; prints the matrix agent x scenario x result.
//
// AIFLEET_AGENTS_CACHE: where the programs lie (default: aifleet-agents in the user's cache folder; 1.5 GB).
// AIFLEET_AGENTS_ROUNDS: how often all of it is done (default 1). No cell is tried twice.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AGENTS, install, versionOf } from "./agents/cli.mjs";
import { startModel } from "./agents/model.mjs";
import { inside, missing } from "./agents/namespace.mjs";
import { SCENARIOS, startStage } from "./agents/scenarios.mjs";
import { build, installPackages, requireTools, root } from "./prepare.mjs";

const here = fileURLToPath(import.meta.url);
const chosen = process.argv.slice(2).filter((name) => AGENTS.includes(name));
const agents = chosen.length > 0 ? chosen : AGENTS;
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
  if (left.length > 0) inside(here, left);
}

async function run() {
  inside(here, []);
  const model = await startModel();
  const cells = [];
  for (let round = 1; round <= rounds; round++) for (const agent of agents) await play(agent, model, round, cells);
  await model.stop();
  print(cells);
  process.exitCode = cells.some((cell) => cell.result === "red") ? 1 : 0;
}

async function play(agent, model, round, cells) {
  model.requests.length = 0;
  const stage = await startStage(agent, model, join(root, "packages", "cli", "bin", "fleet.js"));
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
