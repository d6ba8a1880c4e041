const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], cyan: [36, 39] } as const;

export type Color = keyof typeof CODES;
export type Paint = (color: Color, text: string) => string;

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
