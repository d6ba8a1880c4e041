/** What `git status --porcelain=v2 -z --branch --no-renames` says. */
export interface ParsedStatus {
  /** Null while unborn. */
  readonly head: string | null;
  /** Null when detached. */
  readonly branch: string | null;
  readonly modified: readonly string[];
  readonly untracked: readonly string[];
  readonly ignored: readonly string[];
}

/** Fields before the path, by the kind of record: `1` ordinary, `u` unmerged. */
const FIELDS: Readonly<Record<string, number>> = { "1": 8, u: 10 };

/** Null where the text is not, or not all of, what git says: "clean" is concluded from nothing less than the whole. */
export function parseStatus(text: string): ParsedStatus | null {
  let head: string | null | undefined;
  let branch: string | null | undefined;
  if (!text.endsWith("\0")) return null;
  const modified: string[] = [];
  const untracked: string[] = [];
  const ignored: string[] = [];
  for (const record of text.slice(0, -1).split("\0")) {
    const kind = record[0];
    if (kind === "#") {
      const [, name, value = ""] = /^# (\S+) ?([\s\S]*)$/.exec(record) ?? [];
      if (name === "branch.oid") head = value === "(initial)" ? null : value;
      if (name === "branch.head") branch = value === "(detached)" ? null : value;
    } else if (kind === "?") untracked.push(record.slice(2));
    else if (kind === "!") ignored.push(record.slice(2));
    else if (kind !== undefined && kind in FIELDS) modified.push(record.split(" ").slice(FIELDS[kind]).join(" "));
    else return null;
  }
  if (head === undefined || branch === undefined) return null;
  if ([...modified, ...untracked, ...ignored].includes("")) return null;
  return { head, branch, modified, untracked, ignored };
}
