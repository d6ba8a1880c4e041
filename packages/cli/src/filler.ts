import type { FillerPlace } from "@aifleet/core";
import { startInBackground } from "./background.js";
import { loadCore } from "./core.js";
import { session } from "./session.js";

const WITHOUT_PROJECT = "--no-project-config";

/** Starts this program to refill a pool after this run has ended. */
export function startFiller({ home, repo, ignoreProjectConfig }: FillerPlace): void {
  startInBackground(home, ["__pool", repo, ...(ignoreProjectConfig ? [WITHOUT_PROJECT] : [])]);
}

/** The filler's work: `fleet __pool REPOSITORY [--no-project-config]`. */
export async function refill([repo = "", ...flags]: readonly string[]): Promise<void> {
  const { Fleet } = await loadCore();
  const fleet = await Fleet.open({ repo, ignoreProjectConfig: flags.includes(WITHOUT_PROJECT) });
  await fleet.pool.refill({ signal: session.signal });
}
