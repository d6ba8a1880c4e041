import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Session } from "../../src/model/index.js";
import type { SessionDriver } from "../../src/ports/index.js";
import { createAll, createOne, seen } from "../../src/testing/contracts/session-driver.js";
import { makeWorld, settle, type World } from "../support/world.js";
import { specs, tmuxIn } from "./subjects.js";

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});

function world(): World {
  const made = makeWorld("tmux");
  worlds.push(made);
  return made;
}

/** Asks the world's server directly, around the driver. */
function tmux(w: World, ...args: string[]): string {
  return execFileSync("tmux", ["-u", "-N", "-S", join(w.root, "tmux.sock"), ...args], { env: w.env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

const find = async (driver: SessionDriver, id: string): Promise<Session | undefined> => (await driver.list()).find((session) => session.id === id);

describe("many agents at once", () => {
  it("loses neither a byte nor an exit code of 60 agents that print and end at once", async () => {
    const w = world();
    const driver = tmuxIn(w);
    const make = specs(w);
    const wanted = Array.from({ length: 60 }, (_, i) => make(["/bin/sh", "-c", `printf 'first %s\\n' ${i}; exit ${i % 50}`]));
    const results = await createAll(driver, wanted);
    expect(results.filter((result) => !result.ok)).toEqual([]);
    const all = await settle(
      () => driver.list(),
      (sessions) => sessions.length === 60 && sessions.every(({ exitCode }) => exitCode !== null),
    );
    const byAgent = new Map(all.map((session) => [session.agent, session]));
    expect(wanted.map(({ agent }) => byAgent.get(agent)?.exitCode)).toEqual(wanted.map((_, i) => i % 50));
    const screens = await driver.screens(all.map(({ id }) => id));
    expect(wanted.map(({ agent }) => screens.get(byAgent.get(agent)?.id ?? "")?.lines)).toEqual(wanted.map((_, i) => [`first ${i}`]));
    const logs = () => wanted.map(({ logFile }) => (existsSync(logFile) ? readFileSync(logFile, "utf8") : ""));
    await settle(logs, (texts) => texts.every((text) => text.endsWith("\n")));
    expect(logs()).toEqual(wanted.map((_, i) => `first ${i}\r\n`));
    expect(readdirSync(join(w.fleetHome, "run"))).toEqual([]);
  });
});
