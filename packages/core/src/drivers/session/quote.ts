/** Text as one word of a POSIX shell, taken literally. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Text as one word of tmux's command language, taken literally: no format, variable or home is expanded in single quotes.
 * A newline stands outside of them: within, tmux drops a backslash before it, and blanks and comments after it.
 */
export function tmuxWord(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`).replaceAll("\n", `'"\\n"'`)}'`;
}

/** A path for `source-file`, which takes it as a pattern. */
export function globLiteral(path: string): string {
  return path.replace(/[\\*?[\]]/g, "\\$&");
}

/**
 * An absolute path as a shell word that holds nothing but letters, digits and `/._-` in the plain case, and
 * otherwise only these and octal escapes. For `pipe-pane`, which expands formats (`#(…)` runs a
 * command) and dates (`%H`) before a shell sees the text: this word holds no `#` and no `%`.
 */
export function inertShellWord(path: string): string {
  if (/^[A-Za-z0-9/._-]+$/.test(path)) return path;
  const octal = Array.from(Buffer.from(path, "utf8"), (byte) =>
    /[A-Za-z0-9/._-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`,
  );
  return `"$(printf '${octal.join("")}')"`;
}
