import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Fleet } from "../../src/index.js";
import type { FleetOpenOptions } from "../../src/index.js";
import type { World } from "./world.js";

const core = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Opens a fleet in a world, its agents the demo agent at full speed. */
export function openFleet(world: World, repo: string, options: Partial<FleetOpenOptions> = {}): Promise<Fleet> {
  return Fleet.open({
    repo,
    env: { ...world.env, AIFLEET_AGENT_DEFAULT: "demo", DEMO_AGENT_SPEED: "0", AIFLEET_DEMO_AGENT: demoScript(), ...options.env },
    ...options,
  });
}
