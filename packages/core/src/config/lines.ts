/**
 * The line (from 1) of a TOML text on which a key is set, or the nearest table above it; undefined if
 * it is not found. The parser keeps no positions of values, and this is needed for messages only.
 */
export function lineOfKey(text: string, path: readonly string[]): number | undefined {
  let table: string[] = [];
  let best: { line: number; depth: number } | undefined;
  const consider = (keys: readonly string[], line: number): void => {
    const length = Math.min(keys.length, path.length);
    const shared = keys.slice(0, length).every((key, at) => key === path[at]) ? length : 0;
    if (shared > (best?.depth ?? 0)) best = { line, depth: shared };
  };
  let open: { close: string } | null = null;
  let depth = 0;
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  for (const [at, line] of lines.entries()) {
    let rest = line;
    if (open === null && depth === 0) {
      const header = /^\s*\[\[?(.*?)\]\]?\s*(?:#.*)?$/.exec(line);
      const keys = header === null ? keysBefore(line, "=") : keysBefore(`${header[1]}=`, "=");
      if (header !== null) {
        table = keys?.keys ?? [];
        consider(table, at + 1);
        continue;
      }
      if (keys === null) continue;
      consider([...table, ...keys.keys], at + 1);
      // An inline table holds the rest of the path on the same line.
      rest = line.slice(keys.end);
    }
    ({ open, depth } = skipValue(rest, open, depth));
  }
  return best?.line;
}

/** The dotted key at the start of a line, up to `end`; null if there is none. */
function keysBefore(line: string, end: string): { keys: string[]; end: number } | null {
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*([.=])/y;
  const keys: string[] = [];
  for (;;) {
    const match = pattern.exec(line);
    if (match === null) return null;
    keys.push(match[1] ?? match[2] ?? match[3] ?? "");
    if (match[4] === end) return { keys, end: pattern.lastIndex };
  }
}

/** Follows strings and brackets through a line, so that a value over several lines is not taken for keys. */
function skipValue(line: string, open: { close: string } | null, depth: number): { open: { close: string } | null; depth: number } {
  let at = 0;
  while (at < line.length) {
    if (open !== null) {
      if (open.close.startsWith('"') && line[at] === "\\") at += 2;
      else if (line.startsWith(open.close, at)) {
        at += open.close.length;
        open = null;
      } else at++;
      continue;
    }
    const char = line[at];
    if (char === "#") break;
    const triple = line.slice(at, at + 3);
    if (triple === '"""' || triple === "'''") {
      open = { close: triple };
      at += 3;
      continue;
    }
    if (char === '"' || char === "'") open = { close: char };
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth = Math.max(0, depth - 1);
    at++;
  }
  // A string in single quotes or one pair of double quotes ends with its line.
  return { open: open !== null && open.close.length === 3 ? open : null, depth };
}
