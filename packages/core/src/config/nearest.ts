import { ALIASES, KEYS } from "./schema.js";

/** The key somebody most likely meant, null where nothing is near. Older names lead to today's. */
export function nearestKey(path: readonly string[]): string | null {
  const text = path.join(".");
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(text.length / 3)) + 1;
  const consider = (candidate: string, answer: string): void => {
    const distance = editDistance(text, candidate);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = answer;
    }
  };
  for (const spec of KEYS) {
    const key = spec.key.replace("<name>", path[1] ?? "<name>");
    consider(key, key);
    // Somebody who leaves the section out still means the key.
    const last = key.slice(key.indexOf(".") + 1);
    if (path.length === 1 && last === text) consider(text, key);
  }
  for (const [alias, key] of ALIASES) consider(alias, key);
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
