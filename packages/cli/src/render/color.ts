const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], cyan: [36, 39] } as const;

export type Color = keyof typeof CODES;
export type Paint = (color: Color, text: string) => string;

const OURS = new RegExp(`\\u001b(?!\\[(?:${Object.values(CODES).flat().join("|")})m)`, "g");

/** What is about to be shown, less every control character but newline, tab and our own colours: whatever was forgotten to be made clean. */
export function guarded(text: string): string {
  return /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text) ? text.replace(OURS, "").replace(/[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g, "") : text;
}

/** Output of other programs for a terminal: their colours, and nothing else a terminal would obey. */
export function onlyColors(text: string): string {
  return text.replace(
    /\u001b(?!\[[0-9;:]*m)(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)?|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g,
    "",
  );
}

/** Colour only where a person sees it and has not said no. */
export function wantsColor(stream: { isTTY?: boolean }, env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

export function painter(on: boolean): Paint {
  return (color, text) => {
    if (!on || text === "") return text;
    const [open, close] = CODES[color];
    return `\u001b[${open}m${text}\u001b[${close}m`;
  };
}
