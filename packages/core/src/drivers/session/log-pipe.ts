import { inertShellWord } from "./quote.js";

const BLOCK = 4096;

/**
 * The command that `pipe-pane` feeds a pane's output to: appends to the log and keeps it within its
 * limit by moving a full half aside to `LOG.1`. tmux expands `#` and `%` in it, so it holds neither.
 *
 * `dd` writes every read at once, so the log is up to date, and counts reads: a size check stands
 * after every run of it. An empty run is the end of the output. Where the log cannot be written (a
 * full disk) output is thrown away instead of filling the server's memory, and writing tried again.
 */
export function logCommand(logFile: string, maxBytes: number | null): string {
  const log = inertShellWord(logFile);
  if (maxBytes === null || !Number.isFinite(maxBytes)) return `umask 077; exec cat >> ${log}`;
  const half = Math.max(BLOCK, Math.floor(maxBytes / 2));
  // A run goes over the half by at most this many blocks of the rest: they are taken off beforehand.
  const slack = Math.max(1, Math.min(64, Math.floor(half / BLOCK / 8)));
  const goal = Math.max(1, half - slack * BLOCK);
  return [
    "umask 077",
    "LC_ALL=C",
    "export LC_ALL",
    `f=${log}`,
    "while :",
    'do s=$(( $(wc -c 2>/dev/null < "$f" || echo 0) ))',
    `if [ "$s" -ge ${goal} ]`,
    'then mv -f -- "$f" "$f.1"',
    "s=0",
    "fi",
    `n=$(( (${goal} - s) / ${BLOCK} ))`,
    `[ "$n" -ge ${slack} ] || n=${slack}`,
    `o=$( { dd bs=${BLOCK} count=$n >> "$f"; } 2>&1 ) || o=$(dd bs=${BLOCK} count=64 2>&1 >/dev/null)`,
    'case "$o" in 0+0*) exit',
    "esac",
    "done",
  ].join("; ");
}
