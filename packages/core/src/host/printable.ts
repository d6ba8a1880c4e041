/** As much of a strange answer is quoted, characters. */
const QUOTED = 60;

/** The first words of an answer that nobody expected, fit for one line of a message. */
export function printable(text: string): string {
  const line = text
    .slice(0, 1000)
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim();
  return line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
}
