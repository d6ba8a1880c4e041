import type { ProgressEvent } from "@aifleet/core";
import { session } from "../session.js";
import type { Paint } from "./color.js";
import type { Ui } from "./ui.js";
import { clean, cut, pad, widthOf } from "./width.js";

type State = { step: string; detail: string; startedAt: number; endedAt: number | null; outcome: "running" | "done" | "failed" };

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Nothing is said of what takes less than this. */
const PATIENCE_MS = 1000;

/** One line an agent with its step and time: redrawn on a terminal; elsewhere plain lines, and only of what takes longer than a second. */
export interface Progress {
  readonly onProgress: (event: ProgressEvent) => void;
  /** Removes what was drawn. */
  stop(): void;
}

export function progress(ui: Ui, goal = "up"): Progress {
  if (ui.json) return { onProgress: () => {}, stop: () => {} };
  return process.stderr.isTTY === true && process.env.TERM !== "dumb" ? animated(ui, goal) : plain(ui);
}

function plain(ui: Ui): Progress {
  const startedAt = Date.now();
  return {
    onProgress(event) {
      if (event.type === "plan" || Date.now() - startedAt < PATIENCE_MS) return;
      const word = event.type === "step" ? event.step : event.type;
      const detail = event.type === "step" ? event.detail : event.type === "failed" ? event.message : undefined;
      ui.note(clean(`${event.branch}: ${word}${detail === undefined ? "" : ` (${detail})`}`));
    },
    stop() {},
  };
}

function animated(ui: Ui, goal: string): Progress {
  const states = new Map<string, State>();
  let drawn = 0;
  let frame = 0;
  const stateOf = (branch: string): State => {
    let state = states.get(branch);
    if (state === undefined) {
      state = { step: "queued", detail: "", startedAt: Date.now(), endedAt: null, outcome: "running" };
      states.set(branch, state);
    }
    return state;
  };
  const erase = (): string => (drawn === 0 ? "" : `\u001b[${drawn}A\r\u001b[J`);
  const draw = (): void => {
    frame++;
    const lines = progressLines(states, {
      now: Date.now(),
      width: process.stderr.columns || 80,
      rows: (process.stderr.rows || 24) - 2,
      spinner: SPINNER[frame % SPINNER.length] ?? "",
      paint: ui.paintNote,
      goal,
    });
    process.stderr.write(`${erase()}\u001b[?25l${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines.length;
  };
  const hide = (): void => {
    if (drawn > 0) process.stderr.write(erase());
    drawn = 0;
  };
  let timer: NodeJS.Timeout | null = null;
  let forget = (): void => {};
  const clear = (): void => {
    if (timer === null) return;
    clearInterval(timer);
    timer = null;
    hide();
    process.stderr.write("\u001b[?25h");
    ui.overlay = null;
  };
  /** Only once there is something to show: before that the terminal may be asking a question. */
  const start = (): void => {
    if (timer !== null) return;
    timer = setInterval(draw, 100).unref();
    forget = session.onExit(clear);
    ui.overlay = { hide };
  };
  return {
    onProgress(event) {
      start();
      if (event.type === "plan") {
        for (const branch of event.agents) stateOf(branch);
        return;
      }
      const state = stateOf(event.branch);
      if (event.type === "step") {
        if (state.step === "queued") state.startedAt = Date.now();
        state.step = event.step;
        state.detail = event.detail ?? "";
      } else {
        state.endedAt = Date.now();
        state.outcome = event.type;
        state.step = event.type === "done" ? goal : "failed";
        state.detail = event.type === "failed" ? event.message : "";
      }
    },
    stop() {
      forget();
      clear();
    },
  };
}

/** The lines of one frame: those at work first when not all fit. */
export function progressLines(
  states: ReadonlyMap<string, State>,
  look: { now: number; width: number; rows: number; spinner: string; paint: Paint; goal: string },
): string[] {
  const all = [...states];
  const ended = all.filter(([, state]) => state.outcome !== "running").length;
  const head = look.paint("bold", `${ended} of ${all.length} ${look.goal}`);
  const room = Math.max(1, look.rows - 2);
  const rank = { failed: 0, running: 1, done: 2 };
  const shown = all.length <= room ? all : [...all].sort(([, a], [, b]) => rank[a.outcome] - rank[b.outcome]).slice(0, room);
  const column = Math.min(Math.max(...shown.map(([branch]) => widthOf(clean(branch))), 8), Math.floor(look.width / 2));
  const lines = shown.map(([branch, state]) => {
    const [symbol, color] =
      state.outcome === "done"
        ? (["✓", "green"] as const)
        : state.outcome === "failed"
          ? (["✗", "red"] as const)
          : ([state.step === "queued" ? "·" : look.spinner, "cyan"] as const);
    const time = `${(((state.endedAt ?? look.now) - state.startedAt) / 1000).toFixed(1)}s`;
    const text = `${pad(cut(clean(branch), column), column)}  ${pad(state.step, 8)} ${state.step === "queued" ? "" : time}  ${clean(state.detail)}`;
    return `${look.paint(color, symbol)} ${cut(text.trimEnd(), Math.max(1, look.width - 3))}`;
  });
  if (shown.length < all.length) lines.push(look.paint("dim", `  … and ${all.length - shown.length} more`));
  return all.length > 1 ? [head, ...lines] : lines;
}
