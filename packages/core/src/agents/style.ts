import type { Screen } from "../model/index.js";

const PIECES = /\u001b\[([\d;:]*)m|\u001b\]8;[^\u0007\u001b]*(?:\u0007|\u001b\\)|[\u000e\u000f]|([^\u001b\u000e\u000f]+|\u001b)/g;

/**
 * The lines with blanks for all that is dim or inverse: what programs only propose, and where the cursor stands. What a line
 * looks like goes on in the next.
 */
export function written({ lines }: Screen): readonly string[] {
  let dim = false;
  let inverse = false;
  return lines.map((line) => {
    let text = "";
    for (const [, codes, plain] of line.matchAll(PIECES)) {
      if (plain !== undefined) text += dim || inverse ? " ".repeat(plain.length) : plain;
      if (codes === undefined) continue;
      // A colour's own numbers are no styles.
      const numbers = codes.replace(/[345]8[;:](5[;:]\d*|2([;:]\d*){3,4})/g, "").split(/[;:]/);
      for (const code of numbers) {
        if (code === "0" || codes === "") dim = inverse = false;
        if (code === "2") dim = true;
        if (code === "22") dim = false;
        if (code === "7") inverse = true;
        if (code === "27") inverse = false;
      }
    }
    return text;
  });
}
