import { readFileSync } from "node:fs";
import { processesOf, type World } from "../../../core/test/support/world.js";

/** The processes of a world that give prompts and start agents in the background. */
export function couriersOf(world: World): number[] {
  return processesOf(world.root).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0__courier\0");
    } catch {
      return false;
    }
  });
}
