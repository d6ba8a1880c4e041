// Prompts of random content and length, the same for the same seed.

/** A small generator of random numbers in [0, 1). */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const RANGES = [
  [0x21, 0x7e],
  [0xa1, 0xff],
  [0x100, 0x24f],
  [0x300, 0x36f],
  [0x391, 0x3ff],
  [0x400, 0x4ff],
  [0x5d0, 0x5ea],
  [0x620, 0x64a],
  [0x905, 0x939],
  [0xe01, 0xe30],
  [0x2190, 0x21ff],
  [0x2500, 0x25ff],
  [0x3041, 0x30fe],
  [0x4e00, 0x9faf],
  [0xac00, 0xd7a3],
  [0xff01, 0xffee],
  [0x1d400, 0x1d7ff],
  [0x1f300, 0x1f6ff],
  [0x20000, 0x20fff],
];
const SNIPPETS = [
  "$(touch canary)",
  "`touch canary`",
  "!touch canary",
  "#42",
  ";",
  ";;",
  "'",
  '"',
  "\\",
  "\\n",
  "$HOME",
  "#{pane_id}",
  "%s",
  "@a.ts",
  "/review",
  "\t",
  "esc to interrupt",
  "❯ 1. Yes",
  "Do you want to proceed?",
  "<b>",
  "&amp;",
  "--help",
  "*",
  "~",
  "👩‍👩‍👧",
  "\u00a0",
  "\u200d",
  "{}",
  "EOF",
];
const WORDS = "please read the login and say which tests fail then count lines of each file in order of size".split(" ");

/** A text of about so many bytes of UTF-8, without blanks at its ends. */
function textOf(random, bytes) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const kind = random();
  let text = "";
  let size = 0;
  while (size < bytes) {
    let part;
    const dice = random();
    if (dice < 0.1) part = pick(SNIPPETS);
    else if (dice < 0.2) part = random() < 0.3 ? "\n" : " ";
    else if (kind < 0.4 || dice < 0.6) part = `${pick(WORDS)} `;
    else {
      const [from, to] = pick(RANGES);
      part = String.fromCodePoint(from + Math.floor(random() * (to - from + 1)));
    }
    const more = Buffer.byteLength(part);
    if (size + more > bytes) part = "x".repeat(bytes - size);
    text += part;
    size += Buffer.byteLength(part);
  }
  const trimmed = text.trim();
  return trimmed === "" ? "x".repeat(bytes) : trimmed;
}

/** Lengths from one byte to `most`, as many of each order of magnitude; the first and the last are these two. */
export function prompts(seed, count, least, most) {
  const random = randomOf(seed);
  return Array.from({ length: count }, (_, at) => {
    const bytes =
      at === 0 ? least : at === count - 1 ? most : Math.round(Math.exp(Math.log(least) + random() * (Math.log(most) - Math.log(least))));
    return textOf(random, bytes);
  });
}
