import type { Command } from "@oclif/core";

/**
 * A text such as "- fix the tests" begins like a flag and is none. It is moved behind `--`, unless it is
 * the value of the flag before it or there is a `--` already.
 */
export function liftBullets(argv: readonly string[], command: Pick<typeof Command, "flags" | "baseFlags">): string[] {
  const end = argv.indexOf("--");
  if (end !== -1 || !argv.some((word) => isBullet(word))) return [...argv];
  const flags = { ...command.baseFlags, ...command.flags };
  const takesValue = (word: string | undefined): boolean =>
    word !== undefined &&
    Object.entries(flags).some(([name, flag]) => flag.type === "option" && (word === `--${name}` || word === `-${flag.char}`));
  const first = argv.findIndex((word, at) => isBullet(word) && !takesValue(argv[at - 1]));
  if (first === -1) return [...argv];
  const kept = argv.slice(0, first);
  const lifted: string[] = [];
  for (let at = first; at < argv.length; at++) {
    const word = argv[at] as string;
    if (takesValue(argv[at - 1])) kept.push(word);
    else if (word.startsWith("-") && word !== "-" && !isBullet(word)) kept.push(word);
    else lifted.push(word);
  }
  return [...kept, "--", ...lifted];
}

function isBullet(word: string): boolean {
  return /^-+\s/.test(word);
}
