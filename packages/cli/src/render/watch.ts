import type { ListedAgent, ListOptions } from "@aifleet/core";
import type { Work } from "../base.js";
import { usage } from "../failure.js";
import { session } from "../session.js";
import { agentJson } from "./agent.js";
import { guarded } from "./color.js";
import { jsonText, output } from "./output.js";
import type { Ui } from "./ui.js";

/** Drawn again at least this often: ages grow without an event, milliseconds. */
const DRAWN_MS = 3000;

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
  const screen = ui.json ? null : new Screen();
  let agents: readonly ListedAgent[] | null = null;
  let last = "";
  // What is known may stand while a window's size or the clock changes.
  const again = screen === null ? undefined : setInterval(() => agents !== null && screen.show(draw(agents)), DRAWN_MS);
  try {
    for await (const found of fleet.watch({ ...options, changes }, { ...call, signal: stopped })) {
      agents = found;
      if (screen !== null) screen.show(draw(agents));
      else {
        const line = jsonText({ agents: agents.map(agentJson), warnings: warnings.splice(0) });
        if (line !== last) output.write(`${line}\n`);
        last = line;
      }
    }
  } catch (error) {
    if (!stopped.aborted) throw error;
  } finally {
    clearInterval(again);
    screen?.leave();
  }
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
