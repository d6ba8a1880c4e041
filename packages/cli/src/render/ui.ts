import type { CommandTrace } from "@aifleet/core";
import { guarded, onlyColors, type Paint, painter, wantsColor } from "./color.js";
import { jsonText, output } from "./output.js";
import { clean, oneLine } from "./width.js";

export interface UiOptions {
  readonly json: boolean;
  /** False: `--no-color`. */
  readonly color: boolean;
  readonly verbose: boolean;
}

/** Where a command's words go: results to stdout, everything else to stderr. */
export class Ui {
  readonly json: boolean;
  readonly verbose: boolean;
  /** Colours for stdout. */
  readonly paint: Paint;
  /** Colours for stderr. */
  readonly paintNote: Paint;

  constructor(options: UiOptions) {
    this.json = options.json;
    this.verbose = options.verbose;
    this.paint = painter(options.color && wantsColor(process.stdout));
    this.paintNote = painter(options.color && wantsColor(process.stderr));
  }

  /** What is drawn on stderr and must make room for a word. */
  overlay: { hide(): void } | null = null;

  /** Columns of the terminal, null where stdout is none. */
  get width(): number | null {
    return process.stdout.isTTY === true ? Math.max(20, process.stdout.columns || 80) : null;
  }

  /** A line of the result. */
  line(text = ""): void {
    output.write(guarded(`${text}\n`));
  }

  lines(texts: readonly string[]): void {
    if (texts.length > 0) output.write(guarded(`${texts.join("\n")}\n`));
  }

  /** What somebody asked for as it is, a path or another program's output: byte for byte in a pipe, harmless on a terminal. */
  data(text: string): void {
    output.write(process.stdout.isTTY === true ? onlyColors(text) : text);
  }

  /** The one JSON document. */
  document(value: unknown): void {
    output.write(`${jsonText(value, 2)}\n`);
  }

  /** One document of several: JSON Lines. */
  record(value: unknown): void {
    output.write(`${jsonText(value)}\n`);
  }

  /** A word beside the result. */
  note(text: string): void {
    this.overlay?.hide();
    process.stderr.write(guarded(`${text}\n`));
  }

  warn(text: string): void {
    this.note(`${this.paintNote("yellow", "warning:")} ${oneLine(text)}`);
  }

  trace({ argv, exitCode, durationMs }: CommandTrace): void {
    const code = exitCode === 0 ? "" : ` (exit ${exitCode ?? "none"})`;
    const command = clean(argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" "));
    this.note(this.paintNote("dim", `+ ${command}  ${durationMs.toFixed(0)} ms${code}`));
  }
}
