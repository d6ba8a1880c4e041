import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/**
 * Finishes the bundle: its own hash as its last line, which names its code cache, and the cache of the
 * Node that builds. The programs the core starts by path are put beside it.
 */
export async function seal(bundle: string): Promise<void> {
  const source = onlyAscii(await readFile(bundle, "utf8"));
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 16);
  await writeFile(bundle, `${source}\n//${hash}\n`);
  const core = dirname(createRequire(import.meta.url).resolve("@aifleet/core/package.json"));
  const demo = join(core, "dist/demo-agent.js");
  if (existsSync(demo)) await copyFile(demo, join(dirname(bundle), "demo-agent.js"));
  await warm(resolve("bin/fleet.js"));
}

/** What the bundler left in regular expressions; bin/fleet.js reads one byte as one character. */
function onlyAscii(source: string): string {
  return source.replace(/[^\x00-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Runs what people run most, in a repository of its own, so that the functions it needs are compiled in the caches (one for each kind of command).
 * Runs may fail: there may be no git or tmux here.
 */
async function warm(bin: string): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "fleet-warm-"));
  const kept = Object.entries(process.env).filter(([name]) => !/^(GIT_|TMUX|AIFLEET_|NODE_)/.test(name));
  const env = { ...Object.fromEntries(kept), HOME: home, AI_FLEET_HOME: join(home, "fleet"), FLEET_CODE_CACHE: "build" };
  const run = (file: string, args: readonly string[]) => spawnSync(file, args, { cwd: home, env, stdio: "ignore" });
  try {
    run("git", ["init", "-q"]);
    run("git", ["-c", "user.name=Build", "-c", "user.email=build@example.invalid", "commit", "-q", "--allow-empty", "-m", "first"]);
    await mkdir(env.AI_FLEET_HOME, { mode: 0o700 });
    await writeFile(join(env.AI_FLEET_HOME, "config.toml"), "[fleet]\nmax_parallel = 4\n", { mode: 0o600 });
    for (const args of [
      ["--help"],
      ["create", "--help"],
      ["list", "--no-such-flag"],
      ["create", "warm", "--agent", "demo"],
      ["prompt", "warm", "text"],
      ["logs", "warm"],
      ["list", "--json"],
      ["list"],
      ["kill", "warm"],
      ["fanout", "2", "warm", "--agent", "demo"],
      ["kill", "--all", "--force", "--yes"],
      ["list"],
    ]) {
      run(process.execPath, [bin, ...args]);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
