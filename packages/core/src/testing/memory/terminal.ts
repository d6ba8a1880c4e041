import type { Screen, Session } from "../../model/index.js";
import type { SessionSpec } from "../../ports/index.js";
import { Signal } from "./signal.js";

/** A line that waits to be read; `bytes` of it do not count as read yet. */
interface Line {
  readonly text: string;
  readonly bytes: number;
}

/** What a program is seen to do, for {@link MemoryTerminal.title}. */
type Doing = "working" | "idle" | `waiting: ${string}`;

/**
 * The terminal that a program in memory runs on: it prints, reads submitted lines and asks questions.
 *
 * A line-buffered program (the default) has read a line when it takes it; one that asked for bracketed
 * paste has read what is typed at once, as the event loop of a full-screen program does, from its first
 * `lines()` or `ask()` on.
 */
export class MemoryTerminal {
  /** Whether the program asked for bracketed paste: then newlines in a paste are no submits. */
  bracketedPaste = false;
  /** Title the program set. @default `idle` while it waits for a line, `waiting: …` while it asks, else `working` */
  title = "";
  dead = false;
  /** Bytes the program has read. */
  bytesRead = 0;
  readonly #abort = new AbortController();
  readonly #input = new Signal();
  readonly #lines: Line[] = [];
  #doing: Doing = "working";
  #listens = false;
  /** Typed at a program that reads as it comes, before it first read. */
  #unread = 0;
  #typed = "";
  #output = "";
  #exitCode: number | null = null;
  readonly #createdAt: number;
  #activityAt: number;

  constructor(
    readonly id: string,
    readonly pid: number,
    readonly spec: SessionSpec,
    private readonly now: () => number,
    private readonly told: { log(text: string): void; changed(): void; ended(): void },
  ) {
    this.#createdAt = now();
    this.#activityAt = this.#createdAt;
  }

  get argv(): readonly string[] {
    return this.spec.argv;
  }

  get env(): Readonly<Record<string, string>> {
    return this.spec.env;
  }

  get cwd(): string {
    return this.spec.cwd;
  }

  /** Aborted when the program is ended from outside. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  print(text: string): void {
    if (this.dead) return;
    this.#output += text;
    this.#activityAt = this.now();
    this.told.log(text);
  }

  /** Every line that is submitted; ends when the program is ended. While it waits, the program is idle. */
  async *lines(): AsyncIterable<string> {
    for (;;) {
      const line = await this.#next("idle");
      if (line === null) return;
      yield line;
    }
  }

  /** Prints a question and waits for its answer: the program is waiting. Rejects if it is ended instead. */
  async ask(question: string): Promise<string> {
    this.print(`${question}\n`);
    const answer = await this.#next(`waiting: ${question}`);
    if (answer === null) throw new Error("The program was ended while it asked.");
    return answer;
  }

  async #next(doing: Doing): Promise<string | null> {
    this.#listens = true;
    this.bytesRead += this.#unread;
    this.#unread = 0;
    while (this.#lines.length === 0 && !this.dead) {
      if (this.#doing !== doing) this.told.changed();
      this.#doing = doing;
      for await (const _ of this.#input.each(this.signal)) break;
    }
    this.#doing = "working";
    const line = this.#lines.shift();
    this.bytesRead += line?.bytes ?? 0;
    return line?.text ?? null;
  }

  /** Takes typed text. A newline submits, unless it is part of a bracketed paste. */
  receive(text: string, pasted: boolean): void {
    const asItComes = this.bracketedPaste;
    if (asItComes && this.#listens) this.bytesRead += Buffer.byteLength(text);
    else if (asItComes) this.#unread += Buffer.byteLength(text);
    this.#typed += text;
    if (asItComes && (pasted || !text.endsWith("\n"))) return;
    const parts = asItComes ? [this.#typed.slice(0, -1), ""] : this.#typed.split("\n");
    this.#typed = parts.pop() ?? "";
    this.#lines.push(...parts.map((part) => ({ text: part, bytes: asItComes ? 0 : Buffer.byteLength(part) + 1 })));
    this.#input.fire();
  }

  finish(exitCode: number): void {
    if (this.dead) return;
    this.dead = true;
    this.#exitCode = exitCode;
    this.#abort.abort();
    this.told.ended();
  }

  screen(history: number): Screen {
    const all = this.#output.split("\n").map((line) => line.trimEnd());
    while (all.at(-1) === "") all.pop();
    const { rows = 50 } = this.spec.size ?? {};
    // The cursor's own row counts, as on a real screen.
    const visible = Math.max(0, all.length - (this.#output.endsWith("\n") ? rows - 1 : rows));
    return { lines: all.slice(Math.max(0, visible - history)) };
  }

  session(): Session {
    return {
      id: this.id,
      name: this.spec.name,
      agent: this.spec.agent,
      pid: this.pid,
      dead: this.dead,
      exitCode: this.#exitCode,
      createdAt: this.#createdAt,
      activityAt: this.#activityAt,
      attached: 0,
      title: this.title === "" ? this.#doing : this.title,
      command: this.spec.argv[0],
      tty: "",
    };
  }
}
