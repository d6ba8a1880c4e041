// npm test: everything, from a fresh clone on. Ends with one line that counts.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, environment, installPackages, requireTools, root, run } from "./prepare.mjs";

requireTools();
installPackages();

const reports = mkdtempSync(join(tmpdir(), "fleet-reports-"));
const total = { passed: 0, failed: 0, skipped: 0 };

const step = (name, argv, options) => {
  const began = Date.now();
  console.log(`\n$ ${argv.map((word) => word.replace(`${root}/`, "").replace(process.execPath, "node")).join(" ")}`);
  const { status } = run(argv, { mayFail: true, ...options });
  console.log(`${status === 0 ? "ok" : "FAILED"}: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return status === 0;
};

const check = (name, argv) => {
  if (step(name, argv)) total.passed += 1;
  else total.failed += 1;
};

const bin = (name) => join(root, "node_modules", ".bin", name);

check("lint", [bin("biome"), "check", "--error-on-warnings", "."]);
build();
check("types", [bin("turbo"), "run", "typecheck", "--output-logs=errors-only", "--no-update-notifier"]);

for (const name of ["core", "cli"]) {
  const file = join(reports, `${name}.json`);
  const argv = [bin("vitest"), "run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`, ...process.argv.slice(2)];
  const fine = step(`tests of ${name}`, argv, { cwd: join(root, "packages", name), env: environment({ NODE_EXTRA_CA_CERTS: "" }) });
  const counted = countsOf(file);
  total.passed += counted.passed;
  total.failed += Math.max(counted.failed, fine ? 0 : 1);
  total.skipped += counted.skipped;
}

check("packages as others install them", [process.execPath, join(root, "scripts", "check-packages.mjs")]);
rmSync(reports, { recursive: true, force: true });

console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed > 0 ? 1 : 0;

function countsOf(file) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    return { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests + report.numTodoTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
