import type { Files } from "./git-repository.js";

interface Change {
  readonly path: string;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** What differs, by file: the lines between what is the same at the start and at the end. */
function changesBetween(before: Files, after: Files): Change[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths.flatMap((path) => {
    const [old, now] = [linesOf(before.get(path)), linesOf(after.get(path))];
    if (before.get(path) === after.get(path)) return [];
    let start = 0;
    while (start < old.length && start < now.length && old[start] === now[start]) start++;
    let end = 0;
    while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
    return [{ path, removed: old.slice(start, old.length - end), added: now.slice(start, now.length - end) }];
  });
}

export function numbers(before: Files, after: Files): { added: number; removed: number; files: number } {
  const changes = changesBetween(before, after);
  const sum = (pick: (change: Change) => number) => changes.reduce((total, change) => total + pick(change), 0);
  return { added: sum(({ added }) => added.length), removed: sum(({ removed }) => removed.length), files: changes.length };
}

export function diffText(before: Files, after: Files, stat: boolean): string {
  return changesBetween(before, after)
    .map(({ path, removed, added }) => {
      if (stat) return ` ${path} | +${added.length} -${removed.length}\n`;
      const lines = [`diff --git a/${path} b/${path}`, ...removed.map((line) => `-${line}`), ...added.map((line) => `+${line}`)];
      return `${lines.join("\n")}\n`;
    })
    .join("");
}

function linesOf(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
