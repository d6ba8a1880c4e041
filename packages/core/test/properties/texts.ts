import fc from "fast-check";

const LONG = process.env.FLEET_FAULTS === "long";

/** The same texts in each short run, so that one which passes passes again; in the long form others each time, and more. */
export function runs(numRuns: number): fc.Parameters<unknown> {
  return LONG ? { numRuns: numRuns * 20 } : { numRuns, seed: 6 };
}

/** The same where each run is processes: those are not started again and again to find the smallest text that fails. */
export function dearRuns(numRuns: number): fc.Parameters<unknown> {
  return { ...runs(numRuns), endOnFailure: true };
}

/** Pieces that mean something to a shell, tmux, git, a parser of lines or TOML. */
const PIECES = [
  ..."'\"\\$`!#%&;|<>(){}[]*?~^=:@,./-+ \t\n\r",
  ...["$(", "#{", "#(", "''", "\\n", "\r\n", "..", "@{", "//", ".lock", "refs/", "HEAD", "-x", "--", "EOF", '"""', "\\u0041"],
  ...["\u001b", "\u007f", "\u009b", "\u202e", "\u2028", "\ufeff", "é", "e\u0301", "日", "\u{1f680}", "a", "b", "Z", "9", "_"],
];

/** Any text that a program can be given: no NUL, no half characters. */
export const argument = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join("")),
  fc.string({ unit: "binary", maxLength: 20 }).map((text) => text.replaceAll("\0", "")),
);

/** Any text at all, half characters and NULs too. */
export const anything = fc.oneof(
  argument,
  fc.array(fc.constantFrom(...PIECES, "\0", "\ud800", "\udc00"), { maxLength: 12 }).map((pieces) => pieces.join("")),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
);

/** Words, blanks, quotes and backslashes: what splitting is about, and nothing else a shell would act upon. */
export const shellish = fc
  .array(fc.constantFrom("a", "b", "-", "é", "*", "'", '"', "\\", " ", "\t"), { maxLength: 14 })
  .map((all) => all.join(""));
