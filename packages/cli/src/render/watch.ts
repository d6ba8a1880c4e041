import type { ListedAgent, ListOptions } from "@aifleet/core";
import type { Work } from "../base.js";
import { usage } from "../failure.js";
import { session } from "../session.js";
import { agentJson } from "./agent.js";
import { guarded } from "./color.js";
import { jsonText, output } from "./output.js";
import type { Ui } from "./ui.js";

/** At most so often, however much happens. */
const LEAST_MS = 250;
/** At least so often: processor time and memory change without an event. */
const MOST_MS = 3000;

/** Shows the list again on every event, until Ctrl+C or until nobody reads. */
export async function watchList(
  ui: Ui,
  { fleet, call, warnings }: Work,
  options: ListOptions,
  changes: boolean,
  draw: (agents: readonly ListedAgent[]) => string[],
): Promise<void> {
  if (!ui.json && ui.width === null) throw usage("--watch needs a terminal.", "Add --json for one line of JSON at each change.");
  const stopped = AbortSignal.any([...(call.signal ? [call.signal] : []), output.gone]);
  const bell = new Bell();
  const events = ring(fleet.events({ signal: stopped }), bell, stopped);
  const screen = ui.json ? null : new Screen();
  let last = "";
  try {
    for (let round = 0; !stopped.aborted; round++) {
      // The look into every worktree comes after the first picture, so that that one is there at once.
      const agents = await fleet.list({ ...options, changes: changes && round > 0 }, { ...call, signal: stopped });
      if (screen !== null) screen.show(draw(agents));
      else {
        const line = jsonText({ agents: agents.map(agentJson), warnings: warnings.splice(0) });
        if (line !== last) output.write(`${line}\n`);
        last = line;
      }
      await pause(LEAST_MS, stopped);
      if (!(changes && round === 0)) await bell.wait(MOST_MS - LEAST_MS, stopped);
    }
  } catch (error) {
    if (!stopped.aborted) throw error;
  } finally {
    screen?.leave();
    await events;
  }
}

/** Rings the bell for each event. That events cannot be had is no reason to end: the list is still drawn now and then. */
async function ring(events: AsyncIterable<unknown>, bell: Bell, stopped: AbortSignal): Promise<void> {
  try {
    for await (const _ of events) {
      bell.ring();
      if (stopped.aborted) return;
    }
  } catch {
    // Aborted, or not to be had.
  }
}

class Bell {
  #rung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async wait(ms: number, stopped: AbortSignal): Promise<void> {
    if (!this.#rung) {
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      await pause(ms, AbortSignal.any([stopped, wake.signal]));
      this.#wake = null;
    }
    this.#rung = false;
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopped.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stopped.addEventListener("abort", done, { once: true });
  });
}

/** Redraws from the top without clearing first, so that nothing flickers. */
class Screen {
  readonly #forget: () => void;
  #first = true;

  constructor() {
    this.#forget = session.onExit(() => process.stdout.write("\u001b[?25h"));
  }

  show(lines: readonly string[]): void {
    const rows = Math.max(1, (process.stdout.rows || 24) - 1);
    const shown = lines.slice(0, rows);
    const start = this.#first ? "\u001b[?25l\u001b[2J\u001b[H" : "\u001b[H";
    this.#first = false;
    process.stdout.write(`${start}${shown.map((line) => `${guarded(line)}\u001b[K\n`).join("")}\u001b[J`);
  }

  leave(): void {
    this.#forget();
    // The terminal shows the ^C that ended it: the shell's next words come in its place.
    process.stdout.write("\r\u001b[K\u001b[?25h");
  }
}
