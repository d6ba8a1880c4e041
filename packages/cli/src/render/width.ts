/** Columns a text takes on a terminal: wide characters and emoji two, marks that join none. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments(text)) width += widthOfGrapheme(segment);
  return width;
}

/** The text cut to a number of columns, the last of which is `…` if something is missing. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns <= 0) return "";
  let width = 0;
  let kept = "";
  for (const { segment } of segments(text)) {
    const next = widthOfGrapheme(segment);
    if (width + next > columns - 1) break;
    width += next;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text filled up with blanks to a number of columns. */
export function pad(text: string, columns: number, side: "left" | "right" = "left"): string {
  const blanks = " ".repeat(Math.max(0, columns - widthOf(text)));
  return side === "left" ? text + blanks : blanks + text;
}

/**
 * Text from outside without what could move the cursor, recolour the terminal or change the order in
 * which it is read.
 */
export function clean(text: string, options: { readonly keepNewlines?: boolean } = {}): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const plain = escaped(text.replace(/\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g, ""), UNSEEN);
  return options.keepNewlines === true ? plain.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "") : plain.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}

/** Text of which every character is to be seen as it is, what a terminal would obey or hide included. */
export function reveal(text: string): string {
  return escaped(escaped(text, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g), UNSEEN);
}

/**
 * A sentence as one line in which nothing is hidden, whatever name or answer of a program stands in it: a
 * break is seen as `\n`, and of a very long text the middle is left out, as what is wrong is often said last.
 */
export function oneLine(text: string): string {
  const short = text.trim().replace(/^(.{500}).{100,}(.{400})$/su, "$1 … $2");
  if (/^[\x20-\x7e]*$/.test(short)) return short;
  return reveal(short.replace(/\r?\n/g, "\\n").replace(/\t/g, "\\t"));
}

/** Changes of the reading direction, breaks of a line that are no newline, and what has no width but joins nothing. */
const UNSEEN =
  /[\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0001}-\u{e007f}](?<!\u{1f3f4}[\u{e0001}-\u{e007f}]+)/gu;

function escaped(text: string, what: RegExp): string {
  return text.replace(what, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

let segmenter: Intl.Segmenter | undefined;

function segments(text: string): Iterable<{ segment: string }> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return segmenter.segment(text);
}

function widthOfGrapheme(grapheme: string): number {
  const code = grapheme.codePointAt(0) ?? 0;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (/^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(grapheme)) return 0;
  if (/\p{Emoji_Presentation}|\ufe0f/u.test(grapheme)) return 2;
  return isWide(code) ? 2 : 1;
}

/** East Asian wide and full-width blocks. */
function isWide(code: number): boolean {
  return (
    code >= 0x1100 &&
    (code <= 0x115f ||
      (code >= 0x2e80 && code <= 0x303e) ||
      (code >= 0x3041 && code <= 0x33ff) ||
      (code >= 0x3400 && code <= 0x4dbf) ||
      (code >= 0x4e00 && code <= 0x9fff) ||
      (code >= 0xa000 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0xffe0 && code <= 0xffe6) ||
      (code >= 0x1f300 && code <= 0x1f64f) ||
      (code >= 0x1f900 && code <= 0x1f9ff) ||
      (code >= 0x20000 && code <= 0x3fffd))
  );
}
