// Where an example runs: a repository, a fleet's home of its own, and the end of both.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Fleet } from "@aifleet/core";

/**
 * Reads `[REPO] [--agent NAME]`. Without a repository a small one is made in a temporary folder.
 * The fleet's home is always a new one, so that no agent of yours is seen or touched.
 *
 * @param {readonly string[]} [args]
 */
export function openPlace(args = process.argv.slice(2)) {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { agent: { type: "string", default: "demo" } },
    allowPositionals: true,
  });
  const folder = mkdtempSync(join(tmpdir(), "fleet-example-"));
  const given = positionals[0];
  const repo = given === undefined ? makeRepository(join(folder, "shop")) : resolve(given);
  const home = join(folder, "home");

  return {
    repo,
    home,
    /** Name of the adapter to use. */
    agent: values.agent,
    /**
     * Ends what is left and removes the home. Work in a repository of yours is not thrown away: then the home stays, and it is said.
     */
    async close() {
      // Its own settings must do for cleaning up, whatever the example changed.
      const fleet = await Fleet.open({ repo, home, ignoreProjectConfig: true });
      const left = (await fleet.list()).length;
      const { refused } = left === 0 ? { refused: [] } : await fleet.kill({ all: true }, { force: given === undefined });
      await fleet.close();
      if (refused.length === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      for (const { branch, error } of refused) console.log(`${branch} was kept in ${home}: ${error.message}`);
    },
  };
}

/** @param {string} path */
function makeRepository(path) {
  const git = (/** @type {string[]} */ ...words) => {
    const who = ["-c", "user.name=Example", "-c", "user.email=example@example.invalid", "-c", "commit.gpgsign=false"];
    execFileSync("git", [...who, ...words], { cwd: existsSync(path) ? path : tmpdir(), stdio: "ignore" });
  };
  git("init", "-q", "-b", "main", path);
  writeFileSync(join(path, "README.md"), "# Shop\n\nSells things.\n");
  writeFileSync(join(path, "prices.js"), "export const price = (cost) => Math.round(cost * 1.4);\n");
  git("add", "-A");
  git("commit", "-q", "-m", "A small shop");
  return path;
}
