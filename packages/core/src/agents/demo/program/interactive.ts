import { Draft, historyOf } from "./draft.js";
import { type Key, KeyDecoder } from "./keys.js";
import type { RunOptions } from "./options.js";
import { report, type Via } from "./report.js";
import { readScript } from "./script.js";
import { turn } from "./turn.js";
import { View } from "./view.js";
import { branchOf } from "./worktree.js";

/** How long a lone Esc may still become a key sequence, and a first Ctrl+C be followed by a second. */
const ESCAPE_MS = 40;
const SECOND_INTERRUPT_MS = 2000;

interface Dialog {
  readonly question: string;
  readonly answer: (yes: boolean) => void;
  selected: 0 | 1;
}

/** The agent at a terminal, until it exits. */
export function interactive(options: RunOptions): void {
  const wait = options.prompt === null ? 0 : readScript(options.prompt.toString("utf8")).slowStartMs;
  if (wait > 0) setTimeout(() => new Agent().start(options), wait);
  else new Agent().start(options);
}

class Agent {
  readonly #view = new View(process.stdout);
  readonly #keys = new KeyDecoder();
  readonly #draft = new Draft();
  readonly #queue: Buffer[] = [];
  #turn: { readonly abort: AbortController; readonly began: number } | null = null;
  #dialog: Dialog | null = null;
  #hint: string | null = null;
  #interruptedAt = 0;

  start(options: RunOptions): void {
    process.stdin.setRawMode(true);
    process.stdout.write("\x1b[?2004h");
    for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) process.on(signal, () => this.#exit(code));
    process.stdin.on("data", (chunk: Buffer) => this.#read(chunk));
    process.stdin.on("end", () => this.#exit(129));
    process.stdin.on("error", () => this.#exit(129));
    const banner = ["Demo agent (scripted, no model)", `  branch ${branchOf(process.cwd()) ?? "(none)"}`, `  folder ${process.cwd()}`];
    this.#view.print(options.resume ? [...banner, "", "Resumed."] : banner);
    if (options.prompt === null) this.#draw();
    else this.#submit(options.prompt, "argument");
  }

  #read(chunk: Buffer): void {
    for (const key of this.#keys.push(chunk)) this.#press(key);
    this.#draw();
    if (!this.#keys.undecided) return;
    // Bytes that have arrived meanwhile are read before the second look.
    setTimeout(() => setImmediate(() => this.#settle()), ESCAPE_MS);
  }

  #settle(): void {
    for (const key of this.#keys.flush()) this.#press(key);
    this.#draw();
  }

  #press(key: Key): void {
    this.#hint = null;
    if (key.kind === "interrupt") this.#interrupt();
    else if (this.#dialog !== null) this.#choose(this.#dialog, key);
    else if (key.kind === "text" || key.kind === "paste") this.#draft.add(key.bytes, key.kind === "paste");
    else if (key.kind === "newline") this.#draft.add(Buffer.from("\n"), false);
    else if (key.kind === "backspace") this.#draft.backspace();
    else if (key.kind === "clear") this.#draft.clear();
    else if (key.kind === "enter" && !this.#draft.empty) this.#submit(this.#draft.take(), "terminal");
    else if (key.kind === "escape") this.#escape();
    else if (key.kind === "end" && this.#draft.empty) this.#exit(0);
  }

  #choose(dialog: Dialog, key: Key): void {
    const typed = key.kind === "text" ? key.bytes.toString("latin1") : "";
    if (key.kind === "up" || key.kind === "down") dialog.selected = key.kind === "up" ? 0 : 1;
    else if (typed === "1" || typed === "2") dialog.answer(typed === "1");
    else if (key.kind === "enter") dialog.answer(dialog.selected === 0);
    else if (key.kind === "escape") dialog.answer(false);
  }

  #escape(): void {
    if (this.#turn === null) this.#draft.clear();
    else this.#turn.abort.abort();
  }

  #interrupt(): void {
    if (Date.now() - this.#interruptedAt < SECOND_INTERRUPT_MS) this.#exit(130);
    this.#interruptedAt = Date.now();
    this.#escape();
    this.#hint = "Press Ctrl+C again to exit.";
  }

  #submit(prompt: Buffer, via: Via): void {
    report(prompt, via);
    this.#queue.push(prompt);
    if (this.#turn === null) void this.#work();
  }

  /** Works until nothing is queued. */
  async #work(): Promise<void> {
    for (let prompt = this.#queue.shift(); prompt !== undefined; prompt = this.#queue.shift()) {
      const abort = new AbortController();
      this.#turn = { abort, began: Date.now() };
      this.#view.print(["", ...historyOf(prompt).map((line, at) => `${at === 0 ? "›" : " "} ${line}`)]);
      this.#draw();
      const seconds = setInterval(() => this.#draw(), 1000);
      const stage = { print: (...lines: string[]) => this.#view.print(lines), ask: this.#ask.bind(this) };
      const code = await turn(prompt, stage, abort.signal).catch((error: unknown) => {
        this.#view.print([abort.signal.aborted ? "■ Interrupted." : `✗ Error: ${(error as Error).message}`]);
        return null;
      });
      clearInterval(seconds);
      if (code !== null) this.#exit(code);
    }
    this.#turn = null;
    this.#draw();
  }

  #ask(question: string, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#dialog = null;
        signal.removeEventListener("abort", aborted);
      };
      const aborted = () => {
        end();
        reject(signal.reason);
      };
      const answer = (yes: boolean) => {
        end();
        resolve(yes);
      };
      signal.addEventListener("abort", aborted);
      this.#dialog = { question, answer, selected: 0 };
      this.#draw();
    });
  }

  /** The live lines. The line above the input is empty unless a turn runs: that is how the two are told apart. */
  #draw(): void {
    if (this.#dialog !== null) {
      const [yes, no] = this.#dialog.selected === 0 ? ["❯", " "] : [" ", "❯"];
      this.#view.show(["", "─".repeat(20), ` ${this.#dialog.question}`, ` ${yes} 1. Yes`, ` ${no} 2. No`, " enter to choose, esc for no"]);
      return;
    }
    const queued = this.#queue.length > 0 ? ` · ${this.#queue.length} queued` : "";
    const state =
      this.#turn === null ? "" : `✻ Working… (${Math.floor((Date.now() - this.#turn.began) / 1000)}s · esc to interrupt)${queued}`;
    const input = `› ${this.#draft.show()}`;
    this.#view.show(this.#hint === null ? ["", state, input] : ["", this.#hint, state, input]);
  }

  #exit(code: number): never {
    this.#view.show([]);
    try {
      process.stdout.write("\x1b[?2004l");
      process.stdin.setRawMode(false);
    } catch {
      // The terminal is gone.
    }
    process.exit(code);
  }
}
