// Packs the packages and uses them as a stranger would: types under both resolutions, a run, the linters of packaging.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run } from "./prepare.mjs";

const folder = mkdtempSync(join(tmpdir(), "fleet-pack-"));
// Also when a step ends the script.
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const bin = (name) => join(root, "node_modules", ".bin", name);

for (const name of ["core", "cli"])
  run(["npm", "pack", "--silent", "--workspace", `packages/${name}`, "--pack-destination", folder], {
    stdio: ["ignore", "ignore", "inherit"],
  });
const { version } = JSON.parse(readFileSync(join(root, "packages/core/package.json"), "utf8"));
const tarball = (name) => join(folder, `aifleet-${name}-${version}.tgz`);
for (const name of ["core", "cli"]) run([bin("publint"), "run", tarball(name), "--strict"], { stdio: ["ignore", "ignore", "inherit"] });
run([bin("attw"), tarball("core"), "--profile", "esm-only", "--format", "ascii", "--quiet"]);

const consumer = join(folder, "consumer");
mkdirSync(consumer);
writeFileSync(join(consumer, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
writeFileSync(join(consumer, ".npmrc"), "omit-lockfile-registry-resolved=true\nfund=false\naudit=false\n");
run(["npm", "install", "--silent", "--no-package-lock", "--prefer-offline", tarball("core")], {
  cwd: consumer,
  stdio: ["ignore", "ignore", "inherit"],
});
writeFileSync(join(consumer, "main.ts"), SOURCE());
for (const moduleResolution of ["nodenext", "bundler"]) {
  const module = moduleResolution === "nodenext" ? "nodenext" : "esnext";
  // Once with Node's own types and nothing of a browser, once as TypeScript comes.
  for (const more of [{ lib: ["es2023"], typeRoots: [join(root, "node_modules/@types")], types: ["node"] }, { types: [] }]) {
    const compilerOptions = { strict: true, noEmit: true, target: "es2022", module, moduleResolution, skipLibCheck: false, ...more };
    writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
    run([bin("tsc"), "-p", "."], { cwd: consumer });
  }
}
writeFileSync(
  join(consumer, "main.js"),
  'import { Fleet, FleetError } from "@aifleet/core";\nimport "@aifleet/core/testing";\ntry {\n  await Fleet.open({ repo: "/" });\n} catch (error) {\n  if (!(error instanceof FleetError) || error.code !== "NOT_A_REPOSITORY") throw error;\n}\n',
);
run([process.execPath, "main.js"], { cwd: consumer });
console.log("The packed packages install, type-check under nodenext and bundler, and run.");

function SOURCE() {
  return `import { Agent, type AgentInfo, Fleet, FleetError, type FleetEvent, isFleetError } from "@aifleet/core";

export async function use(): Promise<readonly AgentInfo[]> {
  await using fleet = await Fleet.open({ repo: "." });
  const agent: Agent = await fleet.createAgent({ branch: "fix", prompt: "Fix it", adapter: "demo" });
  await agent.waitFor("idle", { timeout: 1000 });
  const batch = await fleet.fanout({ count: 3, prompt: "…" });
  await fleet.kill({ batch: batch.id }, { force: true });
  for await (const event of fleet.events({ signal: AbortSignal.timeout(10) })) {
    const kind: FleetEvent["type"] = event.type;
    if (kind === "agent.removed") break;
  }
  try {
    await fleet.prompt("fix", "Run the tests");
  } catch (error) {
    if (isFleetError(error, "PROMPT_REFUSED")) return [];
    if (error instanceof FleetError) console.log(error.exitCode);
  }
  // @ts-expect-error A status that does not exist is refused by the types.
  return fleet.list({ status: "busy" });
}
`;
}
