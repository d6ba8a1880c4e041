import { setPriority } from "node:os";
import type { DeleterPlace } from "@aifleet/core";
import { startInBackground } from "./background.js";
import { loadCore } from "./core.js";
import { session } from "./session.js";

const WITHOUT_PROJECT = "--no-project-config";

/** Starts this program to delete what is left of removed worktrees after this run has ended. */
export function startDeleter({ home, repo, ignoreProjectConfig }: DeleterPlace): void {
  startInBackground(home, ["__delete", ...(repo === null ? [] : [repo]), ...(ignoreProjectConfig ? [WITHOUT_PROJECT] : [])]);
}

/** The deleter's work: `fleet __delete [REPOSITORY] [--no-project-config]`. Behind everything else that the machine does. */
export async function deleteRemoved(words: readonly string[]): Promise<void> {
  setPriority(10);
  const { Fleet } = await loadCore();
  const [repo] = words.filter((word) => word !== WITHOUT_PROJECT);
  const ignoreProjectConfig = words.includes(WITHOUT_PROJECT);
  const fleet = await Fleet.open({ ...(repo === undefined ? {} : { repo }), ignoreProjectConfig });
  await fleet.deleteRemoved({ signal: session.signal });
}
