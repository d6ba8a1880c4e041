import { startInBackground } from "./background.js";
import { loadCore } from "./core.js";
import { startFiller } from "./filler.js";
import { session } from "./session.js";

/** Where a courier is at work. */
export interface Place {
  readonly home: string;
  readonly repo: string | null;
}

/** Starts this program as a courier that outlives this run: it gives queued prompts and starts queued agents. */
export function startCourier({ home, repo }: Place): void {
  startInBackground(home, ["__courier", ...(repo === null ? [] : [repo])]);
}

/** The courier's work: `fleet __courier [REPOSITORY]`. */
export async function carry(words: readonly string[]): Promise<void> {
  const { Fleet } = await loadCore();
  const [repo] = words;
  const fleet = await Fleet.open({ ...(repo === undefined ? {} : { repo }), ignoreProjectConfig: true, startFiller });
  await fleet.deliverQueued({ signal: session.signal });
}
