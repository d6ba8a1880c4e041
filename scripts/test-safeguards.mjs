// npm run test:safeguards: takes each safeguard out of a copy of the code, one at a time, and expects the
// test that guards it to fail. A safeguard whose test still passes is one that nothing guards.
//
// The list stands in packages/cli/test/safeguards, a file for each guarantee. Arguments choose guarantees,
// or safeguards by a part of what they say: `npm run test:safeguards -- R8 "3 s"`.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { environment, installPackages, requireTools, root, run } from "./prepare.mjs";

requireTools();
installPackages();

const entries = await chosen(process.argv.slice(2));
if (entries.length === 0) {
  console.error("error: no safeguard is called that: see packages/cli/test/safeguards.");
  process.exit(2);
}

const copy = mkdtempSync(join(tmpdir(), "fleet-safeguards-"));
process.once("exit", () => rmSync(copy, { recursive: true, force: true, maxRetries: 5 }));
/** What is run at the moment leads a group of its own, so that all of it ends with this. */
let running;
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.once(signal, () => {
    if (running !== undefined) endGroup(running);
    process.exit(code);
  });
}
copyTree();

const tests = new Map(entries.map((entry) => [`${entry.test}\n${entry.name ?? ""}`, entry]));
console.log(`${entries.length} safeguards, ${tests.size} tests. First each test with everything in place …`);
await compile();
const broken = [];
for (const entry of tests.values()) if (!says("green", entry, await passes(entry))) broken.push(entry);
if (broken.length > 0) {
  for (const { test, name } of broken) console.error(`error: ${test}${name ? ` (${name})` : ""} fails by itself.`);
  process.exit(1);
}

const asleep = [];
for (const entry of entries) {
  const path = join(copy, entry.file);
  const whole = readFileSync(path, "utf8");
  if (whole.split(entry.replace).length !== 2) {
    console.log(`${entry.guarantee}  STALE   ${entry.what}: the text to take out is not there exactly once`);
    asleep.push(entry);
    continue;
  }
  writeFileSync(
    path,
    whole.replace(entry.replace, () => entry.by),
  );
  const began = Date.now();
  const verdict = (await compile()) ? ((await passes(entry)) ? "GREEN" : "red") : "NO BUILD";
  console.log(`${entry.guarantee}  ${verdict.padEnd(8)}${entry.what} (${((Date.now() - began) / 1000).toFixed(0)} s)`);
  if (verdict !== "red") asleep.push(entry);
  writeFileSync(path, whole);
}

console.log(`\n${entries.length - asleep.length} of ${entries.length} tests fail when their safeguard is gone, as they must.`);
process.exitCode = asleep.length === 0 ? 0 : 1;

async function chosen(words) {
  const folder = join(root, "packages", "cli", "test", "safeguards");
  const all = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".mjs"))) {
    const { default: list } = await import(pathToFileURL(join(folder, file)).href);
    all.push(...list.map((entry) => ({ ...entry, guarantee: file.replace(".mjs", "") })));
  }
  all.sort((a, b) => a.guarantee.localeCompare(b.guarantee, "en", { numeric: true }));
  return words.length === 0 ? all : all.filter((entry) => words.some((word) => entry.guarantee === word || entry.what.includes(word)));
}

/** The files git knows or would take, with the installed packages linked beside them. */
function copyTree() {
  const listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], { stdio: "pipe", encoding: "utf8" });
  for (const file of new Set(listed.stdout.split("\0").filter(Boolean))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { verbatimSymlinks: true, force: true });
  }
  const packages = join(copy, "node_modules");
  mkdirSync(join(packages, "@aifleet"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "@aifleet") symlinkSync(join(root, "node_modules", name), join(packages, name));
  }
  for (const name of ["core", "cli"]) symlinkSync(join(copy, "packages", name), join(packages, "@aifleet", name));
}

async function compile() {
  for (const name of ["core", "cli"]) {
    const argv = [join(root, "node_modules", ".bin", "tsup"), ...(name === "core" ? ["--no-dts"] : [])];
    if ((await quietly(argv, join(copy, "packages", name), environment())) !== 0) return false;
  }
  return true;
}

/** Runs a program that says nothing; answers with its exit code. */
function quietly([file, ...args], cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: "ignore", detached: true });
    running = child.pid;
    child.once("error", reject);
    child.once("exit", (code) => {
      running = undefined;
      resolve(code);
    });
  });
}

function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/** Whether the entry's test passes in the copy as it stands. Throws if there is no such test. */
async function passes({ test, name }) {
  const workspace = test.split("/").slice(0, 2).join("/");
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const argv = [join(root, "node_modules", ".bin", "vitest"), "run", test.slice(workspace.length + 1)];
  argv.push("--reporter=json", `--outputFile=${report}`);
  if (name !== undefined) argv.push("-t", name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const env = environment({ NODE_EXTRA_CA_CERTS: "" });
  const status = await quietly(argv, join(copy, workspace), env);
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
  if (numPassedTests + numFailedTests === 0) throw new Error(`${test} has no test ${name ?? ""}`);
  return status === 0;
}

function says(word, { test, name }, fine) {
  console.log(`    ${(fine ? word : "FAILS").padEnd(6)}${test}${name ? ` (${name})` : ""}`);
  return fine;
}
