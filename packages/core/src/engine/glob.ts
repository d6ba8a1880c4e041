/**
 * Whether a name matches a glob: `*` any text, `?` one character, `[a-z]` and `[!a-z]` one of a set where
 * sets are taken. Looks at each pair of places at most once, so that no pattern takes for ever, as a
 * regular expression with many stars would.
 */
export function matchesGlob(glob: string, name: string, options: { readonly sets?: boolean } = {}): boolean {
  const parts = partsOf(glob, options.sets === true);
  const characters = [...name];
  let [part, at] = [0, 0];
  // Where to go on if what follows the last star does not fit: the star takes one character more.
  let [star, taken] = [-1, 0];
  while (at < characters.length) {
    const wanted = parts[part];
    if (wanted === "any") {
      star = part++;
      taken = at;
    } else if (wanted?.(characters[at] as string) === true) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++taken;
    } else return false;
  }
  while (parts[part] === "any") part++;
  return part === parts.length;
}

type Part = "any" | ((character: string) => boolean);

function partsOf(glob: string, sets: boolean): Part[] {
  const characters = [...glob];
  const parts: Part[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    const set = sets && character === "[" ? setAt(characters, at) : null;
    if (set !== null) {
      parts.push(set.test);
      at = set.end;
    } else if (character === "*") parts.push("any");
    else if (character === "?") parts.push(() => true);
    else parts.push((other) => other === character);
  }
  return parts;
}

/** The set that begins at a bracket, null where none ends it: then the bracket is one like any other character. */
function setAt(characters: readonly string[], at: number): { readonly test: (character: string) => boolean; readonly end: number } | null {
  const not = characters[at + 1] === "!" || characters[at + 1] === "^";
  const first = at + (not ? 2 : 1);
  // A bracket that stands first is one of the set.
  const end = characters.indexOf("]", first + 1);
  if (end < 0) return null;
  const ranges: (readonly [number, number])[] = [];
  for (let i = first; i < end; i++) {
    const low = codeOf(characters[i]);
    const isRange = characters[i + 1] === "-" && i + 2 < end;
    ranges.push([low, isRange ? codeOf(characters[i + 2]) : low]);
    if (isRange) i += 2;
  }
  return {
    end,
    test: (character) => ranges.some(([low, high]) => low <= codeOf(character) && codeOf(character) <= high) !== not,
  };
}

function codeOf(character: string | undefined): number {
  return character?.codePointAt(0) ?? -1;
}
