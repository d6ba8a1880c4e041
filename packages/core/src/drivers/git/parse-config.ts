/** One setting; `value` is null for a key without `=`, which git reads as true. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: string | null;
}

/** Parses `git config -z --get-regexp`: key, newline, value, NUL. */
export function parseConfig(text: string): ConfigEntry[] {
  return text
    .split("\0")
    .filter((record) => record !== "")
    .map((record) => {
      const cut = record.indexOf("\n");
      return cut < 0 ? { key: record, value: null } : { key: record.slice(0, cut), value: record.slice(cut + 1) };
    });
}

/** Whether git reads a setting's value as true. */
export function isTrue(value: string | null): boolean {
  return value === null || /^(true|yes|on|[1-9]\d*)$/i.test(value);
}

/** Where a fetch refspec puts a remote's ref, null if it does not fetch it. */
export function mapThroughRefspec(refspec: string, ref: string): string | null {
  const [from = "", to] = refspec.replace(/^\+/, "").split(":");
  if (to === undefined || to === "" || from.startsWith("^")) return null;
  const star = from.indexOf("*");
  if (star < 0) return from === ref ? to : null;
  const before = from.slice(0, star);
  const after = from.slice(star + 1);
  if (!ref.startsWith(before) || !ref.endsWith(after) || ref.length < before.length + after.length) return null;
  return to.replace("*", () => ref.slice(before.length, ref.length - after.length));
}
