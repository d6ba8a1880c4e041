// npm run test:faults: the fault harness in its long form, and a table of what it measured.
//
// FLEET_FAULTS_ROUNDS: how often all of it is done (default 1). Further arguments choose files, e.g.
// `npm run test:faults -- reboot`; FLEET_FAULTS_CASE and FLEET_FAULTS_STEP choose one command and one
// step of it in killed-at-every-step.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, environment, installPackages, requireTools, root, run } from "./prepare.mjs";

requireTools();
installPackages();
build();

const folder = mkdtempSync(join(tmpdir(), "fleet-faults-"));
const report = join(folder, "figures.jsonl");
const chosen = process.argv.slice(2).map((name) => `test/faults/${name}`);
const files = chosen.length > 0 ? chosen : ["test/faults"];
// One file after the other: each makes a crowd of its own.
const argv = [join(root, "node_modules", ".bin", "vitest"), "run", "--no-file-parallelism", ...files];
const env = environment({ NODE_EXTRA_CA_CERTS: "", FLEET_FAULTS: "long", FLEET_FAULTS_REPORT: report });
const began = Date.now();
const { status } = run(argv, { mayFail: true, cwd: join(root, "packages", "cli"), env });

const figures = read(report);
rmSync(folder, { recursive: true, force: true });
const width = Math.max(...figures.map(({ what }) => what.length), 4);
console.log(`\n    ${"WHAT".padEnd(width)}  RESULT`);
for (const { guarantee, what, result } of figures) console.log(`${guarantee}  ${what.padEnd(width)}  ${result}`);
const minutes = ((Date.now() - began) / 60_000).toFixed(1);
console.log(`\n${status === 0 ? "All guarantees hold" : "NOT all guarantees hold"} (${minutes} minutes).`);
process.exitCode = status === 0 ? 0 : 1;

function read(file) {
  try {
    const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line)).sort((a, b) => a.guarantee.localeCompare(b.guarantee));
  } catch {
    return [];
  }
}
