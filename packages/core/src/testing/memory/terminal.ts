import type { Screen, Session } from "../../model/index.js";
import type { SessionSpec } from "../../ports/index.js";
import { Signal } from "./signal.js";

/** The terminal that a program in memory runs on. */
export class MemoryTerminal {
  /** Whether the program asked for bracketed paste: then newlines in a paste are no submits. */
  bracketedPaste = false;
  /** Title the program set. */
  title = "";
  dead = false;
  readonly #abort = new AbortController();
  readonly #input = new Signal();
  readonly #lines: string[] = [];
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
    private readonly log: (text: string) => void,
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
    this.log(text);
  }

  /** Every line that is submitted; ends when the program is ended. */
  async *lines(): AsyncIterable<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) yield line;
      else if (this.dead) return;
      else for await (const _ of this.#input.each(this.signal)) break;
    }
  }

  /** Takes typed text. A newline submits, unless it is part of a bracketed paste. */
  receive(text: string, pasted: boolean): void {
    this.#typed += text;
    if (pasted && this.bracketedPaste) return;
    const parts = pasted || !this.bracketedPaste ? this.#typed.split("\n") : [this.#typed.replace(/\n$/, ""), ""];
    this.#typed = parts.pop() ?? "";
    this.#lines.push(...parts);
    this.#input.fire();
  }

  finish(exitCode: number): void {
    if (this.dead) return;
    this.dead = true;
    this.#exitCode = exitCode;
    this.#abort.abort();
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
      title: this.title,
      command: this.spec.argv[0],
      tty: "",
    };
  }
}
